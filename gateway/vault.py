"""Vault: what is kept encrypted at rest, users' own keys above all."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import Unavailable
from .secret import Secret

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FILE = "creds-key"
_NONCE = 12
_KEY = 32


class Sealed(Exception):
    """It cannot be opened: sealed under another key, or damaged."""


class Vault(ABC):
    """AES-256-GCM."""

    def seal(self, text: Secret, owner: str) -> bytes:
        """owner: whose it is, as `user/endpoint`; it opens under no other. Raises Unavailable."""
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, text.reveal().encode(), owner.encode())

    def open(self, sealed: bytes, owner: str) -> Secret:
        """Raises Sealed or Unavailable."""
        from cryptography.exceptions import InvalidTag

        try:
            return Secret(self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], owner.encode()).decode())
        except (InvalidTag, ValueError) as error:
            raise Sealed("it was sealed under another key, or is damaged") from error

    @abstractmethod
    def _key(self) -> bytes:
        """32 bytes."""

    @cached_property
    def _cipher(self) -> AESGCM:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(self._key())


class KeyVault(Vault):
    """With the operator's own key."""

    def __init__(self, key: bytes) -> None:
        self._given = key

    def _key(self) -> bytes:
        return self._given


class FileVault(Vault):
    """With a key in a file of the store's directory, which is made when something is first sealed or opened."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / FILE

    def _key(self) -> bytes:
        try:
            if not self._file.exists():
                self._make()
            return key_bytes(self._file.read_text("ascii"))
        except (OSError, ValueError) as error:
            raise Unavailable(
                "Keys of users cannot be kept or read: the gateway's key for them is not at hand."
            ) from error

    def _make(self) -> None:
        """Whole from the beginning, and for its owner's eyes only; of several processes the first one's stays."""
        part = self._file.with_name(f"{FILE}.{os.getpid()}")
        part.unlink(missing_ok=True)
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(handle, "w") as opened:
            opened.write(os.urandom(_KEY).hex() + "\n")
            opened.flush()
            os.fsync(handle)
        try:
            os.link(part, self._file)
        except FileExistsError:
            pass
        finally:
            part.unlink()


def key_bytes(text: str) -> bytes:
    """From 64 hex digits. Raises ValueError, without the text."""
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    if len(key) != _KEY:
        raise ValueError("it must be 64 hex digits (32 bytes)")
    return key


def vault_of(key: str | None, directory: str | None = None) -> Vault | None:
    """key: `CREDS_KEY`, 64 hex digits as LibreChat has it. directory: where a key of our own may be kept instead.

    None where there is neither. Raises ValueError.
    """
    if (key or "").strip():
        return KeyVault(key_bytes(key or ""))
    return FileVault(Path(directory)) if directory is not None else None

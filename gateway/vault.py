"""Vault: what is kept encrypted at rest, users' own keys above all."""

from __future__ import annotations

import os

from .secret import Secret

_NONCE = 12


class Sealed(Exception):
    """It cannot be opened: sealed under another key, or damaged."""


class Vault:
    """AES-256-GCM. key: 32 bytes."""

    __slots__ = ("_cipher",)

    def __init__(self, key: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._cipher = AESGCM(key)

    def seal(self, text: Secret, owner: str) -> bytes:
        """owner: whose it is, as `user/endpoint`; it opens under no other."""
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, text.reveal().encode(), owner.encode())

    def open(self, sealed: bytes, owner: str) -> Secret:
        """Raises Sealed."""
        from cryptography.exceptions import InvalidTag

        try:
            return Secret(self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], owner.encode()).decode())
        except (InvalidTag, ValueError) as error:
            raise Sealed("it was sealed under another key, or is damaged") from error


def vault_of(key: str | None) -> Vault | None:
    """From `CREDS_KEY`, 64 hex digits as LibreChat has it; None where it is not set. Raises ValueError."""
    if not (key or "").strip():
        return None
    raw = bytes.fromhex((key or "").strip())
    if len(raw) != 32:
        raise ValueError("it must be 64 hex digits (32 bytes)")
    return Vault(raw)

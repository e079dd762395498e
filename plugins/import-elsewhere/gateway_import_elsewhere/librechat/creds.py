"""What LibreChat keeps encrypted with CREDS_KEY and CREDS_IV.

Source: LibreChat `packages/api/src/crypto/encryption.ts`: `v3:iv:text` is AES-256-CTR, `iv:text` is AES-CBC, both with
an IV of their own; text alone is AES-CBC with CREDS_IV. All of it is in hex.
"""

from __future__ import annotations

import re

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from gateway import Secret

_HEX = re.compile(r"([0-9a-fA-F]{2})*")
BLOCK = 128


class Unreadable(Exception):
    """Why, for people."""


class Creds:
    """key, iv: hex, as in LibreChat's `.env`; None where they are not set. Raises ValueError for what is no hex."""

    def __init__(self, key: str | None, iv: str | None) -> None:
        self._key, self._iv = _bytes("CREDS_KEY", key, 32), _bytes("CREDS_IV", iv, 16)

    def read(self, kept: str) -> Secret:
        """Raises Unreadable."""
        version, _, rest = kept.partition(":")
        iv, _, text = rest.partition(":") if version == "v3" else (version, "", rest)
        if version == "v3":
            return self._text(self._decrypt(modes.CTR, iv, text))
        if rest:
            return self._text(_unpadded(self._decrypt(modes.CBC, iv, text)))
        if self._iv is None:
            raise Unreadable("it is encrypted, and CREDS_IV is not set")
        return self._text(_unpadded(self._decrypt(modes.CBC, self._iv.hex(), kept)))

    def _decrypt(self, mode: type[modes.CTR | modes.CBC], iv: str, text: str) -> bytes:
        if self._key is None:
            raise Unreadable("it is encrypted, and CREDS_KEY is not set to LibreChat's")
        if not _HEX.fullmatch(iv + text) or len(iv) != BLOCK // 4:
            raise Unreadable("it is not in a form that LibreChat writes")
        opened = Cipher(algorithms.AES(self._key), mode(bytes.fromhex(iv))).decryptor()
        try:
            return opened.update(bytes.fromhex(text)) + opened.finalize()
        except ValueError as error:
            raise Unreadable("it is not in a form that LibreChat writes") from error

    @staticmethod
    def _text(data: bytes) -> Secret:
        try:
            return Secret(data.decode())
        except UnicodeDecodeError as error:
            raise Unreadable("CREDS_KEY is another than that which it was encrypted with") from error


def _unpadded(data: bytes) -> bytes:
    removing = padding.PKCS7(BLOCK).unpadder()
    try:
        return removing.update(data) + removing.finalize()
    except ValueError as error:
        raise Unreadable("CREDS_KEY is another than that which it was encrypted with") from error


def _bytes(name: str, given: str | None, size: int) -> bytes | None:
    text = (given or "").strip()
    if not text:
        return None
    if not _HEX.fullmatch(text) or len(text) != 2 * size:
        raise ValueError(f"{name} must be {2 * size} hex digits, as in LibreChat's .env")
    return bytes.fromhex(text)

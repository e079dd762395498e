"""ServiceKey: a service account's key file, and Signer: assertions signed with it (RFC 7523, 7515)."""

from __future__ import annotations

import re
from base64 import b64decode, urlsafe_b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from ..secret import Secret

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

LIFETIME = 3600
"""Seconds that an assertion holds."""
_BASE64 = re.compile(r"[A-Za-z0-9+/\s]+={0,2}\s*")


class ServiceKey(msgspec.Struct, frozen=True):
    """What the file holds. token_uri: where tokens are had. project_id: may be empty."""

    client_email: str
    private_key: Secret
    token_uri: str
    private_key_id: str = ""
    project_id: str = ""

    @classmethod
    def read(cls, text: str) -> ServiceKey:
        """text: the file's path, its JSON, or that in base64. Raises ValueError with what is wrong, quoting nothing."""
        try:
            key = msgspec.json.decode(_json(text.strip()), type=cls, dec_hook=_secret)
        except UnicodeDecodeError as error:
            raise ValueError("it is not text in UTF-8") from error
        except (msgspec.DecodeError, RecursionError) as error:
            raise ValueError(f"it is no key file of a service account: {error}") from error
        if urlsplit(key.token_uri).scheme not in ("http", "https"):
            raise ValueError("its token_uri is no URL")
        return key


class Signer:
    """Raises ValueError where the key is no RSA private key."""

    def __init__(self, key: ServiceKey) -> None:
        self._key = key
        self._private = _private(key)

    def assertion(self, scope: str, now: float) -> str:
        """A JWT that asks for a token, signed with RS256. now: epoch seconds."""
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.hashes import SHA256

        head = {"alg": "RS256", "typ": "JWT"}
        if self._key.private_key_id:
            head["kid"] = self._key.private_key_id
        claims = {
            "iss": self._key.client_email,
            "scope": scope,
            "aud": self._key.token_uri,
            "iat": int(now),
            "exp": int(now) + LIFETIME,
        }
        signed = f"{_part(msgspec.json.encode(head))}.{_part(msgspec.json.encode(claims))}"
        return f"{signed}.{_part(self._private.sign(signed.encode(), PKCS1v15(), SHA256()))}"


def _json(text: str) -> bytes:
    if text.startswith("{"):
        return text.encode()
    if _BASE64.fullmatch(text):
        try:
            decoded = b64decode(text)
        except ValueError:
            decoded = b""
        if decoded.lstrip().startswith(b"{"):
            return decoded
    try:
        return Path(text).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "that is no path"
        raise ValueError(f"it is neither JSON nor base64 of it, and as a file it cannot be read: {reason}") from error


def _secret(kind: type[Any], value: Any) -> Any:
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    raise ValueError(f"Expected `str`, got `{type(value).__name__}`")


def _private(key: ServiceKey) -> RSAPrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    # Environment files often hold the line ends of a PEM text escaped.
    pem = key.private_key.reveal().replace("\\n", "\n").encode()
    try:
        private = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ValueError("its private_key is no private key in PEM form without a password") from error
    if not isinstance(private, RSAPrivateKey):
        raise ValueError("its private_key is no RSA key")
    return private


def _part(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()

"""A service account for tests: its key file, and what a request for a token proves."""

from __future__ import annotations

import base64
import json
from functools import cache
from typing import Any
from urllib.parse import parse_qs

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


class ServiceAccount:
    """pem: its private key. canary: a line of that, which is to be printed nowhere."""

    def __init__(self) -> None:
        self._private = _private()
        self.pem = self._private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        self.canary = self.pem.splitlines()[3]

    def key(self, token_uri: str = "http://127.0.0.1:9/token", **more: str) -> str:
        """The key file's text. more: other members of it, or other values."""
        known = {"client_email": "robot@p-1.example", "private_key": self.pem, "private_key_id": "k-1"}
        return json.dumps({**known, "project_id": "p-1", "token_uri": token_uri, **more})

    def claims(self, body: bytes) -> dict[str, Any]:
        """Of the assertion in a request for a token. Raises InvalidSignature where another key signed it."""
        assertion = parse_qs(body.decode())["assertion"][0]
        signed, _, signature = assertion.rpartition(".")
        self._private.public_key().verify(_unpadded(signature), signed.encode(), PKCS1v15(), SHA256())
        claims: dict[str, Any] = json.loads(_unpadded(signed.split(".")[1]))
        return claims


@cache
def _private() -> RSAPrivateKey:
    """One for all tests of a process: to make one takes long."""
    return generate_private_key(public_exponent=65537, key_size=2048)


def _unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

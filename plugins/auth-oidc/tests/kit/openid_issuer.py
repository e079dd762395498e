"""A small OpenID provider on loopback: it publishes keys, signs tokens with them, and fails as it is told."""

from __future__ import annotations

import base64
import json
import time
import warnings
from collections.abc import Callable, Mapping
from functools import cache
from types import TracebackType
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import get_default_algorithms
from jwt.api_jws import PyJWS
from jwt.warnings import InsecureKeyLengthWarning

from gateway.testing.fake_upstream import FakeUpstream, Script
from gateway.testing.fake_upstream import json as whole

DISCOVERY, JWKS, MOVED = "/.well-known/openid-configuration", "/jwks", "/moved"
AUDIENCE = "the-gateway"
CURVES = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
Json = dict[str, Any]


class SigningKey:
    """id: its `kid`. algorithm: what it signs with. said: whether that stands in its JWK."""

    def __init__(self, id: str, algorithm: str = "ES256", *, number: int = 0, bits: int = 2048) -> None:
        self.id, self.algorithm = id, algorithm
        self.private = _private(algorithm, number, bits)

    def jwk(self, **more: object) -> Json:
        """The public half."""
        public = get_default_algorithms()[self.algorithm].to_jwk(self.private.public_key(), as_dict=True)
        return {**public, "kid": self.id, "use": "sig", **more}

    def private_jwk(self) -> Json:
        private: Json = get_default_algorithms()[self.algorithm].to_jwk(self.private, as_dict=True)
        return {**private, "kid": self.id}

    def pem(self) -> bytes:
        pem: bytes = self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return pem

    def sign(self, claims: Mapping[str, object], **header: object) -> str:
        """A header of None is left out."""
        return self.sign_bytes(json.dumps(claims).encode(), **header)

    def sign_bytes(self, claims: bytes, **header: object) -> str:
        given = {"kid": self.id, **header}
        headers = {name: value for name, value in given.items() if value is not None}
        with warnings.catch_warnings(action="ignore", category=InsecureKeyLengthWarning):
            return PyJWS().encode(claims, self.private, self.algorithm, headers)


@cache
def _private(algorithm: str, number: int, bits: int) -> Any:
    """Made once in a process, for RSA's takes long; the same number is the same key."""
    if algorithm in CURVES:
        return ec.generate_private_key(CURVES[algorithm])
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def compact(header: Mapping[str, object], claims: object, sign: Callable[[bytes], bytes] = lambda signed: b"") -> str:
    """A token put together by hand, for what no library would make."""
    signed = f"{part(json.dumps(header).encode())}.{part(json.dumps(claims).encode())}"
    return f"{signed}.{part(sign(signed.encode()))}"


def part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class OpenIdIssuer:
    """A context manager. url: the issuer. key: what it signs with, and publishes at first."""

    def __init__(self, key: SigningKey | None = None) -> None:
        self.upstream = FakeUpstream()
        self.key = key or SigningKey("first")

    async def __aenter__(self) -> OpenIdIssuer:
        await self.upstream.__aenter__()
        self.url = self.upstream.url
        self.discovered()
        self.publish(self.key)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.upstream.__aexit__(kind, error, trace)

    def discovered(self, **more: object) -> None:
        """What its discovery document says."""
        document = {"issuer": self.url, "jwks_uri": self.url + JWKS, **more}
        self.upstream.answer(DISCOVERY, whole(document))

    def publish(self, *keys: SigningKey, at: str = JWKS) -> None:
        self.upstream.answer(at, whole({"keys": [key.jwk() for key in keys]}))

    def rotate(self, id: str = "second", *, keep: bool = True) -> SigningKey:
        """Signs with another key from now on; the old one is published on, or withdrawn."""
        old, self.key = self.key, SigningKey(id, self.key.algorithm, number=hash(id))
        self.publish(*([old, self.key] if keep else [self.key]))
        return old

    def fail(self, script: Script | None = None) -> None:
        """Everything is answered so, by default with 503."""
        for path in (DISCOVERY, JWKS, MOVED):
            self.upstream.answer(path, script or whole({"error": "down"}, status=503))

    def mend(self) -> None:
        self.discovered()
        self.publish(self.key)

    def asked(self, path: str = JWKS) -> int:
        """How often it was."""
        return sum(arrived.path == path for arrived in self.upstream.arrived)

    def claims(self, **more: object) -> Json:
        """Those of a good token; None leaves one out."""
        now = int(time.time())
        good = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "subject-1",
            "email": "ann@example.org",
            "iat": now,
            "exp": now + 600,
        }
        return {name: value for name, value in {**good, **more}.items() if value is not None}

    def token(self, **more: object) -> str:
        return self.key.sign(self.claims(**more))

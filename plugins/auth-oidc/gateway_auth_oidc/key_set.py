"""KeySet: the keys that a provider publishes (RFC 7517), each with the algorithms that it may check."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
from jwt import PyJWK, PyJWTError

MOST_KEYS = 100
_OF_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_OF_CURVE = {"P-256": ("ES256",), "P-384": ("ES384",), "P-521": ("ES512",), "Ed25519": ("EdDSA",)}


class _Published(msgspec.Struct):
    keys: list[msgspec.Raw]


class _Jwk(msgspec.Struct):
    """d: the part of a key that no provider may publish; what has it is no public key."""

    kty: str
    kid: str = ""
    use: str = "sig"
    alg: str | None = None
    crv: str = ""
    key_ops: tuple[str, ...] = ("verify",)
    d: Any = None

    def algorithms(self) -> Iterable[str]:
        """Where it says one it is for that alone; never for one that its kind of key could not have."""
        if self.use != "sig" or "verify" not in self.key_ops or self.d is not None:
            return ()
        kinds = _OF_RSA if self.kty == "RSA" else _OF_CURVE.get(self.crv, ())
        return kinds if self.alg is None else [kind for kind in kinds if kind == self.alg]


_published, _jwk = msgspec.json.Decoder(_Published), msgspec.json.Decoder(_Jwk)


class PublishedKey(NamedTuple):
    """public: as `cryptography` has it."""

    id: str
    algorithms: frozenset[str]
    public: Any


class KeySet:
    def __init__(self, keys: Iterable[PublishedKey]) -> None:
        self._keys = tuple(keys)

    @classmethod
    def read(cls, body: bytes, allowed: Iterable[str]) -> KeySet:
        """Without the keys that are of no use here. Raises ValueError where none is left."""
        try:
            published = _published.decode(body).keys[:MOST_KEYS]
        except RecursionError as error:
            raise ValueError("its nesting is too deep") from error
        wanted = frozenset(allowed)
        found = [key for text in published if (key := _key(bytes(text), wanted)) is not None]
        if not found:
            raise ValueError("there is no key among them that any of the algorithms could be checked with")
        return cls(found)

    def fitting(self, key_id: str, algorithm: str) -> Sequence[PublishedKey]:
        """Those that may have signed it; all that fit where the token does not name one."""
        return [key for key in self._keys if algorithm in key.algorithms and key_id in ("", key.id)]


def _key(text: bytes, allowed: frozenset[str]) -> PublishedKey | None:
    """None for what is no public key for signatures, or for other algorithms than those allowed."""
    try:
        jwk = _jwk.decode(text)
        algorithms = allowed.intersection(jwk.algorithms())
        public = PyJWK.from_json(text.decode(), min(algorithms)).key if algorithms else None
    except (ValueError, RecursionError, PyJWTError):
        return None
    return PublishedKey(jwk.kid, algorithms, public) if public is not None else None

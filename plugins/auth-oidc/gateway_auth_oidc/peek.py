"""What a text says of itself before anything of it is proven: whose token it may be, and which key would prove it."""

from __future__ import annotations

from base64 import urlsafe_b64decode

import msgspec

LONGEST = 32_768
"""Characters; no header that the server takes is longer."""


class Peeked(msgspec.Struct, frozen=True):
    """algorithm, key_id: of the key that is said to have signed it; the key's name is "" where it is not said."""

    issuer: str
    algorithm: str
    key_id: str


class _Header(msgspec.Struct):
    """Keys and addresses of keys that a token brings (`jwk`, `x5c`, `jku`, `x5u`) are not even read."""

    alg: str
    kid: str = ""


class _Body(msgspec.Struct):
    iss: str


_header = msgspec.json.Decoder(_Header)
_body = msgspec.json.Decoder(_Body)


def may_be_token(text: str) -> bool:
    """Whether it has the form of a signed token (RFC 7515): three parts, and a first one that begins with a brace."""
    return text[:1] == "e" and len(text) <= LONGEST and text.count(".") == 2 and text.isascii()


def peek(text: str) -> Peeked | None:
    """None for what is no token."""
    head, body, _ = text.split(".")
    try:
        header, claims = _header.decode(_decoded(head)), _body.decode(_decoded(body))
    except (ValueError, RecursionError):  # of msgspec, base64 and UTF-8 alike
        return None
    return Peeked(claims.iss, header.alg, header.kid)


def _decoded(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))

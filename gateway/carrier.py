"""Opaque state on its way through a dialect that is not its own, and ids that say whose they are.

A reply's proof (a signature, encrypted reasoning) that its client's dialect has no word for rides in the slot that the
dialect has for its own proofs, packed with its origin; when the client sends it back, it is unpacked and goes only to
where it came from. Nothing here is secret or trusted: a client that forges one spoils only its own call.
"""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

import msgspec
from msgspec import Raw

from .call import Opaque

MARK = "gwState1"
"""With what follows it is base64 itself, for slots that hold bytes: decoded and encoded again, it still says so."""
_MARK = MARK.encode()
_BEGUN = _MARK[:5]
"""So short that a search for it takes the interpreter's quick way, four times as fast."""
_TAG = re.compile(r"(.+)_gw([0-9a-f]{6})")


class _Carried(msgspec.Struct, array_like=True):
    dialect: str
    form: str
    domain: str
    payload: Raw


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(_Carried)


def pack(state: Opaque) -> str:
    """As text that is base64 in the URL-safe alphabet."""
    carried = _encoder.encode(_Carried(state.dialect, state.form, state.domain, state.payload))
    return MARK + urlsafe_b64encode(carried).decode()


def unpack(text: str) -> Opaque | None:
    """What `pack` made, in either alphabet of base64; None for any other text."""
    if not text.startswith(MARK):
        return None
    try:
        packed = text.removeprefix(MARK).replace("+", "-").replace("/", "_")
        carried = _decoder.decode(urlsafe_b64decode(packed + "=" * (-len(packed) % 4)))
    except (ValueError, msgspec.MsgspecError):
        return None
    return Opaque(carried.dialect, carried.form, Raw(bytes(carried.payload)), carried.domain)


def held_in(body: bytes) -> bool:
    """Whether a request brings carriers back; it is then never passed through."""
    return _BEGUN in body and _MARK in body


def native(state: Opaque, dialect: str) -> bool:
    """Whether an encoder of `dialect` writes it as it is: the dialect's own, of no domain that must be kept apart."""
    return state.dialect == dialect and not state.domain


def trusted(state: Opaque, dialect: str, domain: str) -> bool:
    """Whether it may go to an upstream of `dialect` whose `Target.state_domain` is `domain`."""
    return state.dialect == dialect and state.domain in ("", domain)


def tag_id(name: str, domain: str) -> str:
    """An upstream's id (of a response, a file), marked with the domain that knows it, in nine more characters."""
    return f"{name}_gw{_digest(domain)}"


def untag_id(name: str) -> str:
    """The upstream's own id."""
    match = _TAG.fullmatch(name)
    return match[1] if match else name


def tagged(name: str) -> bool:
    """Whether an id says whose it is."""
    return _TAG.fullmatch(name) is not None


def tagged_for(name: str, domain: str) -> bool | None:
    """Whether a tagged id is of that domain; None where it is not tagged."""
    match = _TAG.fullmatch(name)
    return match[2] == _digest(domain) if match else None


def _digest(domain: str) -> str:
    return hashlib.sha256(domain.encode()).hexdigest()[:6]

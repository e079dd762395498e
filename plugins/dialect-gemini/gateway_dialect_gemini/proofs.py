"""Signatures of thoughts, both ways: as their maker reads them, or packed for a client to bring back.

`thoughtSignature` is bytes, in base64, on a part of any kind. Forms: `thinking`, `text` and `call` for what has a place
for its proof, `part` for the signature of the block before it (an image), `whole` for a part that only Gemini has.
"""

from __future__ import annotations

from msgspec import Raw

from gateway import Opaque, carrier
from gateway.wire import jsontext
from gateway.wire.jsontext import Members

from .names import NAME

SIGNATURE = "thoughtSignature"
THINKING, TEXT, CALL, PART, WHOLE = "thinking", "text", "call", "part", "whole"


def given(signature: str, form: str) -> Opaque:
    """A client's: what was packed here before, else its own word."""
    return carrier.unpack(signature) or Opaque(NAME, form, jsontext.raw(signature))


def of_upstream(signature: Raw, form: str, domain: str) -> Opaque:
    return Opaque(NAME, form, signature, domain)


def shown(proof: Opaque) -> Members:
    """The member that shows a proof to a client."""
    return {SIGNATURE: proof.payload if carrier.native(proof, NAME) else carrier.pack(proof)}


def carried(state: Opaque) -> Members:
    """A part for state of its own: a part of Gemini is what it is, anything else rides in a signature."""
    if state.form == WHOLE and carrier.native(state, NAME):
        return dict(jsontext.members(state.payload))
    return {"text": "", **shown(state)}

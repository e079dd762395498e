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


SKIP = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="
"""`skip_thought_signature_validator`: what Google gives for calls that another model made, as a last resort. Source:
Gemini API, "Thought signatures", on histories of other models."""


def given(signature: str, form: str) -> Opaque | None:
    """A client's: what was packed here before, else its own word; None for one that stands for no signature."""
    if signature.rstrip("=") == SKIP.rstrip("="):
        return None
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

"""Items as they are kept: each with a type and an id; and as they are sent again to whoever answers next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec import Raw

from gateway import BadCall, Extra, Opaque, carrier
from gateway.wire.jsontext import first, members, raw
from gateway.wire.members import OBJECT, TEXT, Members

from .. import proofs
from ..members import NAME
from .sealing import is_ours

PREFIXES = {
    "message": "msg",
    "reasoning": "rs",
    "function_call": "fc",
    "function_call_output": "fco",
    "custom_tool_call": "ctc",
    "custom_tool_call_output": "ctco",
    "compaction": "cmp",
}
REFERENCE = "item_reference"
CALLS = frozenset(("function_call", "custom_tool_call"))
RESULTS = frozenset(("function_call_output", "custom_tool_call_output"))
_ARRAY = msgspec.json.Decoder(list[Raw])


class _Kind(msgspec.Struct):
    """What is read of an item, of whatever sort."""

    type: str | None = None
    role: str | None = None
    id: str | None = None
    call_id: str | None = None


_KIND = msgspec.json.Decoder(_Kind)


def listed(data: bytes) -> list[Raw]:
    """A JSON array of our own making."""
    return _ARRAY.decode(data)


def given(value: Raw | None, param: str = "input") -> list[Raw]:
    """The items of a client's `input`. Raises BadCall."""
    if value is None:
        return []
    if first(value) == b'"':
        return [raw({"type": "message", "role": "user", "content": value})]
    return Members({param: value}).array(param)


def kind_of(item: Raw) -> str:
    """ "" for what is none."""
    try:
        found = _KIND.decode(item)
    except msgspec.MsgspecError:
        return ""
    return found.type or ("message" if found.role else REFERENCE if found.id else "")


def role_of(item: Raw) -> str:
    """Of a message; "" for what is none."""
    try:
        found = _KIND.decode(item)
    except msgspec.MsgspecError:
        return ""
    return found.role or "" if found.type in (None, "message") else ""


def id_of(item: Raw) -> str:
    try:
        return _KIND.decode(item).id or ""
    except msgspec.MsgspecError:
        return ""


def named(items: Sequence[Raw], seed: str, param: str = "input") -> list[Raw]:
    """As they are kept. seed: what ids are made from, for those that have none. Raises BadCall."""
    return [_named(item, f"{seed}i{n}", f"{param}[{n}]") for n, item in enumerate(items)]


def _named(item: Raw, seed: str, path: str) -> Raw:
    found = OBJECT.read(item, path)
    kind = kind_of(item)
    if not kind:
        raise BadCall(f"`{path}.type` is required.", param=f"{path}.type", code="missing_required_parameter")
    own = Members(dict(found), path).take("id", TEXT)
    out: Extra = {"id": raw(own or f"{PREFIXES.get(kind, 'item')}_{seed}"), "type": raw(kind)}
    if kind == "message":
        out["status"] = Raw(b'"completed"')
        content = found.get("content")
        if content is not None and first(content) == b'"':
            found["content"] = raw([_text(content, bytes(found.get("role", b"")) == b'"assistant"')])
    return raw(out | {name: value for name, value in found.items() if name not in ("id", "type")})


def _text(text: Raw, answer: bool) -> Mapping[str, object]:
    if answer:
        return {"type": "output_text", "text": text, "annotations": []}
    return {"type": "input_text", "text": text}


def check_results(items: Sequence[Raw], known: Sequence[Raw]) -> None:
    """Every result is of a call that was made. Raises BadCall."""
    made = {_call_id(item) for item in (*known, *items) if kind_of(item) in CALLS}
    for item in items:
        if kind_of(item) in RESULTS and _call_id(item) not in made:
            raise BadCall(
                f"No tool call found for function call output with call_id {_call_id(item)}.",
                param="input",
                code="invalid_value",
            )


def _call_id(item: Raw) -> str:
    return _KIND.decode(item).call_id or ""


def again(items: Iterable[Raw], domain: str | None) -> list[Raw]:
    """As they are sent to an upstream. domain: whose opaque state they hold, where it must be said; None where they go
    back to where they are from.
    """
    return [_again(item, domain) for item in items]


def _again(item: Raw, domain: str | None) -> Raw:
    """Thoughts without a proof of their own are believed by their id alone, by one who keeps them, and nobody does."""
    kind = kind_of(item)
    if kind == "reasoning" and proofs.ENCRYPTED.encode() not in bytes(item):
        found = members(item)
        found.pop("id", None)
        return raw(found)
    return item if domain is None else packed(item, domain)


def packed(item: Raw, domain: str) -> Raw:
    """What is opaque in it says whose it is; summaries of our own do so anyway."""
    if proofs.ENCRYPTED.encode() not in bytes(item) or is_ours(item):
        return item
    found = members(item)
    secret = found.get(proofs.ENCRYPTED)
    if secret is None or first(secret) != b'"' or proofs.unpacked(secret) is not None:
        return item
    own = Opaque(NAME, proofs.ITEM, item, domain) if kind_of(item) != "reasoning" else proofs.of_item(item, domain)
    return raw(found | {proofs.ENCRYPTED: raw(carrier.pack(own))})

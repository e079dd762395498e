"""Whose opaque state a call brings along, and how each maker gets its own and no other's.

On a route of several makers the ids in replies are tagged with the maker's domain, and proofs carry it. What a client
brings without one was not made on this route, or cannot be told from what another maker made.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from ..call import Audio, Block, Call, File, Image, Message, Opaque, Reasoning, Text, ToolCall, ToolResult
from ..carrier import tagged_for, untag_id
from ..errors import Conflict, NotFound
from ..provider import Target

NOBODY = "\0nobody"
"""A domain that no target has."""


class Belongings(msgspec.Struct, frozen=True):
    """ids: of state that upstreams keep. latest: the domain of the last proof that says whose it is, "" for none."""

    ids: tuple[str, ...] = ()
    latest: str = ""


def belongings(call: Call) -> Belongings:
    proofs = [proof.domain for proof in _proofs(call) if proof.domain]
    ids = [*_state_ids(call), *(found for holder in _holders(call) if (found := _id_of(holder)) is not None)]
    return Belongings(tuple(ids), proofs[-1] if proofs else "")


def places_of(ids: Sequence[str], targets: Sequence[Target]) -> frozenset[int] | None:
    """The places of targets that know all of these ids; None where any will do. An id without a tag is the first
    target's: nothing else says whose it is. Raises Conflict or NotFound where no target knows all.
    """
    if not ids:
        return None
    knowing = [_knowing(name, targets) for name in ids]
    for name, places in zip(ids, knowing, strict=True):
        if not places:
            raise _unknown(name)
    common = frozenset.intersection(*knowing)
    if not common:
        raise Conflict(
            f"This call refers to state of different upstreams ({', '.join(ids[:4])}), and none of them has all of it.",
            code="state_of_several_upstreams",
        )
    return common


def bind(call: Call, target: Target, several: bool) -> Call:
    """The call as this target may see it: ids without their tags, and, where the route has several makers, no proof
    of which nothing says whose it is. Raises NotFound where an id is another's.
    """
    if several:
        for message in call.messages:
            _distrust(message)
    state = call.state
    state.previous_response_id = _own(state.previous_response_id, target)
    state.conversation = _own(state.conversation, target)
    for holder in _holders(call):
        if isinstance(holder, Audio):
            holder.id = _own(holder.id, target)
        else:
            holder.file_id = _own(holder.file_id, target)
    return call


def _own(name: str | None, target: Target) -> str | None:
    if name is None or tagged_for(name, target.state_domain) is None:
        return name
    if not tagged_for(name, target.state_domain):
        raise _unknown(name)
    return untag_id(name)


def _knowing(name: str, targets: Sequence[Target]) -> frozenset[int]:
    first = targets[0].state_domain
    if tagged_for(name, first) is None:
        return frozenset(place for place, target in enumerate(targets) if target.state_domain == first)
    return frozenset(place for place, target in enumerate(targets) if tagged_for(name, target.state_domain))


def _unknown(name: str) -> NotFound:
    return NotFound(
        f"{untag_id(name)!r} was made by an upstream that this model does not lead to; send the conversation itself.",
        code="state_of_another_upstream",
    )


def _state_ids(call: Call) -> Iterator[str]:
    yield from (name for name in (call.state.previous_response_id, call.state.conversation) if name)


def _parts(message: Message) -> Iterator[Block]:
    for block in message.blocks:
        yield block
        if isinstance(block, ToolResult):
            yield from block.blocks


def _holders(call: Call) -> Iterator[Image | File | Audio]:
    for message in call.messages:
        yield from (part for part in _parts(message) if isinstance(part, Image | File | Audio))


def _id_of(holder: Image | File | Audio) -> str | None:
    return holder.id if isinstance(holder, Audio) else holder.file_id


def _proofs(call: Call) -> Iterator[Opaque]:
    for message in call.messages:
        for part in _parts(message):
            if isinstance(part, Opaque):
                yield part
            elif isinstance(part, Reasoning | Text | ToolCall) and part.proof is not None:
                yield part.proof


def _distrust(message: Message) -> None:
    """A block that is opaque as a whole counts where a model said it; in other messages it is the client's own."""
    for index, block in enumerate(message.blocks):
        if isinstance(block, Reasoning | Text | ToolCall):
            if block.proof is not None and not block.proof.domain:
                block.proof = msgspec.structs.replace(block.proof, domain=NOBODY)
        elif isinstance(block, Opaque) and not block.domain and message.role == "assistant":
            message.blocks[index] = msgspec.structs.replace(block, domain=NOBODY)

"""Passthrough or translation: what a target is sent, and what of the call is lost on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NoReturn

import msgspec

from ..call import Call, Text
from ..carrier import held_in, tagged
from ..dialect import ClientDialect, Edit, Encoded, Framing, Parameter
from ..errors import Unsupported
from ..provider import Target
from ..wire.rounds import made
from .belonging import bind
from .exchange import Exchange
from .resolve import Route


def speaks(dialects: Sequence[str], asked: str, clients: Mapping[str, ClientDialect]) -> ClientDialect | None:
    """The dialect to use with a provider: the client's own where it speaks it, else its first that we have."""
    if asked in dialects and asked in clients:
        return clients[asked]
    return next((clients[name] for name in dialects if name in clients), None)


def prepare(exchange: Exchange, route: Route, target: Target, client: ClientDialect) -> tuple[Encoded, Call | None]:
    """The upstream's request; the Call where it was translated, None where it passes through."""
    edit = route.edit
    if edit.model != target.model:
        edit = msgspec.structs.replace(edit, model=target.model)
    if client.name == exchange.dialect.name and passes(exchange, route):
        return client.edit(exchange.inbound, edit, target), None
    call = canonical(exchange, route, target)
    return amend(client.encode(call, target), edit, target), call


def passes(exchange: Exchange, route: Route) -> bool:
    """Whether a call in the target's own dialect goes through as it is.

    It is decoded where it brings back state of several makers, so that each gets only its own.
    """
    if exchange.inbound.operation.kind == "media":
        return True
    if exchange.parent is not None:
        return False
    return route.domains == 1 and not held_in(exchange.inbound.body) and not _tagged(exchange)


def canonical(exchange: Exchange, route: Route, target: Target | None) -> Call:
    """The call in canonical form, the route's edit in it; `model` stays what the client wrote.

    Of state that upstreams keep or sign it holds what is this target's; all of it where there is none.
    """
    call = exchange.dialect.decode(exchange.inbound)
    if target is not None:
        call.messages = made(call.messages)
    if target is not None and (route.domains > 1 or _tagged(exchange)):
        call = bind(call, target, route.domains > 1)
    call = edited(call, route.edit)
    call.model = exchange.envelope.model or route.name
    return call


def _tagged(exchange: Exchange) -> bool:
    """Whether the call refers to state by an id that says whose it is."""
    return any(tagged(name) for name in exchange.envelope.state_ids)


def edited(call: Call, edit: Edit) -> Call:
    """The call with an agent's instructions before the client's, and its parameters where they apply."""
    if edit.instructions:
        call.system.insert(0, Text(edit.instructions))
    for name, value in edit.defaults.items():
        _parameter(call, name, value, locked=name in edit.locked)
    return call


def amend(encoded: Encoded, edit: Edit, target: Target) -> Encoded:
    """Members of the upstream's own dialect that the configuration sets or drops, put on a translated body."""
    if not (edit.set or target.set or edit.drop or target.drop):
        return encoded
    members = _MEMBERS.decode(encoded.body)
    members.update(edit.set)
    members.update(target.set)
    for name in edit.drop | target.drop:
        members.pop(name, None)
    return msgspec.structs.replace(encoded, body=msgspec.json.encode(members))


def refuse_loss(loss: Sequence[str]) -> NoReturn:
    """In strict fidelity nothing is sent that would lose part of the call."""
    lost = ", ".join(loss)
    raise Unsupported(f"The endpoint cannot take all of this call; it would lose: {lost}.", code="would_lose")


def framing(exchange: Exchange) -> Framing:
    return exchange.envelope.framing if exchange.envelope.stream else "json"


_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_PLACES: Mapping[Parameter, tuple[str, str]] = {
    "temperature": ("sampling", "temperature"),
    "top_p": ("sampling", "top_p"),
    "top_k": ("sampling", "top_k"),
    "frequency_penalty": ("sampling", "frequency_penalty"),
    "presence_penalty": ("sampling", "presence_penalty"),
    "seed": ("sampling", "seed"),
    "stop": ("sampling", "stop"),
    "logit_bias": ("sampling", "logit_bias"),
    "max_output_tokens": ("limits", "max_output"),
    "reasoning_effort": ("reasoning", "effort"),
    "reasoning_summary": ("reasoning", "summary"),
    "reasoning_budget": ("reasoning", "budget"),
    "verbosity": ("", "verbosity"),
    "parallel_tool_calls": ("", "parallel_tool_calls"),
    "service_tier": ("", "service_tier"),
    "user": ("", "user"),
}


def _parameter(call: Call, name: Parameter, raw: msgspec.Raw, locked: bool) -> None:
    part, member = _PLACES[name]
    holder: msgspec.Struct = getattr(call, part) if part else call
    if not locked and getattr(holder, member) not in (None, ()):
        return
    value: object = raw if name == "logit_bias" else msgspec.json.decode(raw)
    if name == "stop":
        value = (value,) if isinstance(value, str) else tuple(value)  # type: ignore[arg-type]
    setattr(holder, member, value)

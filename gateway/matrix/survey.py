"""Every feature through every pair of dialects: written, read, written and read again, and compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from ..call import Call
from ..dialect import ClientDialect, Encoded, ServerDialect
from ..errors import GatewayError, Refused
from ..events import Event, Failed, Finished, Started
from ..inbound import Inbound
from ..provider import Provider, Target
from ..router import Router
from . import answered, asked
from .answered import Answered
from .asked import Asked

Fate = Literal["kept", "mapped", "reported", "refused", "silent", ""]
FATES: Mapping[Fate, str] = {
    "kept": "arrives as it was said",
    "mapped": "arrives in the nearest words that the other dialect has",
    "reported": "has no place there: named in `x-gateway-loss` and the record, or refused with 422 when `strict`",
    "refused": "is refused with 422 in any case",
    "silent": "is lost without a word, which is a defect",
    "": "the client's or the upstream's dialect cannot say it",
}


class Row(msgspec.Struct, frozen=True):
    """side: `call` or `reply`. fates: by client dialect, then by upstream dialect."""

    side: Literal["call", "reply"]
    feature: str
    fates: Mapping[str, Mapping[str, Fate]]


class _Nowhere(Provider):
    endpoint = "matrix"


def survey(servers: Sequence[ServerDialect], clients: Mapping[str, ClientDialect]) -> list[Row]:
    """servers: what clients speak; those without a client half of the same name are left out."""
    both = [server for server in servers if server.name in clients and _generates(server)]
    upstreams = [client for client in clients.values() if client.name in _spoken(both) or not _named(servers, client)]
    halves = {server.name: server for server in both}
    rows = [Row("call", one.name, _fates(both, upstreams, clients, halves, one)) for one in asked.FEATURES]
    return rows + [Row("reply", one.name, _fates(both, upstreams, clients, halves, one)) for one in answered.FEATURES]


def _generates(server: ServerDialect) -> bool:
    return any(operation.kind == "generate" for operation in server.operations)


def _spoken(servers: Iterable[ServerDialect]) -> set[str]:
    return {server.name for server in servers}


def _named(servers: Iterable[ServerDialect], client: ClientDialect) -> bool:
    return client.name in _spoken(servers)


def _fates(
    servers: Sequence[ServerDialect],
    upstreams: Sequence[ClientDialect],
    clients: Mapping[str, ClientDialect],
    halves: Mapping[str, ServerDialect],
    feature: Asked | Answered,
) -> dict[str, dict[str, Fate]]:
    out: dict[str, dict[str, Fate]] = {}
    for server in servers:
        for upstream in upstreams:
            if isinstance(feature, Asked):
                fate = _asked(server, clients[server.name], upstream, halves.get(upstream.name), feature)
            else:
                fate = _answered(server, clients[server.name], upstream, halves.get(upstream.name), feature)
            out.setdefault(server.name, {})[upstream.name] = fate
    return out


def _asked(
    server: ServerDialect, own: ClientDialect, upstream: ClientDialect, half: ServerDialect | None, feature: Asked
) -> Fate:
    read = _said(server, own, feature)
    if read is None:
        return ""
    if own is upstream:
        return "kept"  # the bytes pass through
    wanted = feature.found(read)
    read.model = "m"
    try:
        sent = upstream.encode(read, _target(upstream))
    except Refused:
        return "refused"
    if sent.loss:
        return "reported"
    if half is None:
        return "mapped"
    found = feature.found(half.decode(request(half, sent)))
    if found == wanted:
        return "kept"
    return "silent" if _gone(found) else "mapped"


def _said(server: ServerDialect, own: ClientDialect, feature: Asked) -> Call | None:
    """The call as the client's dialect says it; None where it cannot.

    What it has only for calls of its own (a budget where others' become an effort) it is asked for as of those.
    """
    call = asked.plain()
    feature.make(call)
    wanted = feature.found(call)
    for dialect in ("", own.name):
        call.dialect = dialect
        written = own.encode(call, _target(own))
        if written.loss:
            return None
        read = server.decode(request(server, written))
        if feature.found(read) == wanted:
            return read
    return None


def _answered(
    server: ServerDialect, own: ClientDialect, upstream: ClientDialect, half: ServerDialect | None, feature: Answered
) -> Fate:
    events = _from_upstream(upstream, half, feature)
    if events is None:
        return ""
    if own is upstream:
        return "kept"
    call = answered.asked(feature, True)
    body, loss = _to_client(server, own, call, events)
    if set(loss) - _always(server, own, upstream, half):
        return "reported"
    read = _read(own, body)
    wanted = feature.found(events)
    if feature.found(read) == wanted:
        return "kept"
    return "silent" if _gone(feature.found(read)) else "mapped"


def _always(server: ServerDialect, own: ClientDialect, upstream: ClientDialect, half: ServerDialect | None) -> set[str]:
    """Loss of any reply of the upstream's, however plain: members that say nothing of what was asked."""
    plain = answered.FEATURES[0]
    events = _from_upstream(upstream, half, plain)
    return set(_to_client(server, own, answered.asked(plain, True), events)[1]) if events else set()


def _gone(value: object) -> bool:
    """Whether nothing is left of what was looked for: nothing in a list is nothing, too."""
    if isinstance(value, list | tuple | dict | set):
        return all(_gone(one) for one in (value.values() if isinstance(value, dict) else value))
    return value is None or value == ""


def _from_upstream(upstream: ClientDialect, half: ServerDialect | None, feature: Answered) -> Sequence[Event] | None:
    """The reply as the upstream's own dialect says it; None where it cannot."""
    target = _target(upstream)
    made = list(feature.events(upstream.name, ""))
    call = answered.asked(feature, True)
    if upstream.reply_loss(call):
        return None
    if half is None:
        return made
    body, loss = _to_client(half, upstream, call, made)
    read = list(_read(upstream, body, target))
    said = feature.found(read) == feature.found(made)
    return read if said and not loss else None


def _to_client(
    server: ServerDialect, own: ClientDialect, call: Call, events: Sequence[Event]
) -> tuple[bytes, Sequence[str]]:
    inbound = request(server, own.encode(call, _target(own)))
    encoder = server.encoder(server.decode(inbound), inbound, "sse")
    out = bytearray()
    for event in events:
        if isinstance(event, Failed):
            return bytes(out + encoder.fail(event.error)), encoder.loss
        out += encoder.encode(_filled(event))
    return bytes(out + encoder.finish()), encoder.loss


def _filled(event: Event) -> Event:
    """A copy, with what the pipeline fills in."""
    if isinstance(event, Started):
        return msgspec.structs.replace(event, id=event.id or "r1", model=event.model or "m", created=event.created or 1)
    if isinstance(event, Finished):
        return msgspec.structs.replace(event, at=event.at or 2)
    return event


def _read(client: ClientDialect, body: bytes, target: Target | None = None) -> Sequence[Event]:
    decoder = client.decoder(target or _target(client), True)
    return [*decoder.feed(body), *decoder.finish()]


def _target(client: ClientDialect) -> Target:
    return Target(provider=_Nowhere(), endpoint="matrix", model="m", state_domain=f"of-{client.name}")


def request(server: ServerDialect, written: Encoded) -> Inbound:
    """What its client half wrote, as the server half gets it. Raises GatewayError where it serves no such path."""
    router = Router((server,), ())
    for mount in {mount.prefix: mount for operation in server.operations for mount in operation.mounts}.values():
        try:
            match = router.match("POST", mount.prefix + written.path)
        except GatewayError:
            continue

        async def receive() -> bytes:
            return written.body

        served = match.served[0]
        return Inbound(
            served.operation, served.mount, match.params, written.query, {}, "127.0.0.1", receive, written.body
        )
    raise LookupError(f"{server.name} does not serve {written.path}")

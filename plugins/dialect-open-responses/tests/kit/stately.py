"""What is kept, without a server: calls that are taken up and answered by hand, and what is asked for afterwards."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from gateway_dialect_open_responses.peek import peek
from gateway_dialect_open_responses.server import OpenResponsesServer
from gateway_dialect_open_responses.state import behind
from gateway_dialect_open_responses.state.behind import Behind
from gateway_dialect_open_responses.state.keeper import ResponsesKeeper
from gateway_dialect_open_responses.state.kept import Kept
from gateway_dialect_open_responses.state.resuming import Resumer
from gateway_dialect_open_responses.state.runs import Runs
from gateway_dialect_open_responses.state.sealing import Seals
from gateway_dialect_open_responses.state.settings import StateSettings

from gateway import (
    MOUNT,
    Attempt,
    Detached,
    Edit,
    Exchange,
    Inbound,
    KeptResponse,
    Operation,
    Owner,
    Principal,
    Provider,
    Quirks,
    Route,
    Sink,
    Store,
    Target,
    Upstream,
    vault_of,
)
from gateway.testing.installed import NoUpstream
from gateway.testing.stores import store_in

Json = dict[str, Any]
ANN, BOB = Principal("ann"), Principal("bob")
DIALECT = OpenResponsesServer()
CREATE = DIALECT.operations[0]


class Elsewhere(Provider):
    endpoint = "elsewhere"

    def __init__(self, *dialects: str, continues: bool = False) -> None:
        self.dialects = dialects
        self.continues = continues  # type: ignore[misc]


def route_to(*dialects: str, keeps: bool = False, continues: bool = False) -> Route:
    quirks = Quirks(keeps_responses=keeps)
    target = Target(Elsewhere(*dialects, continues=continues), "elsewhere", "m", quirks, state_domain="elsewhere")
    return Route("m", (target,), Edit("m"))


CHAT = route_to("openai-chat")
NATIVE = route_to("open-responses")
KEEPING = route_to("open-responses", keeps=True)
CONTINUING = route_to(continues=True)


class Heard(Sink):
    """What the client reads."""

    def __init__(self) -> None:
        self.status = 0
        self.body = b""
        self.ended = self.aborted = False

    async def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status, self.body, self.ended = status, body, True

    async def begin(self, status: int, headers: Mapping[str, str]) -> None:
        self.status, self.began = status, True

    def put(self, data: bytes) -> bool:
        self.body += data
        return True

    async def end(self) -> None:
        self.ended = True

    def abort(self) -> None:
        self.aborted = True

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def reply_of(text: str = "Well.", name: str = "resp_up1", status: str = "completed", **more: Any) -> Json:
    part = {"type": "output_text", "text": text, "annotations": []}
    message = {"id": "msg_" + name, "type": "message", "role": "assistant", "status": status, "content": [part]}
    return {"id": name, "object": "response", "status": status, "output": [message], "store": True, **more}


class Stately:
    """now: what its clock says."""

    def __init__(self, kept: Kept, store: Store) -> None:
        self.now = 1000.0
        self.kept = kept
        detached = Detached()
        self.runs = Runs(kept, detached)
        self.resumer = Resumer(kept, self.runs, store, detached)
        self.keeper = ResponsesKeeper(kept, self.runs, self.resumer)

    def exchange(self, body: Json, route: Route = CHAT, user: Principal = ANN, path: str = "/responses") -> Exchange:
        raw = json.dumps(body).encode()
        operation = msgspec.structs.replace(CREATE, path=path)
        made = exchange_of(operation, user, body=raw)
        made.route, made.envelope = route, peek(raw)
        made.attempts.append(Attempt("at_1", route.targets[0]))
        return made

    async def sent(self, body: Json, route: Route = CHAT, user: Principal = ANN) -> Json:
        """What goes upstream of a call."""
        exchange = self.exchange(body, route, user)
        await self.keeper.take_up(exchange)
        sent: Json = json.loads(exchange.inbound.body)
        return sent

    async def said(self, body: Json, reply: Json | None = None, route: Route = CHAT, user: Principal = ANN) -> Json:
        """What the client reads of a call that is answered so."""
        heard, exchange = Heard(), self.exchange(body, route, user)
        sink: Sink = heard
        if self.keeper.concerns(exchange):
            sink = (await self.keeper.take_up(exchange)).sink(heard)
        await sink.whole(200, {}, json.dumps(reply or reply_of()).encode())
        told: Json = heard.json
        return told

    async def asked(
        self, method: str, path: str, user: Principal = ANN, body: Json | None = None, **query: str
    ) -> Json:
        """path: with ids in it. Raises GatewayError."""
        operation, params = found(method, path)
        exchange, heard = exchange_of(operation, user, params, query, json.dumps(body or {}).encode()), Heard()
        await self.keeper.serve(exchange, heard)
        told: Json = heard.json
        return told

    async def stored(self, name: str, user: Principal = ANN) -> KeptResponse | None:
        """Once all is written."""
        await self.kept.behind.stop()
        return await self.kept.responses.get(Owner(user.user_id), name, self.now)


def exchange_of(
    operation: Operation,
    user: Principal,
    params: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    body: bytes = b"",
) -> Exchange:
    async def receive() -> bytes:
        return body

    inbound = Inbound(operation, MOUNT, params or {}, query or {}, {}, "", receive, body=body)
    return Exchange(inbound, DIALECT, principal=user)


def found(method: str, path: str) -> tuple[Operation, dict[str, str]]:
    pieces = path.split("/")
    for operation in DIALECT.operations:
        names = operation.path.split("/")
        if operation.method == method and operation.kind == "state" and len(names) == len(pieces):
            params = {name[1:-1]: piece for name, piece in zip(names, pieces, strict=True) if name.startswith("{")}
            if [
                piece for name, piece in zip(names, pieces, strict=True) if name == piece or name.startswith("{")
            ] == pieces:
                return operation, params
    raise LookupError(path)


@asynccontextmanager
async def stately(
    directory: Path,
    upstream: Upstream | None = None,
    endpoints: Mapping[str, Provider] | None = None,
    **settings: Any,
) -> AsyncIterator[Stately]:
    """settings: of `gateway.dialect-open-responses`."""
    store = store_in(directory)
    await store.open()
    assert store.responses is not None
    assert store.conversations is not None
    log = logging.getLogger("test")
    given = StateSettings(**settings)
    made: Stately
    kept = Kept(
        responses=store.responses,
        behind=Behind(store.responses, log, given.unwritten, 0.0),
        conversations=store.conversations,
        seals=Seals(vault_of("0" * 64)),
        settings=given,
        now=lambda: made.now,
        log=log,
        upstream=upstream or NoUpstream(),
        endpoints=endpoints or {},
        streams=store.streams,
    )
    made = Stately(kept, store)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(behind, "PAUSES", (0.0,))  # nobody else writes here
        yield made
    await kept.behind.stop()
    await store.close()

"""What a call would be is known before it is made; nothing goes upstream and nobody takes a lease."""

from __future__ import annotations

from typing import Any

import pytest

from gateway import (
    BadCall,
    Exchange,
    Forbidden,
    Inbound,
    Lease,
    Model,
    NotFound,
    Permission,
    Principal,
    Unavailable,
    UnknownModel,
)
from gateway.pipeline.rehearsal import Rehearsal
from gateway.testing import replay
from gateway.testing.toy import ToyServer

ADA = Principal(user_id="ada", role="ADMIN")
BODY = b'{"model":"far/m","text":"Hi"}'


class Closed(Permission):
    """Closed to all but Ada; asked for no lease."""

    async def check(self, exchange: Exchange, attempt: Any) -> Lease | None:
        raise AssertionError("nothing is taken")

    def visible(self, inbound: Inbound, principal: Principal, model: Model) -> bool:
        return principal == ADA and model.id == "far/m"


@pytest.fixture
async def rehearsal(start: Any, at: Any) -> Rehearsal:
    running = await start(at("http://127.0.0.1:9", models=("m", "n")), permissions=[Closed()])
    made = Rehearsal()
    made.bind(running.server.assembly.router, running.server.assembly.pipeline)
    return made


@pytest.fixture
def asker() -> Inbound:
    return replay.inbound(ToyServer(), b"a question")


async def test_it_has_the_route_and_what_was_asked(rehearsal: Rehearsal, asker: Inbound) -> None:
    found = await rehearsal.of(asker, ADA, "/v1/toy", BODY)
    assert found.route is not None
    assert (found.route.name, found.envelope.model, found.inbound.body) == ("far/m", "far/m", BODY)
    assert (found.principal, found.attempts, found.leases) == (ADA, [], [])


async def test_what_the_caller_may_not_call_is_refused(rehearsal: Rehearsal, asker: Inbound) -> None:
    with pytest.raises(Forbidden, match="may not call 'far/m'"):
        await rehearsal.of(asker, Principal(user_id="eve", role="ADMIN"), "/v1/toy", BODY)


@pytest.mark.parametrize(
    ("target", "body", "error"),
    [
        ("/v1/nowhere", BODY, NotFound),
        ("/v1/toy", b'{"model":"near/o","text":""}', UnknownModel),
        ("/v1/toy", b'{"model":"\xff"}', BadCall),
    ],
)
async def test_what_could_not_be_called_is_refused_as_the_call_is(
    rehearsal: Rehearsal, asker: Inbound, target: str, body: bytes, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await rehearsal.of(asker, ADA, target, body)


async def test_before_the_start_there_is_nothing_to_ask(asker: Inbound) -> None:
    with pytest.raises(Unavailable):
        await Rehearsal().of(asker, ADA, "/v1/toy", BODY)

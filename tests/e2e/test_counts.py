"""Counts of tokens on a route: the next target counts where one fails, and one that is left alone is asked last."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest

from gateway.testing.fake_upstream import FakeUpstream
from gateway.testing.fake_upstream import json as whole
from gateway.testing.running import RunningGateway

HI: Any = [{"role": "user", "content": "Hi"}]
FAILED = whole({"type": "error", "error": {"type": "api_error", "message": "Sorry."}}, status=500)


@pytest.fixture
def gateway(upstream: FakeUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    entry = {"provider": "anthropic", "apiKey": "k", "models": {"default": ["m"]}}
    custom = [{**entry, "name": name, "baseURL": f"{upstream.url}/{name}"} for name in ("north", "south")]
    targets = [{"model": "north/m"}, {"model": "south/m"}]
    breaker = {"failures": 1, "cooldown": 300}
    own = {"routes": [{"name": "smart", "targets": targets, "retries": 0, "breaker": breaker}]}
    config = {"version": "1.3.17", "endpoints": {"custom": custom}, "gateway": own}
    with RunningGateway(tmp_path_factory.mktemp("counts"), json.dumps(config)) as running:
        yield running


def answers(upstream: FakeUpstream, north: Any, south: Any) -> None:
    for name, script in (("north", north), ("south", south)):
        upstream.answer(f"/{name}/v1/messages/count_tokens", script)
    upstream.arrived.clear()


def asked(upstream: FakeUpstream) -> list[str]:
    return [one.path.split("/")[1] for one in upstream.arrived]


def test_the_next_target_counts_where_one_fails(gateway: RunningGateway, upstream: FakeUpstream) -> None:
    with anthropic.Anthropic(base_url=gateway.url, api_key=gateway.key, max_retries=0, timeout=20) as client:
        answers(upstream, FAILED, whole({"input_tokens": 7}))
        assert client.messages.count_tokens(model="smart", messages=HI).input_tokens == 7
        assert asked(upstream) == ["north", "south"]
        answers(upstream, FAILED, FAILED)
        with pytest.raises(anthropic.InternalServerError, match=r"Sorry\."):
            client.messages.count_tokens(model="smart", messages=HI)


def test_it_is_estimated_where_the_last_one_does_not_count(gateway: RunningGateway, upstream: FakeUpstream) -> None:
    missing = whole({"type": "error", "error": {"type": "not_found_error", "message": "Not found"}}, status=404)
    with anthropic.Anthropic(base_url=gateway.url, api_key=gateway.key, max_retries=0, timeout=20) as client:
        answers(upstream, missing, missing)
        came = client.messages.with_raw_response.count_tokens(model="smart", messages=HI)
        assert (came.headers["x-gateway-estimated"], came.parse().input_tokens > 0) == ("true", True)
        assert asked(upstream) == ["north", "south"]


def test_a_target_that_is_left_alone_is_asked_last(gateway: RunningGateway, upstream: FakeUpstream) -> None:
    with anthropic.Anthropic(base_url=gateway.url, api_key=gateway.key, max_retries=0, timeout=20) as client:
        upstream.answer("/north/v1/messages", FAILED)
        reply = {
            "id": "m",
            "type": "message",
            "role": "assistant",
            "model": "m",
            "content": [],
            "stop_reason": "end_turn",
        }
        upstream.answer("/south/v1/messages", whole({**reply, "usage": {"input_tokens": 1, "output_tokens": 1}}))
        client.messages.create(model="smart", messages=HI, max_tokens=5)
        answers(upstream, whole({"input_tokens": 1}), whole({"input_tokens": 2}))
        assert client.messages.count_tokens(model="smart", messages=HI).input_tokens == 2
        assert asked(upstream) == ["south"]

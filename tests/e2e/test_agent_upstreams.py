"""Agents that run tools, on models of every dialect: what a model signed comes back to it with the results."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import thinking
from conversing import conversing
from signing import BEDROCK_MODEL, UPSTREAMS, WANTED, WORDS, calling, renamed, turn_of

from gateway.carrier import MARK
from gateway.testing import tools
from gateway.testing.fake_upstream import FakeUpstream
from gateway.testing.running import RunningGateway

TOOL = "test_whoami"
STEPS = 3
"""A turn, its tools, a turn; what that one calls is not called any more."""


@pytest.fixture(scope="module")
def gateway(upstream: FakeUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    place = tmp_path_factory.mktemp("upstreams")
    far = [name for name in UPSTREAMS if name != "bedrock"]
    custom: list[Any] = [
        {"name": name, "apiKey": "k", "baseURL": f"{upstream.url}/{name}", "models": {"default": ["m"]}} for name in far
    ]
    agents = [
        {
            "id": f"agent_{name}",
            "endpoint": name,
            "model": BEDROCK_MODEL if name == "bedrock" else "m",
            "tools": [TOOL],
            "recursion_limit": STEPS,
        }
        for name in UPSTREAMS
    ]
    dialects = {name: [UPSTREAMS[name].dialect] for name in far}
    text = thinking.config(
        upstream, *agents, endpoints={"custom": custom}, **{"provider-custom": {"dialects": dialects}}
    )
    environ = thinking.environ(tools.installed(place / "site"), place / "notes") | {
        "BEDROCK_AWS_BEARER_TOKEN": "k",
        "BEDROCK_AWS_DEFAULT_REGION": "us-east-1",
        "BEDROCK_REVERSE_PROXY": upstream.url + "/bedrock",
    }
    with RunningGateway(place / "gateway", text, environ=environ) as running:
        yield running


@pytest.fixture(scope="module")
def clients(gateway: RunningGateway) -> Iterator[dict[str, Any]]:
    with conversing(gateway.url, gateway.key) as made:
        yield made


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("maker", UPSTREAMS)
def test_a_turn_comes_back_to_its_maker_as_it_was_with_what_its_call_came_to(
    upstream: FakeUpstream, clients: dict[str, Any], maker: str, streamed: bool
) -> None:
    one = calling(UPSTREAMS[maker], TOOL)
    for name, client in clients.items():
        upstream.answer(f"/{maker}{one.paths[streamed]}", one.script(streamed))
        upstream.arrived.clear()
        reply = client.reply(f"agent_{maker}", client.began(), streamed)
        assert client.heard(reply).text == WORDS * 2, name
        first, second = (arrived.body for arrived in upstream.arrived)
        assert turn_of(maker, json.loads(second)) == json.loads(renamed(json.dumps(WANTED[maker]), TOOL)), name
        assert (f"agent_{maker}".encode() in second, f"agent_{maker}".encode() in first) == (True, False), "the result"
        assert TOOL.encode() in first
        assert MARK.encode() not in second
        assert not [proof for proof in one.proofs if proof.encode() in first]

"""What upstreams sign comes back to them as they made it, through any client; and reaches nobody else."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from conversing import CLIENTS, Conversing, Gemini, conversing
from signing import ARGUMENTS, BEDROCK_MODEL, NAME, UPSTREAMS, WANTED, turn_of

from gateway.carrier import MARK
from gateway.testing.fake_upstream import FakeUpstream
from gateway.testing.fake_upstream import json as whole
from gateway.testing.running import RunningGateway

FAILED = whole({"error": {"message": "Sorry."}}, status=500)
OWN = {"chat": "openrouter", "responses": "responses", "messages": "messages", "gemini": "gemini"}
"""The upstream of each client's own dialect."""


def address(name: str) -> str:
    return f"{name}/{BEDROCK_MODEL if name == 'bedrock' else 'm'}"


@pytest.fixture(scope="module")
def gateway(upstream: FakeUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """An endpoint for each upstream, and a route from each to every other: `messages-gemini`."""
    far = [one for one in UPSTREAMS if one != "bedrock"]
    custom = [
        {
            "name": name,
            "apiKey": "k",
            "baseURL": f"{upstream.url}/{name}",
            "models": {"default": ["m"]},
            **({"customParams": {"includeReasoningContent": True}} if name == "openrouter" else {}),
        }
        for name in far
    ]
    routes = [
        {
            "name": f"{one}-{other}",
            "targets": [{"model": address(one)}, {"model": address(other)}],
            "retries": 0,
            "breaker": None,
        }
        for one in UPSTREAMS
        for other in UPSTREAMS
        if one != other
    ]
    dialects = {name: [UPSTREAMS[name].dialect] for name in far}
    config = {
        "version": "1.3.17",
        "endpoints": {"custom": custom},
        "gateway": {"routes": routes, "provider-custom": {"dialects": dialects}},
    }
    environ = {
        "BEDROCK_AWS_BEARER_TOKEN": "k",
        "BEDROCK_AWS_DEFAULT_REGION": "us-east-1",
        "BEDROCK_REVERSE_PROXY": upstream.url + "/bedrock",
    }
    with RunningGateway(tmp_path_factory.mktemp("proofs"), json.dumps(config), environ=environ) as running:
        yield running


@pytest.fixture(scope="module")
def clients(gateway: RunningGateway) -> Iterator[dict[str, Conversing]]:
    with conversing(gateway.url, gateway.key) as made:
        yield made


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest, clients: dict[str, Conversing]) -> Conversing:
    return clients[request.param]


Answering = Callable[..., None]


@pytest.fixture
def answering(upstream: FakeUpstream) -> Answering:
    """`answering(streamed, *failing)`: upstreams say what they sign, but for those that fail; nothing has arrived."""

    def arrange(streamed: bool, *failing: str) -> None:
        for one in UPSTREAMS.values():
            script = FAILED if one.name in failing else one.script(streamed)
            upstream.answer(f"/{one.name}{one.paths[streamed]}", script)
        upstream.arrived.clear()

    return arrange


def proofs() -> set[str]:
    return {proof for one in UPSTREAMS.values() for proof in one.proofs}


def holds(raw: bytes, proof: str) -> bool:
    """In any alphabet, whole or within something else in base64."""
    text = raw.decode()
    inner = base64.b64decode(proof)
    forms = {proof, base64.urlsafe_b64encode(inner).decode(), proof.rstrip("=")}
    encode = (base64.b64encode, base64.urlsafe_b64encode)
    wrapped = {one(proof.encode()[shift:]).decode()[:-4] for one in encode for shift in range(3)}
    return any(form in text for form in forms | wrapped)


def test_what_is_looked_for_would_be_found() -> None:
    for proof in proofs():
        for body in (proof, json.dumps({"a": proof}), base64.b64encode(b"x" + proof.encode()).decode()):
            assert holds(body.encode(), proof)
    assert len(proofs()) == sum(len(one.proofs) for one in UPSTREAMS.values())


STREAMED = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
MAKERS = pytest.mark.parametrize("maker", UPSTREAMS)


def first_turn(client: Conversing, model: str, streamed: bool) -> list[Any]:
    """What the client sends next: its question, what was said and called, and the result."""
    history = client.ask(model, client.began(), streamed)
    assert client.calls(history) == [(NAME, ARGUMENTS)]
    return client.answered(history)


def arrived(upstream: FakeUpstream, maker: str) -> list[bytes]:
    return [one.body for one in upstream.arrived if one.path.startswith(f"/{maker}/")]


def came_back(upstream: FakeUpstream, maker: str, respelt: Callable[[bytes], bytes] = bytes) -> None:
    """The maker's second request holds its turn as it was. respelt: undoes what a client's SDK spells otherwise."""
    _, sent = arrived(upstream, maker)
    raw = respelt(sent)
    assert turn_of(maker, json.loads(raw)) == WANTED[maker]
    for proof in UPSTREAMS[maker].proofs:
        assert proof.encode() in raw
    assert MARK.encode() not in raw


def nothing_of(maker: str, raw: bytes) -> None:
    assert MARK.encode() not in raw
    assert not [proof for proof in UPSTREAMS[maker].proofs if holds(raw, proof)]
    assert ARGUMENTS["city"].encode() in raw, "what was said and called is everybody's"


@STREAMED
@MAKERS
def test_proof_comes_back_to_its_maker_through_any_client(
    client: Conversing, upstream: FakeUpstream, answering: Answering, maker: str, streamed: bool
) -> None:
    answering(streamed)
    client.ask(address(maker), first_turn(client, address(maker), streamed), streamed)
    own = isinstance(client, Gemini) and maker == "gemini"
    came_back(upstream, maker, in_the_other_alphabet if own else bytes)


def in_the_other_alphabet(raw: bytes) -> bytes:
    """Google's SDK takes a signature for bytes, and writes them in base64's URL-safe alphabet."""
    for proof in UPSTREAMS["gemini"].proofs:
        raw = raw.replace(proof.replace("+", "-").replace("/", "_").encode(), proof.encode())
    return raw


@STREAMED
@MAKERS
def test_a_conversation_that_moves_elsewhere_leaves_the_proof_behind(
    client: Conversing, upstream: FakeUpstream, answering: Answering, maker: str, streamed: bool
) -> None:
    answering(streamed)
    history = first_turn(client, address(maker), streamed)
    for other in UPSTREAMS.keys() - {maker}:
        upstream.arrived.clear()
        client.ask(address(other), history, streamed)
        [raw] = arrived(upstream, other)
        nothing_of(maker, raw)
    assert not arrived(upstream, maker)


@STREAMED
@MAKERS
def test_a_route_gives_proof_to_its_maker_and_to_no_other_where_that_fails(
    client: Conversing, upstream: FakeUpstream, answering: Answering, maker: str, streamed: bool
) -> None:
    for other in UPSTREAMS.keys() - {maker}:
        route = f"{maker}-{other}"
        answering(streamed)
        history = first_turn(client, route, streamed)
        client.ask(route, history, streamed)
        came_back(upstream, maker)
        assert not arrived(upstream, other)
        answering(streamed, maker)
        client.ask(route, history, streamed)
        [raw] = arrived(upstream, other)
        nothing_of(maker, raw)

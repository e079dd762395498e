"""Cards of both eras: where the agent is, what it speaks, where a key goes; and how long a card counts."""

import json
import logging

import gateway_provider_a2a as plugin
import msgspec
import pytest
from gateway_provider_a2a import cards as keeping
from gateway_provider_a2a.card import CARD, Place, place_of
from gateway_provider_a2a.cards import Cards
from gateway_provider_a2a.security import Proof, proof_of

from gateway import Address, Egress, Reply, Services, Unavailable, Upstream, UpstreamUnreachable
from gateway.testing import endpoints
from gateway.testing.installed import NoUpstream


def card(**members):
    return CARD.read(msgspec.json.encode(members))


def offered(*pairs):
    return [{"url": f"http://a/{n}", "protocolBinding": b, "protocolVersion": v} for n, (b, v) in enumerate(pairs)]


@pytest.mark.parametrize(
    ("members", "place"),
    [
        ({"supportedInterfaces": offered(("GRPC", "1.0"), ("JSONRPC", "1.0"))}, Place("http://a/1", "1.0")),
        ({"supportedInterfaces": offered(("JSONRPC", "0.3"), ("JSONRPC", "1.0"))}, Place("http://a/1", "1.0")),
        ({"supportedInterfaces": offered(("JSONRPC", "0.3"))}, Place("http://a/0", "0.3")),
        ({"supportedInterfaces": [{**offered(("JSONRPC", "1.1"))[0], "tenant": "t"}]}, Place("http://a/0", "1.0", "t")),
        ({"url": "http://old", "protocolVersion": "0.3.0"}, Place("http://old", "0.3")),
        ({"url": "http://old", "preferredTransport": "JSONRPC"}, Place("http://old", "0.3")),
        (
            {
                "url": "http://g",
                "preferredTransport": "GRPC",
                "additionalInterfaces": [{"url": "http://j", "transport": "JSONRPC"}],
            },
            Place("http://j", "0.3"),
        ),
    ],
    ids=["1.0", "the newest", "0.3 in a new card", "tenant", "0.3", "0.3 said", "0.3 beside"],
)
def test_where_an_agent_is(members, place):
    assert place_of(card(**members)) == place


@pytest.mark.parametrize("members", [{}, {"url": "http://g", "preferredTransport": "GRPC"}], ids=["none", "grpc"])
def test_an_agent_that_speaks_nothing_we_do(members):
    with pytest.raises(Unavailable):
        place_of(card(**members))


@pytest.mark.parametrize(
    ("members", "proof"),
    [
        ({}, Proof({"authorization": "Bearer k"})),
        (
            {"securitySchemes": {"a": {"httpAuthSecurityScheme": {"scheme": "Bearer"}}}},
            Proof({"authorization": "Bearer k"}),
        ),
        (
            {"securitySchemes": {"a": {"apiKeySecurityScheme": {"location": "header", "name": "X-Key"}}}},
            Proof({"x-key": "k"}),
        ),
        ({"securitySchemes": {"a": {"type": "apiKey", "in": "header", "name": "X-Key"}}}, Proof({"x-key": "k"})),
        ({"securitySchemes": {"a": {"type": "apiKey", "in": "query", "name": "key"}}}, Proof({}, {"key": "k"})),
        ({"securitySchemes": {"a": {"type": "apiKey", "in": "cookie", "name": "key"}}}, Proof({"cookie": "key=k"})),
        ({"securitySchemes": {"a": {"type": "http", "scheme": "basic"}}}, Proof({"authorization": "Basic k"})),
        ({"securitySchemes": {"a": {"oauth2SecurityScheme": {"flows": {}}}}}, Proof({"authorization": "Bearer k"})),
        (
            {
                "securitySchemes": {
                    "m": {"mtlsSecurityScheme": {}},
                    "a": {"type": "http", "scheme": "bearer"},
                    "b": {"type": "apiKey", "in": "header", "name": "X-B"},
                },
                "security": [{"m": [], "a": []}, {"b": []}],
            },
            Proof({"x-b": "k"}),
        ),
        (
            {
                "securitySchemes": {
                    "a": {"type": "http", "scheme": "bearer"},
                    "b": {"type": "apiKey", "in": "header", "name": "X-B"},
                },
                "securityRequirements": [{"schemes": {"b": {"list": []}}}],
            },
            Proof({"x-b": "k"}),
        ),
    ],
    ids=["nothing", "bearer", "key", "0.3 key", "query", "cookie", "basic", "oauth2", "alone first", "required"],
)
def test_where_a_key_goes(members, proof):
    assert proof_of(card(**members), "k") == proof
    assert proof_of(card(**members), "") == Proof({})


class Answer(Reply):
    def __init__(self, status, body, headers):
        self.status, self.headers, self._body = status, headers, body

    async def read(self, limit=0):
        return self._body

    async def chunk(self):
        return b""

    def close(self):
        pass


class Far(Upstream):
    def __init__(self):
        self.asked, self.answers = [], []

    async def send(self, method, url, headers, body=b"", *, trust="operator", timeouts=None, sending=None):
        self.asked.append((url, dict(headers)))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return Answer(*answer)


async def test_a_card_is_kept_and_asked_about_by_its_tag():
    far, now = Far(), [0.0]
    cards = Cards(far, Address("http://a/base"), {"x": "y"}, lambda: now[0])
    far.answers = [
        (200, b'{"name":"one"}', {"etag": 'W/"1"'}),
        (304, b"", {}),
        UpstreamUnreachable("no"),
        (200, b'{"name":"two"}', {}),
    ]
    assert [(await cards.get()).name for _ in range(3)] == ["one"] * 3
    assert len(far.asked) == 1
    assert far.asked[0] == ("http://a/base/.well-known/agent-card.json", {"x": "y", "accept": "application/json"})
    for step, name in ((keeping.KEPT, "one"), (keeping.KEPT, "one"), (keeping.RETRY, "two")):
        now[0] += step
        assert (await cards.get()).name == name
    assert [one[1].get("if-none-match") for one in far.asked] == [None, *['W/"1"'] * 3]


async def test_a_cards_own_url_may_be_given():
    far = Far()
    far.answers = [(200, b"{}", {})]
    await Cards(far, Address("http://a/cards/mine.json?v=1"), {}).get()
    assert far.asked[0][0] == "http://a/cards/mine.json?v=1"


async def test_without_a_card_nothing_stands_in():
    far = Far()
    cards = Cards(far, Address("http://a"), {})
    for answer in (UpstreamUnreachable("no"), UpstreamUnreachable("no")):
        far.answers = [answer]
        with pytest.raises(UpstreamUnreachable):
            await cards.get()


@pytest.mark.parametrize(
    ("entries", "unavailable"),
    [
        ([{"name": "a", "url": "http://a"}], [None]),
        ([{"name": "a", "url": "nowhere"}], ["url"]),
        ([{"name": "a", "url": "http://a", "key": "${NOT_SET}"}], ["NOT_SET"]),
        ([{"name": "a", "url": "http://a", "rpc": "nowhere"}], ["rpc"]),
        ([{"name": "a/b", "url": "http://a"}], ["no name"]),
        ([{"name": "a", "url": "http://a"}, {"name": "a", "url": "http://b"}], [None, "taken"]),
    ],
    ids=["one", "no address", "unset", "no rpc", "no name", "twice"],
)
async def test_what_the_settings_say(entries, unavailable):
    found = endpoints.providers(plugin, json.dumps({"gateway": {"provider-a2a": entries}}), {})
    assert len(found) == len(unavailable)
    for one, why in zip(found, unavailable, strict=True):
        assert (one.unavailable is None) if why is None else (why in one.unavailable)
        assert len(one.findings()) == (why is not None)
    assert await found[0].models() == (found[0].endpoint,)


def test_nothing_is_registered_without_an_entry():
    services = Services(NoUpstream(), Egress(), None, lambda: 0.0, logging.getLogger("test"))
    assert plugin.register_providers(endpoints.settings(plugin, {}), services) == ()

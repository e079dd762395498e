"""Where actions may be: LibreChat's actions.allowedDomains and actions.allowedAddresses."""

from __future__ import annotations

import pytest
from action_documents import ADA, api, text
from gateway_tools_actions.domains import trust_of
from gateway_tools_actions.section import ActionsSettings

from gateway.testing.fake_upstream import json as answer

GET = api(("get", "/x", {}))


@pytest.mark.parametrize(
    ("url", "entry", "allowed"),
    [
        ("https://example.com/v1", "example.com", True),
        ("https://EXAMPLE.com/v1", "Example.COM", True),
        ("https://www.example.com", "example.com", True),
        ("https://example.com", "www.example.com", True),
        ("https://api.example.com", "example.com", False),
        ("https://api.example.com", "*.example.com", True),
        ("https://example.com", "*.example.com", True),
        ("https://evilexample.com", "*.example.com", False),
        ("https://example.com.evil.net", "example.com", False),
        ("https://example.com", "https://example.com", True),
        ("http://example.com", "https://example.com", False),
        ("https://example.com:8443", "https://example.com:8443", True),
        ("https://example.com:8443", "example.com", True),
        ("https://example.com", "example.com:8443", False),
        ("https://example.com:9", "example.com:8443", False),
        ("http://10.0.0.5:8080", "10.0.0.5", True),
        ("http://127.0.0.1", "localhost", False),
        ("https://example.com", "https://", False),
        ("https://example.com", "*", False),
        ("https://example.com", "*.", False),
        ("https://example.com", "", False),
        ("https://example.com", "example.com:x", False),
        ("https://evil.net/example.com", "example.com", False),
        ("https://evil.net?example.com", "example.com", False),
    ],
)
def test_a_list_of_domains_is_strict(url, entry, allowed):
    assert trust_of(url, ActionsSettings((entry,))) == ("operator" if allowed else None)


def test_addresses_do_not_widen_a_list_of_domains():
    assert trust_of("http://10.0.0.5:8080", ActionsSettings(("example.com",), ("10.0.0.5:8080",))) is None


@pytest.mark.parametrize(
    ("url", "trust"),
    [
        ("http://10.0.0.5:8080/x", "operator"),
        ("http://10.0.0.5:8081/x", "user"),
        ("http://10.0.0.5/x", "user"),
        ("http://api.internal/x", "operator"),
        ("https://api.internal/x", "user"),
        ("http://[fd00::5]:8080/x", "operator"),
        ("https://example.com", "user"),
    ],
)
def test_a_list_of_addresses_holds_all_else_to_public_ones(url, trust):
    addresses = ("10.0.0.5:8080", "API.internal:80", "[fd00::5]:8080")
    assert trust_of(url, ActionsSettings((), addresses)) == trust


def test_without_either_an_action_may_be_anywhere():
    assert trust_of("http://127.0.0.1:1", ActionsSettings()) == "operator"


async def test_an_action_outside_of_the_domains_is_not_there(actions, server):
    entry = {"name": "a", "url": server.url, "document": GET}
    source = actions(entry, actions={"allowedDomains": ["example.com"]})
    [finding] = source.findings()
    assert (finding.path, finding.level) == ("gateway.tools-actions[0]", "warning")
    assert finding.what == f"{server.url} is not among actions.allowedDomains"
    assert await source.listed(ADA) == []
    offer = await source.offer(["it_action_a"], ADA)
    assert (offer.tools, list(offer.missing)) == ((), ["it_action_a"])


async def test_a_server_of_the_document_is_held_to_the_domains_too(actions):
    document = GET | {"servers": [{"url": "http://169.254.169.254/latest"}]}
    source = actions({"name": "a", "document": document}, actions={"allowedDomains": ["example.com"]})
    assert await source.listed(ADA) == []


async def test_private_addresses_are_refused_when_they_are_connected_to(call, server):
    server.answer("/x", answer({}))
    for url in (server.url, f"http://localhost:{server.port}"):
        outcome = await call(GET, {}, url=url, sections={"actions": {"allowedAddresses": ["10.0.0.5:8080"]}})
        assert outcome.is_error
        assert "not a public one" in text(outcome)
    assert server.arrived == []


async def test_a_private_address_that_is_allowed_is_reached(call, server):
    server.answer("/x", answer({}))
    exempt = {"actions": {"allowedAddresses": [f"127.0.0.1:{server.port}"]}}
    assert not (await call(GET, {}, sections=exempt)).is_error
    strict = {"actions": {"allowedDomains": [f"http://127.0.0.1:{server.port}"]}}
    assert not (await call(GET, {}, sections=strict)).is_error
    assert len(server.arrived) == 2

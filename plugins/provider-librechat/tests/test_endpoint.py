"""The endpoint: its settings, whose key it is called with, and what is known of its agents."""

import logging

import gateway_provider_librechat as plugin
import pytest
from gateway_provider_librechat.endpoint import callers_of
from gateway_provider_librechat.names import NAME

from gateway import Egress, Forbidden, RemoteAgents, Services, Settings, UpstreamRefused
from gateway.testing import endpoints
from gateway.testing.conformance import providers as conformance
from gateway.testing.installed import NoUpstream

LISTED = b'{"object":"list","data":[{"id":"agent_a","object":"model"}]}'
ENVIRON = {"LIBRECHAT_KEY": "sk-of-the-operator"}


def made(upstream=None, **given):
    section = {"url": "https://chat.example", **given}
    return endpoints.one(plugin, {"gateway": {"provider-librechat": section}}, ENVIRON, upstream)


def hooks_of(**given):
    found = endpoints.settings(plugin, {"gateway": {"provider-librechat": given}})
    services = Services(NoUpstream(), Egress(), None, lambda: 0.0, logging.getLogger("test"))
    return [
        *plugin.register_dialects(found),
        *plugin.register_authenticators(found, services),
        *plugin.register_directories(found, services),
        *plugin.register_providers(found, services),
    ]


def test_nothing_is_registered_without_a_url():
    assert hooks_of() == []
    assert hooks_of(forward=True) == []


def test_nobody_is_let_in_unless_it_is_said():
    assert len(hooks_of(url="https://chat.example", key="k")) == 2
    assert len(hooks_of(url="https://chat.example", forward=True)) == 4


def test_nobody_is_let_in_as_an_admin():
    assert len(hooks_of(url="https://chat.example", forward=True, role="ADMIN")) == 2


def test_nobody_is_let_in_by_an_address_that_is_none():
    assert len(hooks_of(url="chat.example", forward=True)) == 2


@pytest.mark.parametrize(
    "url",
    ["https://chat.example", "https://chat.example/", "https://chat.example/api/agents/v1", " https://chat.example"],
)
def test_the_url_may_name_the_api(url):
    sent = endpoints.outgoing(one := made(url=url, key="k"), "/chat/completions")
    assert one.url(sent) == "https://chat.example/api/agents/v1/chat/completions"


async def test_the_operators_key_is_sent_for_everybody():
    one = made(key="${LIBRECHAT_KEY}", headers={"X-Tenant-Id": "t1"})
    sent = await one.headers(endpoints.outgoing(one, "/chat/completions"))
    assert sent == {"authorization": "Bearer sk-of-the-operator", "x-tenant-id": "t1"}


async def test_a_key_that_callers_bring():
    one = made(key="user_provided")
    assert one.user_provides == ("apiKey",)
    outgoing = endpoints.outgoing(one, "/chat/completions", brought={"apiKey": "sk-mine"})
    assert await one.headers(outgoing) == {"authorization": "Bearer sk-mine"}


async def test_without_a_key_of_librechats_nothing_is_sent():
    one = made(forward=True)
    with pytest.raises(Forbidden, match="LibreChat's own keys"):
        await one.headers(endpoints.outgoing(one, "/chat/completions"))


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({}, "nothing to call LibreChat with"),
        ({"key": "${NOT_SET}"}, "NOT_SET is not set"),
        ({"url": "chat.example", "key": "k"}, "http"),
        ({"key": "user_provided", "forward": True}, "both ways"),
        ({"key": "k", "name": "a/b"}, "no name"),
        ({"forward": True, "role": "ADMIN"}, "admin"),
        ({"key": "k", "headers": {"bad name": "x"}}, "characters"),
    ],
    ids=["no key", "unset variable", "no address", "two ways", "no name", "admins", "no header"],
)
def test_what_cannot_be_used_says_why(given, why):
    one = made(**given)
    assert why in one.unavailable
    assert [finding.level for finding in one.findings()] == ["warning"]


async def test_its_agents_are_its_models():
    upstream = endpoints.Answering({"/models": LISTED})
    one = made(upstream, key="k")
    assert await one.models() == ("agent_a",)
    assert upstream.requests[0][1] == "https://chat.example/api/agents/v1/models"


def test_what_librechat_charges_itself_costs_nothing_here():
    assert made(forward=True).facts("agent_a").prices.input == 0.0
    assert made(key="k").facts("agent_a") is None


def test_a_refusal_of_the_operators_key_stays_the_operators():
    one = made(key="k")
    error = UpstreamRefused("no", 403)
    assert one.refused(endpoints.outgoing(one, "/x"), error) is error


@pytest.mark.parametrize("use", [None, True])
def test_who_forwards_is_told_that_users_may_call_nothing(use):
    given = plugin.section.LibreChat(url="https://chat.example", forward=True)
    found = Settings.of(given, RemoteAgents(use=use))
    services = Services(NoUpstream(), Egress(), None, lambda: 0.0, logging.getLogger("test"))
    (directory,) = plugin.register_directories(found, services)
    assert [finding.path for finding in directory.findings()] == ([] if use else ["gateway.provider-librechat.forward"])


def test_the_endpoint_keeps_its_contracts():
    for check in conformance.checks(
        made(key="${LIBRECHAT_KEY}", upstream=endpoints.Answering({})), ["sk-of-the-operator"]
    ):
        check()
    assert made(key="k").dialects == (NAME,)


def test_what_is_known_of_keys_survives_a_reload_that_changes_nothing_of_it():
    services = Services(NoUpstream(), Egress(), None, lambda: 0.0, logging.getLogger("test"))

    def callers(**given):
        section = {"gateway": {"provider-librechat": {"url": "https://chat.example", "forward": True, **given}}}
        return callers_of(endpoints.settings(plugin, section), services)

    first = callers()
    assert callers() is first
    for changed in ({"role": "TEAM"}, {"url": "https://other.example"}, {"name": "chat"}, {"headers": {"x": "y"}}):
        assert callers(**changed) is not first

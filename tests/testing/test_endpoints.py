"""Endpoints made of settings, for tests of providers."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any

import msgspec
import pytest
from cryptography.exceptions import InvalidSignature

from gateway import Encoded, HttpProvider, Outgoing, Principal, Section, Services, Settings, hookimpl
from gateway.testing import endpoints
from gateway.testing.service_account import ServiceAccount


class Fields(msgspec.Struct, frozen=True):
    """key: what the upstream wants to see."""

    url: str = "http://nowhere"
    key: str = ""


class Place(HttpProvider):
    endpoint, dialects = "place", ("toy",)

    def __init__(self, fields: Fields, settings: Settings, services: Services) -> None:
        self.fields, self.settings, self.services = fields, settings, services

    def adapt(self, encoded: Encoded, target: Any) -> Encoded:
        return msgspec.structs.replace(encoded, path="/adapted" + encoded.path)

    def url(self, outgoing: Outgoing) -> str:
        return self.fields.url + outgoing.encoded.path

    async def headers(self, outgoing: Outgoing) -> dict[str, str]:
        return {"x-key": outgoing.user_key.text("apiKey") if outgoing.user_key else self.fields.key}

    async def models(self) -> list[str]:
        reply = await self.services.upstream.send("GET", self.fields.url + "/models?a=1", {"x": "y"})
        return [*json.loads(await reply.read())] if reply.status == 200 else []


@pytest.fixture
def plugin() -> ModuleType:
    @hookimpl
    def register_sections() -> list[Section]:
        return [Section("endpoints.place", Fields)]

    @hookimpl
    def register_providers(settings: Settings, services: Services) -> list[Place]:
        if not (settings.given("endpoints.place") or settings.env("PLACE")):
            return []
        return [Place(settings.one(Fields), settings, services)]

    made = ModuleType("gateway_provider_place")
    made.__dict__.update(register_sections=register_sections, register_providers=register_providers)
    return made


def test_a_provider_is_made_of_a_files_text_and_of_what_stands_in_it(plugin: ModuleType) -> None:
    text = "endpoints:\n  place: {url: 'http://h', key: k}\n"
    for given in (text, {"endpoints": {"place": {"url": "http://h", "key": "k"}}}):
        assert endpoints.one(plugin, given).fields == Fields("http://h", "k")


def test_a_section_that_is_none_is_absent(plugin: ModuleType) -> None:
    assert endpoints.providers(plugin, {"endpoints": {"place": None}}) == []
    assert endpoints.one(plugin, {"endpoints": {"place": None}}, {"PLACE": "1"}).fields == Fields()


def test_variables_and_the_clock_are_the_tests(plugin: ModuleType) -> None:
    provider = endpoints.one(plugin, {}, {"PLACE": "there"}, now=7.0)
    assert provider.settings.resolve("${PLACE}") == "there"
    assert provider.services.clock() == 7.0


def test_settings_that_stop_a_gateway_stop_the_test(plugin: ModuleType) -> None:
    with pytest.raises(ValueError, match=r"gateway\.listen\.port"):
        endpoints.providers(plugin, {"gateway": {"listen": {"port": "none"}}})


async def test_an_answering_upstream_remembers_and_finds_by_the_paths_end(plugin: ModuleType) -> None:
    upstream = endpoints.Answering({"/models": b'["a", "b"]'})
    assert await endpoints.one(plugin, {}, {"PLACE": "1"}, upstream).models() == ["a", "b"]
    assert upstream.requests == [("GET", "http://nowhere/models?a=1", {"x": "y"})]
    assert (upstream.sent[0].trust, upstream.sent[0].timeouts) == ("operator", None)
    nothing = endpoints.Answering({"/other": b"{}"})
    assert await endpoints.one(plugin, {}, {"PLACE": "1"}, nothing).models() == []
    reply = await endpoints.Answering(b"all").send("POST", "http://h/any", {})
    assert [await reply.chunk(), await reply.chunk()] == [b"all", b""]


async def test_what_goes_out_is_adapted_and_carries_what_the_caller_brought(plugin: ModuleType) -> None:
    provider = endpoints.one(plugin, {"endpoints": {"place": {"key": "k"}}})
    sent = endpoints.outgoing(provider, "/chat", "big", body=b"[]", query={"a": "b"}, stream=True)
    assert provider.url(sent) == "http://nowhere/adapted/chat"
    assert (sent.target.model, sent.dialect, sent.encoded.body, sent.encoded.query) == ("big", "toy", b"[]", {"a": "b"})
    assert (sent.exchange.principal, sent.exchange.envelope.stream) == (endpoints.ADA, True)
    assert await provider.headers(sent) == {"x-key": "k"}
    brought = endpoints.outgoing(provider, "/chat", brought={"apiKey": "mine"}, principal=Principal(user_id="u2"))
    assert await provider.headers(brought) == {"x-key": "mine"}
    assert brought.exchange.principal.user_id == "u2"
    assert endpoints.outgoing(provider, "/chat", brought={"apiKey": None}).user_key is None


def test_a_service_account_knows_what_it_signed_and_nothing_else() -> None:
    account = ServiceAccount()
    key = json.loads(account.key("http://h/token", project_id=""))
    assert (key["token_uri"], key["project_id"], key["private_key"]) == ("http://h/token", "", account.pem)
    assert account.canary in account.pem
    with pytest.raises(InvalidSignature):
        account.claims(b"assertion=e30.e30.AAAA")

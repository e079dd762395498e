"""Where the server is, what it is shown, and which models it has."""

import asyncio
import logging

import pytest
from gateway_provider_ollama import register_providers
from gateway_provider_ollama.host import address
from gateway_provider_ollama.section import Options

from gateway import Attempt, Egress, Encoded, Exchange, Outgoing, Reply, Secret, Services, Settings, Upstream
from gateway.testing import replay
from gateway.testing.toy import ToyServer


class Listing(Reply):
    status, headers = 200, {}

    def __init__(self, body):
        self.body = body

    async def read(self, limit=0):
        return self.body

    async def chunk(self):
        return b""

    def close(self):
        pass


class Recorded(Upstream):
    def __init__(self, body=b'{"models": [{"name": "llama3:latest", "size": 7}, {"name": "qwen3:8b"}]}'):
        self.body = body
        self.sent = []

    async def send(self, method, url, headers, body=b"", *, trust="operator", timeouts=None):
        self.sent.append((method, url, dict(headers)))
        return Listing(self.body)


def providers(environ=None, options=None, upstream=None):
    given = frozenset({"gateway.provider-ollama"} if options else ())
    settings = Settings({Options: options} if options else {}, environ or {}, given)
    services = Services(upstream or Recorded(), Egress(), None, lambda: 0.0, logging.getLogger("test.ollama"))
    return register_providers(settings, services)


def outgoing(provider):
    server = ToyServer()
    exchange = Exchange(replay.inbound(server, b'{"text": "Hi"}'), server)
    target = provider.target("llama3")
    return Outgoing(exchange, Attempt("a", target, "ollama"), target, "ollama", Encoded("/api/chat", b"{}"))


def asked(provider):
    sent = outgoing(provider)
    return provider.url(sent), asyncio.run(provider.headers(sent))


def test_where_nothing_asks_for_it_there_is_none():
    assert providers() == ()


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:11434/x"),
        ("0.0.0.0:5000", "http://127.0.0.1:5000/x"),
        (":5000", "http://127.0.0.1:5000/x"),
        ("[::]:5000", "http://[::1]:5000/x"),
        ("::1", "http://[::1]:11434/x"),
        ("box.local:1/ollama/", "http://box.local:1/ollama/x"),
        ("http://box", "http://box:80/x"),
        ("https://box/v", "https://box:443/v/x"),
        ("ollama.com", "https://ollama.com:443/x"),
        ("http://127.0.0.1:11434", "http://127.0.0.1:11434/x"),
    ],
)
def test_a_host_is_read_as_ollama_reads_it(text, url):
    assert address(text).url("/x") == url


@pytest.mark.parametrize("text", ["ftp://box", "box:port", "a b", "http://[::1", "box:99999"])
def test_a_host_that_is_none_makes_it_unavailable_and_is_said(text):
    [provider] = providers({"OLLAMA_HOST": text})
    assert provider.unavailable.startswith("OLLAMA_HOST: ")
    [finding] = provider.findings()
    assert (finding.path, finding.level) == ("gateway.provider-ollama", "warning")
    assert finding.what == provider.unavailable
    assert asyncio.run(provider.models()) == ()


def test_the_environment_is_enough():
    [provider] = providers({"OLLAMA_HOST": "box", "OLLAMA_API_KEY": "k"})
    assert provider.endpoint == "ollama"
    assert asked(provider) == ("http://box:11434/api/chat", {"authorization": "Bearer k"})


def test_settings_come_before_the_environment():
    options = Options(url="http://${NAME}:7", name="den", api_key=Secret("${THEIRS}"), models=("a", "b"))
    [provider] = providers({"OLLAMA_HOST": "box", "OLLAMA_API_KEY": "k", "NAME": "den", "THEIRS": "t"}, options)
    assert provider.endpoint == "den"
    assert asked(provider) == ("http://den:7/api/chat", {"authorization": "Bearer t"})
    assert asyncio.run(provider.models()) == ("a", "b")


def test_a_variable_that_is_not_set_is_named():
    [provider] = providers({}, Options(url="http://${NAME}:7"))
    assert provider.unavailable == "gateway.provider-ollama.url: the variable NAME is not set"


def test_a_key_that_cannot_be_had_or_sent_is_named_and_not_shown():
    [provider] = providers({"OLLAMA_HOST": "box"}, Options(api_key=Secret("${THEIRS}")))
    assert provider.unavailable == "gateway.provider-ollama.api_key: the variable THEIRS is not set"
    [provider] = providers({"OLLAMA_HOST": "box", "OLLAMA_API_KEY": "sk-canary\r\nx: 1"})
    assert provider.unavailable == "OLLAMA_API_KEY: it has characters in it that cannot be sent"
    assert "canary" not in repr((provider.findings(), vars(provider)))


def test_without_a_key_nothing_is_shown():
    [provider] = providers({"OLLAMA_HOST": "box"})
    assert asked(provider)[1] == {}


def test_models_are_those_that_the_server_lists():
    upstream = Recorded()
    [provider] = providers({"OLLAMA_HOST": "box", "OLLAMA_API_KEY": "k"}, upstream=upstream)
    assert asyncio.run(provider.models()) == ("llama3:latest", "qwen3:8b")
    assert upstream.sent == [("GET", "http://box:11434/api/tags", {"authorization": "Bearer k"})]
    assert provider.open


@pytest.mark.parametrize("body", [b"oops", b'{"models": null}', b'{"data": []}', b'{"models": [{"name": 7}]}'])
def test_a_list_that_cannot_be_read_is_an_empty_one(body):
    [provider] = providers({"OLLAMA_HOST": "box"}, upstream=Recorded(body))
    assert asyncio.run(provider.models()) == ()

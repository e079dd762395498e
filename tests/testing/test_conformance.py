"""conformance: what keeps its contracts passes, and each kind of defect is found by its check."""

import asyncio
from types import ModuleType

import pytest
from hypothesis import given, settings

from gateway import (
    BadCall,
    BlockDelta,
    BlockStart,
    BlockStop,
    EventProvider,
    Failed,
    Finished,
    HttpProvider,
    Secret,
    Started,
    Text,
    UpstreamBroken,
    Usage,
    hookimpl,
)
from gateway.testing import conformance
from gateway.testing.conformance import clients, providers, replies, servers
from gateway.testing.toy import Counts, ToyClient, ToyDecoder, ToyServer, ToyStream, ToyTap

OF_SERVERS = [
    "it says what it serves",
    "errors are json",
    "the list of models",
    "a bad body is refused",
    "a stream is whole events",
    "an unstreamed reply",
]
OF_CLIENTS = [
    "it has a name",
    "any error reply",
    "an edit keeps",
    "any split gives the same events",
    "any split gives the same bytes",
    "usage counts",
    "a cut reply ends",
    "a cut reply is not complete",
    "garbage",
    "error envelopes",
]


def run(found, name):
    [check] = [check for check in found if name in str(check)]
    check()


def run_all(found):
    for check in found:
        check()


@pytest.mark.parametrize("name", OF_SERVERS)
def test_a_sound_server_half_passes(name):
    run(servers.checks(ToyServer(), ToyClient()), name)


@pytest.mark.parametrize("name", OF_CLIENTS)
def test_a_sound_client_half_passes(name):
    run(clients.checks(ToyClient(), ToyServer()), name)


@pytest.mark.parametrize("name", OF_SERVERS[:4])
def test_half_a_dialect_alone_is_checked_as_far_as_it_goes(name):
    run(servers.checks(ToyServer(), None), name)


def a_server_that(**methods):
    return type("Broken", (ToyServer,), methods)()


def a_client_that(**methods):
    return type("Broken", (ToyClient,), methods)()


def raises(error):
    def method(*arguments):
        raise error

    return method


def encodes_with(**methods):
    """A server half whose stream encoder has other methods."""
    encoder = type("BrokenStream", (ToyStream,), methods)
    return a_server_that(encoder=lambda self, call, inbound, framing: encoder())


@pytest.mark.parametrize(
    ("name", "server"),
    [
        ("it says what it serves", a_server_that(operations=())),
        ("it says what it serves", a_server_that(reply_headers=frozenset({"X-Upper"}))),
        ("errors are json", a_server_that(encode_error=lambda self, error, inbound: b"oops")),
        ("errors are json", a_server_that(encode_error=lambda self, error, inbound: b'{"error": "something"}')),
        (
            "errors are json",
            a_server_that(encode_error=lambda self, e, inbound: f'["{e.public}", "{e.__cause__}"]'.encode()),
        ),
        ("the list of models", a_server_that(encode_models=lambda self, models, inbound: b"[]")),
        ("a bad body is refused", a_server_that(decode=raises(KeyError("model")))),
        ("a stream is whole events", encodes_with(encode=lambda self, event: b"data: 1\n")),
        ("a stream is whole events", encodes_with(idle=lambda self: b"\r\n\r\n")),
        ("a stream is whole events", encodes_with(fail=lambda self, error: b"")),
        ("an unstreamed reply", encodes_with()),
    ],
)
def test_a_defect_of_a_server_half_is_found(name, server):
    with pytest.raises((AssertionError, ValueError, KeyError)):
        run(servers.checks(server, ToyClient()), name)


class HalfDecoder(ToyDecoder):
    """Forgets what a read ended with."""

    def feed(self, data):
        self._splitter.rest()
        return super().feed(data)


class CalmDecoder(ToyDecoder):
    """Takes a cut for an end."""

    def finish(self):
        return [event if not isinstance(event, Failed) else Finished() for event in super().finish()]


class Overcounting(ToyDecoder):
    def feed(self, data):
        for event in super().feed(data):
            yield Usage(input=9, cache_read=4, output=7) if isinstance(event, Usage) else event


class BlindTap(ToyTap):
    def finish(self):
        self.complete = True
        return super().finish()


class HoldingTap(ToyTap):
    def finish(self):
        super().finish()
        return b""


def decodes_with(kind):
    return a_client_that(decoder=lambda self, target, stream: kind(stream))


def taps_with(kind):
    return a_client_that(tap=lambda self, target, stream, encoded, inbound: kind(stream))


def resorting(self, inbound, edit, target):
    encoded = ToyClient.edit(self, inbound, edit, target)
    members = clients.MEMBERS.decode(encoded.body)
    return type(encoded)(encoded.path, clients.msgspec.json.encode(dict(sorted(members.items()))))


@pytest.mark.parametrize(
    ("name", "client"),
    [
        ("it has a name", a_client_that(name="Not A Name")),
        ("any error reply", a_client_that(decode_error=raises(KeyError("error")))),
        ("an edit keeps", a_client_that(edit=resorting)),
        ("any split gives the same events", decodes_with(HalfDecoder)),
        ("a cut reply ends", decodes_with(CalmDecoder)),
        ("usage counts", decodes_with(Overcounting)),
        ("a cut reply is not complete", taps_with(BlindTap)),
        ("any split gives the same bytes", taps_with(HoldingTap)),
        ("error envelopes", a_client_that(decode_error=lambda self, status, headers, body: BadCall("no"))),
    ],
)
def test_a_defect_of_a_client_half_is_found(name, client):
    with pytest.raises((AssertionError, AttributeError, KeyError)):
        run(clients.checks(client, ToyServer()), name)


def test_counts_that_hide_the_cached_tokens_are_found(monkeypatch):
    monkeypatch.setattr(Counts, "usage", lambda self: Usage(input=self.read, cache_read=self.cached, output=self.wrote))
    with pytest.raises(AssertionError):
        run(clients.checks(ToyClient(), ToyServer()), "usage counts")


START, STOP, DELTA = BlockStart(0, 0, Text()), BlockStop(0, 0), BlockDelta(0, 0, "a")
FAILED = Failed(UpstreamBroken("cut"))


@pytest.mark.parametrize(
    ("events", "wrong"),
    [
        ([], "no Finished"),
        ([START], "begins with Started"),
        ([Started(), Started()], "second Started"),
        ([Started(), DELTA], "not open"),
        ([Started(), START, STOP, DELTA], "not open"),
        ([Started(), BlockStart(0, 1, Text())], "not the next"),
        ([Started(), START, STOP, START], "not the next"),
        ([Started(), START, Finished()], "never stopped"),
        ([Started(), Finished(), Finished()], "finished before"),
        ([Started(), Finished(), START], "has finished"),
        ([Started(), FAILED, Finished()], "after Failed"),
        ([Started(), START, STOP], "no Finished"),
    ],
)
def test_disorder_is_named(events, wrong):
    assert wrong in replies.disorder(events)


@pytest.mark.parametrize(
    "events",
    [
        [FAILED],
        [Started(), START, FAILED],
        [Started(), Usage(), START, DELTA, STOP, Finished(), Usage()],
        [Started(), START, BlockStart(1, 0, Text()), STOP, Finished(), BlockStop(1, 0), Finished(1)],
    ],
)
def test_order_is_accepted(events):
    assert replies.disorder(events) is None


@settings(max_examples=50)
@given(replies.replies())
def test_drawn_replies_keep_the_order(events):
    assert replies.disorder(events) is None


class Source(EventProvider):
    endpoint = "source"

    async def run(self, call, exchange):
        for event in (Started(), START, DELTA, STOP, Finished()):
            yield event


class Leaking(Source):
    async def run(self, call, exchange):
        task = asyncio.get_running_loop().create_task(asyncio.sleep(3600))
        for event in (Started(), START, DELTA, STOP, Finished()):
            yield event
        task.cancel()


class Disordered(Source):
    async def run(self, call, exchange):
        for event in (Started(), DELTA, Finished()):
            yield event


class Address(HttpProvider):
    endpoint = "address"
    dialects = ("toy",)

    def __init__(self, key="sk-canary"):
        self._key = Secret(key)

    def url(self, outgoing):
        return "https://127.0.0.1:9" + outgoing.encoded.path

    async def headers(self, outgoing):
        return {"Authorization": f"Bearer {self._key.reveal()}"}


class Telling(Address):
    def __init__(self):
        super().__init__()
        self.key = "sk-canary"


class TellingByUrl(Address):
    def url(self, outgoing):
        return "https://127.0.0.1:9/?key=sk-canary"


class Slashed(Address):
    endpoint = "a/b"


@pytest.mark.parametrize("provider", [Source(), Address()])
def test_a_sound_provider_passes(provider):
    found = providers.checks(provider, ["sk-canary"])
    assert len(found) > 1
    run_all(found)


@pytest.mark.parametrize("provider", [Leaking(), Disordered(), Telling(), TellingByUrl(), Slashed()])
def test_a_defect_of_a_provider_is_found(provider):
    with pytest.raises(AssertionError):
        run_all(providers.checks(provider, ["sk-canary"]))


def a_plugin(**functions):
    plugin = ModuleType("gateway_dialect_some")
    vars(plugin).update(functions)
    return plugin


def plugin_checks(plugin):
    return [check for check in conformance.checks(plugin) if str(check).startswith("gateway_dialect_some")]


def test_a_plugins_objects_are_all_checked():
    plugin = a_plugin(
        register_dialects=hookimpl(lambda: [ToyServer(), ToyClient()]),
        register_providers=hookimpl(lambda settings, services: [Source()]),
    )
    subjects = {str(check).partition(":")[0] for check in conformance.checks(plugin)}
    assert subjects == {"gateway_dialect_some", "toy (server)", "toy (client)", "endpoint source"}
    run_all(plugin_checks(plugin))


class Found(Address):
    """Where it is stands in a variable."""

    def __init__(self, base):
        super().__init__()
        self._base = base

    def url(self, outgoing):
        return self._base + outgoing.encoded.path


def test_what_a_variable_holds_is_a_secret_unless_the_test_says_otherwise():
    environ = {"THEIR_HOST": "http://127.0.0.1:9", "THEIR_KEY": "sk-canary"}
    plugin = a_plugin(register_providers=hookimpl(lambda settings: [Found(settings.env("THEIR_HOST"))]))
    run_all(conformance.checks(plugin, environ, public={"THEIR_HOST"}))
    with pytest.raises(AssertionError, match="a secret in the URL"):
        run_all(conformance.checks(plugin, environ))


async def an_async_hook():
    return []


@pytest.mark.parametrize(
    "functions",
    [
        {},
        {"register_dialect": hookimpl(lambda: [])},
        {"register_dialects": hookimpl(lambda: [7])},
        {"register_meters": lambda: [], "register_dialects": hookimpl(lambda: [])},
        {"register_meters": hookimpl(an_async_hook)},
    ],
)
def test_a_defect_of_a_plugin_is_found(functions):
    with pytest.raises((AssertionError, TypeError)):
        run_all(plugin_checks(a_plugin(**functions)))

"""Agents that keep no protocol, by raw sockets: each reply is whole or an error, in bounded time and memory."""

import asyncio
import json
import logging
from contextlib import aclosing

import gateway_provider_a2a as plugin
import pytest
import pytest_asyncio
from gateway_provider_a2a import agent as running
from gateway_provider_a2a import cards as keeping
from gateway_provider_a2a import rpc as limits
from raw_agent import RawAgent, artifact, http, result, rpc, status, stream, task

from gateway import (
    Attempt,
    BlockDelta,
    BlockStart,
    Call,
    Egress,
    Exchange,
    Finished,
    Message,
    Principal,
    Reasoning,
    Services,
    Started,
    Text,
    Timeouts,
    Unavailable,
    UpstreamBroken,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from gateway.testing import endpoints, replay
from gateway.testing.conformance.replies import disorder
from gateway.testing.toy import ToyServer
from gateway.upstream import HttpUpstream

ADA = Principal("ada")
SERVER = ToyServer()
DONE = status("TASK_STATE_COMPLETED")
WORKING = status("TASK_STATE_WORKING")


@pytest_asyncio.fixture
async def upstream():
    made = HttpUpstream(Egress(), Timeouts())
    yield made
    await made.close()


@pytest.fixture
def provider(upstream):
    def made(url, **more):
        section = {"gateway": {"provider-a2a": [{"name": "raw", "url": url, **more}]}}
        found = endpoints.settings(plugin, section)
        services = Services(upstream, Egress(), None, lambda: 0.0, logging.getLogger("test.a2a"))
        (one,) = plugin.register_providers(found, services)
        return one

    return made


def run(one, text="Hi", **more):
    exchange = Exchange(replay.inbound(SERVER, b'{"text": "Hi"}'), SERVER, principal=ADA)
    exchange.attempts.append(Attempt("a", one.target("raw")))
    call = Call("raw", [Message("user", [Text(text)])], stream=True, **more)
    return one.run(call, exchange), exchange


async def events(one, **more):
    reply, _ = run(one, **more)
    found = [event async for event in reply]
    assert disorder(found) is None, disorder(found)
    return found


def words(found, kind=Text):
    blocks = {event.index for event in found if isinstance(event, BlockStart) and isinstance(event.block, kind)}
    return "".join(event.text for event in found if isinstance(event, BlockDelta) and event.index in blocks)


async def test_a_stream_that_keeps_the_protocol(provider):
    async with RawAgent() as far:
        frames = [task("TASK_STATE_SUBMITTED"), WORKING, artifact("Hel", False), artifact("lo"), DONE]
        far.answers["SendStreamingMessage"] = [stream(*frames)]
        assert words(await events(provider(far.url))) == "Hello"


GARBAGE = {
    "nothing": b"",
    "no HTTP": b"!SSH-2.0-OpenSSH\r\n",
    "half a head": b"!HTTP/1.1 200",
    "no JSON": http(b"<html>hello</html>"),
    "not UTF-8": http(b"\xff\xfe\x00"),
    "null": http(b"null"),
    "a list": http(b"[]"),
    "a number": http(b"7"),
    "nothing in it": http(b"{}"),
    "a null result": http(rpc(result=None)),
    "a text as result": http(rpc(result="ok")),
    "deep": http(b"[" * 100_000),
    "deep data": http(b'{"result":{"message":{"role":"ROLE_AGENT","parts":[{"data":' + b"[" * 50_000),
    "cut": http(result(**task("TASK_STATE_COMPLETED")), length=5000, connection="close"),
    "redirected": http(b"", "302 Found", location="http://169.254.169.254/"),
    "a server's error": http(b"oops", "500 Internal Server Error", kind="text/plain"),
    "an unreadable stream": stream(b"hello"),
    "a stream of nothing": stream(),
    "a stream that is cut": stream(task("TASK_STATE_SUBMITTED"))[:-20],
    "parts that are none": http(b'{"result":{"message":{"role":"ROLE_AGENT","parts":[7]}}}'),
    "a refusal of nothing": http(rpc(error={})),
    "a refusal as text": http(rpc(error="no")),
    "an unknown method": http(rpc(error={"code": -32601, "message": "Method not found"})),
    "another version": http(rpc(error={"code": -32009, "message": "version"})),
}


@pytest.mark.parametrize("answer", GARBAGE.values(), ids=GARBAGE)
@pytest.mark.parametrize("streaming", [True, False], ids=["streamed", "whole"])
async def test_garbage_is_an_error_of_the_upstream(provider, answer, streaming):
    async with RawAgent(streaming=streaming) as far:
        far.answers["SendStreamingMessage"] = far.answers["SendMessage"] = [answer]
        far.answers["GetTask"] = [http(b"{}")]
        with pytest.raises((UpstreamBroken, UpstreamRefused, UpstreamUnreachable)) as raised:
            await events(provider(far.url))
        assert raised.value.public


@pytest.mark.parametrize(
    ("code", "status_"), [(-32602, 400), (-32001, 404), (-32005, 415), (-32603, 502), (None, 502), ("x", 502)]
)
async def test_refusals_have_a_status(provider, code, status_):
    async with RawAgent() as far:
        far.answers["SendStreamingMessage"] = [http(rpc(error={"code": code, "message": "No."}))]
        with pytest.raises((UpstreamBroken, UpstreamRefused), match=r"No\.") as raised:
            await events(provider(far.url))
        assert raised.value.status == status_


async def test_a_limit_of_the_agents_keeps_its_status(provider):
    async with RawAgent() as far:
        far.answers["SendStreamingMessage"] = [http(b'{"error":"slow"}', "429 Too Many Requests", retry_after="7")]
        with pytest.raises(UpstreamRefused, match="slow") as raised:
            await events(provider(far.url))
        assert (raised.value.status, raised.value.retry_after) == (429, 7)


async def test_what_has_no_end_is_ended(provider, monkeypatch):
    monkeypatch.setattr(limits, "LARGEST", 300_000)
    monkeypatch.setattr(limits, "EVENT", 100_000)
    begun = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\nconnection: close\r\n\r\n"
    endless = {
        "an answer": (begun % b"application/json" + b'{"result":"', b"x" * 10_000),
        "an event": (begun % b"text/event-stream" + b"data: ", b"x" * 10_000),
        "a stream": (begun % b"text/event-stream", b"data: " + result(**artifact("x" * 1000)) + b"\n\n"),
        "comments": (begun % b"text/event-stream", b": ping\n\n" * 100),
    }
    for name, answer in endless.items():
        async with RawAgent() as far:
            far.answers["SendStreamingMessage"] = [answer]
            with pytest.raises(UpstreamBroken, match="too large"):
                await events(provider(far.url))
            assert await asyncio.wait_for(far.gone.wait(), 30), name


async def test_a_flood_of_artifacts_is_ended(provider):
    async with RawAgent() as far:
        far.answers["SendStreamingMessage"] = [stream(*(artifact("x", name=f"a{n}") for n in range(1002)))]
        with pytest.raises(UpstreamBroken, match="more artifacts"):
            await events(provider(far.url))


async def test_silence_is_a_timeout(provider, monkeypatch):
    monkeypatch.setattr(keeping, "TIMES", Timeouts(5.0, 2.0, 2.0))  # one connection has one timer
    async with RawAgent() as far:
        far.answers["SendStreamingMessage"] = [None]
        with pytest.raises(UpstreamTimeout):
            await events(provider(far.url, timeout=0.2))


async def test_a_stream_that_ends_early_is_asked_about(provider, monkeypatch):
    monkeypatch.setattr(running, "PAUSES", (0.0,))
    async with RawAgent() as far:
        frames = [task("TASK_STATE_SUBMITTED"), WORKING, artifact("Hel", False)]
        whole = {"artifactId": "a1", "parts": [{"text": "Hel"}, {"text": "lo"}]}
        far.answers["SendStreamingMessage"] = [stream(*frames)]
        working = {"id": "t1", "contextId": "c1", "status": {"state": "TASK_STATE_WORKING"}}
        done = {**working, "status": {"state": "TASK_STATE_COMPLETED"}, "artifacts": [whole]}
        far.answers["GetTask"] = [http(result(**working)), http(result(**working)), http(result(**done))]
        assert words(await events(provider(far.url))) == "Hello"
        assert far.methods() == ["SendStreamingMessage", "GetTask", "GetTask", "GetTask"]


async def test_a_task_that_still_runs_when_it_is_answered_is_asked_about(provider, monkeypatch):
    monkeypatch.setattr(running, "PAUSES", (0.0,))
    async with RawAgent(streaming=False) as far:
        far.answers["SendMessage"] = [http(result(**task("TASK_STATE_WORKING")))]
        failed = {"id": "t1", "status": {"state": "TASK_STATE_FAILED", "message": {"parts": [{"text": "Broke"}]}}}
        far.answers["GetTask"] = [http(result(**failed))]
        with pytest.raises(UpstreamBroken, match="Broke"):
            await events(provider(far.url))


@pytest.mark.parametrize(
    ("frames", "text"),
    [
        ([artifact("One", False), artifact("One, two", False)], "One, two"),
        ([artifact("One", False), artifact("One", False)], "One"),
        ([artifact("One", False), artifact("Other", False)], "OneOther"),
        ([artifact("One", False), artifact("Two", False, "a2"), artifact("!", True, "a1")], "OneTwo!"),
    ],
    ids=["longer", "the same", "another", "two"],
)
async def test_an_artifact_that_is_told_again(provider, frames, text):
    async with RawAgent() as far:
        far.answers["SendStreamingMessage"] = [stream(WORKING, *frames, DONE)]
        assert words(await events(provider(far.url))) == text


async def test_long_replies_of_small_pieces_take_no_longer_than_they_are(provider):
    async with RawAgent() as far:
        frames = [artifact("0123456789")] * 40_000
        far.answers["SendStreamingMessage"] = [stream(WORKING, *frames, DONE)]
        assert len(words(await events(provider(far.url)))) == 400_000


async def test_states_and_events_that_nobody_knows_are_passed_over(provider):
    async with RawAgent() as far:
        frames = [{"newsUpdate": {}}, status("TASK_STATE_UNSPECIFIED"), status("DREAMING"), artifact("Hi"), DONE]
        far.answers["SendStreamingMessage"] = [stream(*frames)]
        assert words(await events(provider(far.url))) == "Hi"


async def test_nothing_is_told_of_a_task_that_fails_before_it_works(provider):
    async with RawAgent() as far:
        frames = [task("TASK_STATE_SUBMITTED"), status("TASK_STATE_REJECTED", "No.")]
        far.answers["SendStreamingMessage"] = [stream(*frames)]
        reply, _ = run(provider(far.url))
        with pytest.raises(UpstreamRefused, match=r"No\."):
            await anext(reply)


async def test_a_reply_begins_once_the_agent_works(provider):
    async with RawAgent() as far:
        frames = [WORKING, status("TASK_STATE_WORKING", "Hm."), status("TASK_STATE_COMPLETED", "Done.")]
        far.answers["SendStreamingMessage"] = [stream(*frames)]
        found = await events(provider(far.url))
        assert isinstance(found[0], Started)
        assert (words(found, Reasoning), words(found)) == ("Hm.", "Done.")
        assert found[-1] == Finished(0, "stop")


async def test_who_leaves_cancels_the_task_and_the_connection(provider):
    async with RawAgent() as far:
        far.answers["SendStreamingMessage"] = [(stream(WORKING, artifact("Hi")), b": ping\n\n")]
        far.answers["CancelTask"] = [http(result(**task("TASK_STATE_CANCELED")))]
        one = provider(far.url)
        reply, _ = run(one)
        async with aclosing(reply):
            await anext(reply)
        await asyncio.gather(*one._canceling)
        assert far.methods()[-1] == "CancelTask"
        assert json.loads(far.asked[-1][1])["params"] == {"id": "t1"}
        await asyncio.wait_for(far.gone.wait(), 30)


async def test_who_leaves_while_nothing_has_come_leaves_no_task_behind_that_is_known(provider, monkeypatch):
    known, note = asyncio.Event(), running.Answer.note

    def noted(self, told):
        note(self, told)
        known.set()

    monkeypatch.setattr(running.Answer, "note", noted)
    async with RawAgent() as far:
        far.answers["SendStreamingMessage"] = [(stream(task("TASK_STATE_SUBMITTED")), b": ping\n\n")]
        far.answers["CancelTask"] = [http(rpc(error={"code": -32002, "message": "no"}))]
        one = provider(far.url)
        first = asyncio.create_task(anext(run(one)[0]))
        await asyncio.wait_for(known.wait(), 30)
        first.cancel()
        await asyncio.wait([first])
        await asyncio.gather(*one._canceling)
        assert far.methods()[-1] == "CancelTask"


def card_for(**members):
    return {"supportedInterfaces": [{"protocolBinding": "JSONRPC", "protocolVersion": "1.0", **members}]}


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/",
        "http://127.0.0.1:1/",
        "http://localhost:PORT/",
        "https://127.0.0.1:PORT/",
        "file:///etc/passwd",
        "http://[",
        "",
    ],
)
async def test_a_card_cannot_send_the_gateway_elsewhere(provider, url):
    async with RawAgent(card_for(url=url)) as far:
        with pytest.raises(Unavailable):
            await events(provider(far.url, key="the-secret-key"))
        assert far.methods() == []


async def test_the_operator_can_say_where_the_agent_is(provider):
    async with RawAgent(card_for(url="http://internal.example:9999/")) as far:
        far.answers["SendStreamingMessage"] = [stream({"message": {"role": "ROLE_AGENT", "parts": [{"text": "Hi"}]}})]
        assert words(await events(provider(far.url, rpc=far.url + "/rpc?x=1"))) == "Hi"
        assert far.asked[-1][0].startswith("POST /rpc?x=1 ")


@pytest.mark.parametrize("name", ["Host", "Content-Length", "X\r\nEvil: 1", "Transfer-Encoding", "", "X Y"])
async def test_a_card_cannot_bend_the_request_by_a_headers_name(provider, name):
    schemes = {"k": {"apiKeySecurityScheme": {"location": "header", "name": name}}}
    async with RawAgent({"securitySchemes": schemes}) as far:
        far.answers["SendStreamingMessage"] = [stream(DONE)]
        await events(provider(far.url, key="the-secret-key"))
        head = far.asked[-1][0].lower()
        assert "authorization: bearer the-secret-key" in head
        assert "evil" not in head


@pytest.mark.parametrize(
    "card",
    [http(b"{"), http(b"[]"), http(b'{"supportedInterfaces": 7}'), http(b"x" * (2**20 + 1)), http(b"", "500 No")],
    ids=["cut", "a list", "a number", "too large", "an error"],
)
async def test_a_card_that_is_none(provider, card):
    async with RawAgent(card) as far:
        with pytest.raises((UpstreamBroken, UpstreamRefused)):
            await events(provider(far.url))


async def test_an_agent_without_a_card_says_so(provider):
    async with RawAgent(http(b"", "404 Not Found")) as far:
        with pytest.raises(Unavailable, match="no agent card"):
            await events(provider(far.url))
        assert [head.split()[1] for head, _ in far.asked] == ["/.well-known/agent-card.json", "/.well-known/agent.json"]


async def test_an_agent_of_other_bindings_says_which(provider):
    card = {"supportedInterfaces": [{"url": "http://x", "protocolBinding": "GRPC", "protocolVersion": "1.0"}]}
    async with RawAgent(card) as far:
        with pytest.raises(Unavailable, match="GRPC"):
            await events(provider(far.url))


async def test_files_that_have_no_place_are_named(provider):
    parts = [{"raw": "emlw", "mediaType": "application/zip"}, {"url": "javascript:alert(1)"}, {"text": "Hi"}]
    async with RawAgent() as far:
        far.answers["SendStreamingMessage"] = [stream({"message": {"role": "ROLE_AGENT", "parts": parts}})]
        reply, exchange = run(provider(far.url))
        found = [event async for event in reply]
        assert words(found) == "Hi"
        assert exchange.loss == ["artifacts.parts.file"]

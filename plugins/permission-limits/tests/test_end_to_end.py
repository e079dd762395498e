"""A running gateway under its limits: many clients at a time, killed workers, official SDKs."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
from google import genai

from gateway.testing.beside import Beside
from gateway.testing.fake_upstream import HANG, stream
from gateway.testing.fake_upstream import json as whole
from gateway.testing.running import RunningGateway

MONTH = 30 * 86400
HI = [{"role": "user", "content": "Hi"}]
ECHO = {"model": "echo/echo", "messages": HI, "max_tokens": 10}
HELD = {"model": "far/m", "messages": HI, "stream": True}
BEGIN = (
    b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{}}]}\n\n'
)
END = (
    b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m",'
    b'"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
)
CHAT = {
    "id": "c1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 30, "completion_tokens": 12, "total_tokens": 42},
}
PATH = "/v1/chat/completions"


@pytest.fixture
def beside() -> Iterator[Beside]:
    with Beside() as running:
        yield running


def config(limits: list[dict[str, Any]], upstream: str = "http://127.0.0.1:9", **settings: Any) -> str:
    own = {"permission-limits": {"limits": limits, **settings}}
    far = {"name": "far", "apiKey": "k", "baseURL": upstream + "/v1", "models": {"default": ["m"]}}
    return json.dumps({"version": "1.3.17", "endpoints": {"custom": [far]}, "gateway": own})


def eventually(check: Callable[[], bool], tries: int = 600) -> bool:
    for _ in range(tries):
        if check():
            return True
        time.sleep(0.05)
    return False


def workers(gateway: RunningGateway) -> set[int]:
    """Whoever of them answers; another connection may meet another one."""
    with closing(http.client.HTTPConnection(gateway.url.removeprefix("http://"), timeout=30)) as connection:
        connection.request("GET", "/status")
        return {json.loads(connection.getresponse().read())["pid"]}


def all_workers(gateway: RunningGateway, count: int) -> set[int]:
    found: set[int] = set()
    assert eventually(lambda: len(found.update(workers(gateway)) or found) == count)  # type: ignore[func-returns-value]
    return found


class Holding:
    """A call whose reply has begun, if it was let through."""

    def __init__(self, gateway: RunningGateway) -> None:
        self.connection = http.client.HTTPConnection(gateway.url.removeprefix("http://"), timeout=60)
        headers = {"Authorization": f"Bearer {gateway.key}", "Content-Type": "application/json"}
        self.connection.request("POST", PATH, json.dumps(HELD), headers)
        self.reply = self.connection.getresponse()
        self.status = self.reply.status

    def leave(self) -> None:
        self.reply.close()
        self.connection.close()


@pytest.mark.timeout(180)
def test_64_clients_of_4_workers_are_never_given_one_too_many(tmp_path: Path) -> None:
    limits = [{"per": "key", "requests": 300, "window": MONTH}]
    with RunningGateway(tmp_path, config(limits), "--workers", "4") as gateway:
        all_workers(gateway, 4)

        def client(number: int) -> list[int]:
            return [gateway.post(PATH, ECHO)[0] for _ in range(10)]

        with ThreadPoolExecutor(64) as clients:
            statuses = [status for each in clients.map(client, range(64)) for status in each]
    assert sorted(statuses) == [200] * 300 + [429] * 340


@pytest.mark.timeout(180)
def test_64_clients_of_4_workers_run_no_more_at_a_time_than_may(tmp_path: Path, beside: Beside) -> None:
    go_on = asyncio.Event()
    beside.upstream.answer(PATH, stream(BEGIN, go_on, END))
    limits = [{"per": "user", "concurrency": 5}]
    with RunningGateway(tmp_path, config(limits, beside.upstream.url), "--workers", "4") as gateway:
        all_workers(gateway, 4)
        with ThreadPoolExecutor(64) as clients:
            calls = list(clients.map(lambda _: Holding(gateway), range(64)))
        assert sorted(call.status for call in calls) == [200] * 5 + [429] * 59
        assert len(beside.upstream.arrived) == 5
        beside.soon(go_on.set)
        for call in calls:
            call.reply.read()
            call.leave()
        assert [gateway.post(PATH, HELD)[0] for _ in range(6)] == [200] * 6


@pytest.mark.timeout(180)
def test_what_killed_workers_held_comes_back_by_itself(tmp_path: Path, beside: Beside) -> None:
    beside.upstream.answer(PATH, stream(BEGIN, HANG))
    limits = [{"per": "key", "concurrency": 2}]
    with RunningGateway(tmp_path, config(limits, beside.upstream.url, lease=3.0), "--workers", "2") as gateway:
        killed = all_workers(gateway, 2)
        held = [Holding(gateway) for _ in range(3)]
        assert [call.status for call in held] == [200, 200, 429]
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        assert not killed & all_workers(gateway, 2)
        again: list[Holding] = []

        def has_two() -> bool:
            again.append(Holding(gateway))
            return [call.status for call in again].count(200) == 2

        assert eventually(has_two)
        third = Holding(gateway)
        assert third.status == 429
        for call in (*held, *again, third):
            call.leave()


def test_a_client_that_leaves_gives_back_what_it_held(tmp_path: Path, beside: Beside) -> None:
    beside.upstream.answer(PATH, stream(BEGIN, HANG))
    limits = [{"per": "key", "concurrency": 1, "tokens": 10_000, "window": MONTH}]
    with RunningGateway(tmp_path, config(limits, beside.upstream.url)) as gateway:
        first, second = Holding(gateway), Holding(gateway)
        assert (first.status, second.status) == (200, 429)
        second.leave()
        assert int(first.reply.headers["x-ratelimit-remaining-tokens"]) < 9000
        first.leave()
        calls: list[Holding] = []

        def is_let_through() -> bool:
            calls.append(Holding(gateway))
            return calls[-1].status == 200

        assert eventually(is_let_through)
        assert int(calls[-1].reply.headers["x-ratelimit-remaining-tokens"]) > 8900, "it used nearly nothing"
        for call in calls:
            call.leave()


def test_tokens_come_to_what_the_upstream_reports_whole_or_streamed(tmp_path: Path, beside: Beside) -> None:
    usage = b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":%s}\n\n'
    told = usage % json.dumps(CHAT["usage"]).encode()
    beside.upstream.answer(PATH, whole(CHAT), stream(BEGIN, END.replace(b"data: [DONE]", told + b"data: [DONE]")))
    limits = [{"per": "key", "tokens": 100_000, "window": MONTH}]
    with RunningGateway(tmp_path, config(limits, beside.upstream.url)) as gateway:
        client = openai.OpenAI(base_url=gateway.url + "/v1", api_key=gateway.key, max_retries=0)
        left = []
        for streams in (False, True, False):
            reply: Any = client.chat.completions.with_raw_response.create(
                model="far/m",
                messages=[{"role": "user", "content": "Hi"}],
                max_tokens=500,
                stream=streams,  # type: ignore[call-overload]
            )
            left.append(int(reply.headers["x-ratelimit-remaining-tokens"]))
            list(reply.parse())
    assert left[0] < 99_500, "500 and more are set aside while it runs"
    assert [abs(left[0] - left[1] - 42) <= 2, abs(left[1] - left[2] - 42) <= 2] == [True, True], left


def limited(call: Callable[[], Any]) -> Any:
    with pytest.raises((openai.RateLimitError, anthropic.RateLimitError)) as caught:
        call()
    return caught.value


def test_openais_sdk_reads_what_is_left_and_the_refusal(tmp_path: Path) -> None:
    limits = [{"per": "key", "requests": 2, "tokens": 100_000, "window": MONTH}]
    with RunningGateway(tmp_path, config(limits)) as gateway:
        client = openai.OpenAI(base_url=gateway.url + "/v1", api_key=gateway.key, max_retries=0)

        def chat() -> Any:
            return client.chat.completions.with_raw_response.create(**ECHO)  # type: ignore[call-overload]

        first = chat()
        assert first.headers["x-ratelimit-limit-requests"] == "2"
        assert first.headers["x-ratelimit-remaining-requests"] == "1"
        assert first.headers["x-ratelimit-reset-requests"] == "360h0m0s"
        assert first.headers["x-ratelimit-limit-tokens"] == "100000"
        responses = client.responses.with_raw_response.create(model="echo/echo", input="Hi")
        assert responses.headers["x-ratelimit-remaining-requests"] == "0"
        refused = limited(chat)
        assert refused.status_code == 429
        assert refused.code == "rate_limit_exceeded"
        assert "The limit of 2 requests in 30 d for this key is reached." in refused.message
        assert 0 < int(refused.response.headers["retry-after"]) <= MONTH // 2
        assert refused.response.headers["x-ratelimit-remaining-requests"] == "0"


def test_anthropics_sdk_reads_what_is_left_and_the_refusal(tmp_path: Path) -> None:
    limits = [{"per": "key", "requests": 1, "tokens": 100_000, "window": MONTH}]
    with RunningGateway(tmp_path, config(limits)) as gateway:
        client = anthropic.Anthropic(base_url=gateway.url, api_key=gateway.key, max_retries=0)

        def say() -> Any:
            return client.messages.with_raw_response.create(model="echo/echo", max_tokens=10, messages=HI)  # type: ignore[arg-type]

        first = say()
        assert first.headers["anthropic-ratelimit-requests-limit"] == "1"
        assert first.headers["anthropic-ratelimit-requests-remaining"] == "0"
        assert first.headers["anthropic-ratelimit-requests-reset"].endswith("Z")
        assert first.headers["anthropic-ratelimit-tokens-limit"] == "100000"
        assert not [name for name in first.headers if name.startswith("x-ratelimit")]
        refused = limited(say)
        assert refused.body["error"]["type"] == "rate_limit_error"
        assert refused.response.headers["anthropic-ratelimit-requests-remaining"] == "0"
        assert 0 < int(refused.response.headers["retry-after"]) <= MONTH


def test_googles_sdk_reads_the_refusal_and_when_to_come_again(tmp_path: Path) -> None:
    limits = [{"per": "key", "requests": 1, "window": MONTH}]
    with RunningGateway(tmp_path, config(limits)) as gateway:
        with genai.Client(api_key=gateway.key, http_options={"base_url": gateway.url}) as client:  # type: ignore[arg-type]
            assert client.models.generate_content(model="echo/echo", contents="Hi").text == "Hi"
            with pytest.raises(genai.errors.ClientError) as caught:
                client.models.generate_content(model="echo/echo", contents="Hi")
        assert (caught.value.code, caught.value.status) == (429, "RESOURCE_EXHAUSTED")
        assert "retryDelay" in json.dumps(caught.value.details)


def test_librechats_limit_of_speech_is_one_of_speech(tmp_path: Path, beside: Beside) -> None:
    beside.upstream.answer("/v1/audio/speech", whole(b"sound", headers={"content-type": "audio/mpeg"}))
    given = json.loads(config([], beside.upstream.url))
    given["rateLimits"] = {"tts": {"userMax": 2, "userWindowInMinutes": MONTH / 60}}
    with RunningGateway(tmp_path, json.dumps(given)) as gateway:
        said = {"model": "far/m", "input": "Hi", "voice": "alloy"}
        assert [gateway.post("/v1/audio/speech", said)[0] for _ in range(3)] == [200, 200, 429]
        assert gateway.post(PATH, ECHO)[0] == 200

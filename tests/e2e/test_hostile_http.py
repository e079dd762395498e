"""Odd HTTP, and bodies that are too large or too slow: a clear answer, soon, and the next client is served."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.testing.running import RunningGateway

CHAT, RESPONSES = "/v1/chat/completions", "/v1/responses"
MESSAGES, GEMINI = "/v1/messages", "/v1beta/models/agent_echo:generateContent"
PATHS = (CHAT, RESPONSES, MESSAGES, GEMINI)
BODY_LIMIT = 2**20
CONFIG = {
    "version": "1.3.17",
    "gateway": {
        "limits": {"body": BODY_LIMIT},
        "timeouts": {"body": 0.5},
        "agents": [{"id": "agent_echo", "endpoint": "echo", "model": "echo"}],
    },
}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with RunningGateway(tmp_path_factory.mktemp("hostile"), json.dumps(CONFIG)) as running:
        yield running


def valid(path: str) -> dict[str, Any]:
    if path == GEMINI:
        return {"contents": [{"parts": [{"text": "Hi"}]}]}
    said: dict[str, Any] = {"input": "Hi"} if path == RESPONSES else {"messages": [{"role": "user", "content": "Hi"}]}
    return {"model": "agent_echo", "max_tokens": 99, **said}


@pytest.mark.parametrize("path", PATHS)
def test_a_body_of_50_mb_is_refused_before_it_is_read(gateway: RunningGateway, caller: Any, path: str) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {gateway.key}\r\nContent-Length: 52428800\r\n\r\n"
    [(status, _, body)] = raw_exchange(gateway, head.encode() + b'{"a": "')
    assert status == 413
    assert "larger than" in json.loads(body)["error"]["message"]


@pytest.mark.parametrize("path", PATHS)
def test_a_chunked_body_without_an_end_is_refused_at_the_limit(gateway: RunningGateway, caller: Any, path: str) -> None:
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    head = (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {gateway.key}\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    [(status, _, body)] = raw_exchange(gateway, head.encode() + chunk * (BODY_LIMIT // 65536 + 2))
    assert status == 413
    assert "larger than" in json.loads(body)["error"]["message"]


def test_nothing_large_is_read_from_strangers(gateway: RunningGateway, caller: Any) -> None:
    head = "POST /v1/responses HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sk-x\r\nContent-Length: 52428800\r\n\r\n"
    [(status, _, _)] = raw_exchange(gateway, head.encode())
    assert status == 401


@pytest.mark.parametrize("path", PATHS)
def test_a_slow_body_ends_with_408(gateway: RunningGateway, caller: Any, path: str) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {gateway.key}\r\nContent-Length: 500\r\n\r\n"
    [(status, _, body)] = raw_exchange(gateway, head.encode() + b'{"model"')
    assert status == 408
    assert "did not arrive" in json.loads(body)["error"]["message"]


@pytest.mark.parametrize("path", PATHS)
def test_a_compressed_body_is_read_or_refused_and_a_bomb_is_too_large(caller: Any, path: str) -> None:
    came = caller.post(path, gzip.compress(json.dumps(valid(path)).encode()), content_encoding="gzip")
    came.accepted_or_refused()
    bomb = gzip.compress(json.dumps(valid(path)).encode() + b" " * (64 * 2**20))
    assert len(bomb) < BODY_LIMIT
    caller.post(path, bomb, content_encoding="gzip").refused(413, 400)
    caller.post(path, b"not compressed", content_encoding="gzip").refused(400)


# HTTP itself


def connected(gateway: RunningGateway) -> socket.socket:
    host, _, port = gateway.url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=15)


def raw_exchange(gateway: RunningGateway, data: bytes, count: int = 1) -> list[tuple[int, dict[str, str], bytes]]:
    """Sends bytes as they are and reads so many replies; a reply must come within 15 s."""
    with connected(gateway) as sock:
        with contextlib.suppress(OSError):  # it may be refused before all of it was sent
            sock.sendall(data)
        with sock.makefile("rb") as stream:
            return [read_reply(stream) for _ in range(count)]


def read_reply(stream: Any) -> tuple[int, dict[str, str], bytes]:
    status = int(stream.readline().split()[1])
    headers: dict[str, str] = {}
    while (line := stream.readline().strip()) != b"":
        name, _, value = line.partition(b":")
        headers[name.decode().lower()] = value.strip().decode()
    if headers.get("transfer-encoding") == "chunked":
        body = b""
        while size := int(stream.readline(), 16):
            body += stream.read(size)
            stream.readline()
        stream.readline()
        return status, headers, body
    return (
        status,
        headers,
        stream.read(int(headers["content-length"])) if "content-length" in headers else stream.read(),
    )


def request(
    gateway: RunningGateway, target: str = CHAT, version: str = "1.1", more: str = "", body: Any = None
) -> bytes:
    raw = body if isinstance(body, bytes) else json.dumps(body or valid(CHAT)).encode()
    length = "" if "transfer-encoding" in more.lower() else f"Content-Length: {len(raw)}\r\n"
    head = f"POST {target} HTTP/{version}\r\nHost: x\r\nAuthorization: Bearer {gateway.key}\r\n{length}{more}\r\n"
    return head.encode("latin-1") + raw


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "",
        "application/json; charset=utf-16",
        ";;;",
        "image/png",
    ],
)
@pytest.mark.parametrize("path", PATHS)
def test_the_content_type_does_not_matter(caller: Any, path: str, kind: str) -> None:
    raw = json.dumps(valid(path)).encode()
    assert caller.send("POST", path, raw, **{"content-type": kind}).status == 200
    caller.send("POST", path, b"model=agent_echo&input=Hi", **{"content-type": kind}).refused(400)


def test_http_1_0_is_served_streamed_and_not(gateway: RunningGateway, caller: Any) -> None:
    [(status, headers, body)] = raw_exchange(gateway, request(gateway, version="1.0"))
    assert status == 200
    assert json.loads(body)["choices"][0]["message"]["content"] == "Hi"
    [(status, headers, body)] = raw_exchange(
        gateway, request(gateway, version="1.0", body=valid(CHAT) | {"stream": True})
    )
    assert status == 200
    assert "transfer-encoding" not in headers
    assert body.endswith(b"data: [DONE]\n\n")


def test_pipelined_requests_are_answered_in_order(gateway: RunningGateway, caller: Any) -> None:
    texts = [f"number {n}" for n in range(8)]
    bodies = [valid(CHAT) | {"messages": [{"role": "user", "content": text}]} for text in texts]
    bodies[3]["stream"] = True
    replies = raw_exchange(gateway, b"".join(request(gateway, body=body) for body in bodies), len(bodies))
    assert [status for status, _, _ in replies] == [200] * 8
    said = [json.loads(body)["choices"][0]["message"]["content"] for n, (_, _, body) in enumerate(replies) if n != 3]
    assert said == [text for n, text in enumerate(texts) if n != 3]


def test_a_head_has_no_body_whatever_is_answered(gateway: RunningGateway, caller: Any) -> None:
    """A body behind one would be taken for the next reply."""
    paths = {"/health": 200, "/v1/models": 200, "/v1/models/agent_echo": 200, CHAT: 405, "/nothing": 404}
    for path, status in paths.items():
        head = f"HEAD {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {gateway.key}\r\n\r\n".encode()
        with connected(gateway) as sock, sock.makefile("rb") as stream:
            sock.sendall(head + b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            assert int(stream.readline().split()[1]) == status
            while stream.readline().strip():
                pass
            assert read_reply(stream)[0] == 200


def test_a_refused_body_does_not_become_the_next_request(gateway: RunningGateway, caller: Any) -> None:
    """Whatever stands in a body stays a body, also where it was refused unread."""
    inner = b"GET /v1/models HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + gateway.key.encode() + b"\r\n\r\n"
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sk-no\r\n"
    data = head + b"Content-Length: %d\r\n\r\n" % len(inner) + inner + b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
    replies = raw_exchange(gateway, data, 2)
    assert [status for status, _, _ in replies] == [401, 200]
    assert json.loads(replies[1][2])["status"] == "ok"


ODD_FRAMING = {
    "both lengths": "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    "twice the length": "Transfer-Encoding: identity\r\nContent-Length: 5\r\nContent-Length: 6\r\n",
    "unknown coding": "Transfer-Encoding: snappy\r\n",
    "chunked not last": "Transfer-Encoding: chunked, gzip\r\n",
    "chunked twice": "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    "a tab": "Transfer-Encoding:\tchunked\r\n",
    "in quotes": 'Transfer-Encoding: "chunked"\r\n',
    "with a space": "Transfer-Encoding : chunked\r\n",
    "negative": "X: transfer-encoding\r\nContent-Length: -1\r\n",
    "plus": "X: transfer-encoding\r\nContent-Length: +5\r\n",
    "hex": "X: transfer-encoding\r\nContent-Length: 0x5\r\n",
    "huge": "X: transfer-encoding\r\nContent-Length: 99999999999999999999999\r\n",
    "words": "X: transfer-encoding\r\nContent-Length: five\r\n",
}


@pytest.mark.parametrize("what", ODD_FRAMING)
def test_odd_framing_is_refused_or_understood_one_way(gateway: RunningGateway, caller: Any, what: str) -> None:
    body = b"zz\r\n{}\r\n0\r\n\r\n"
    [(status, _, _)] = raw_exchange(gateway, request(gateway, more=ODD_FRAMING[what], body=body))
    assert 400 <= status < 500


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n\r\n\r\n",
        b"\0\0\0\0\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/1.1\r\nA" + b"a" * 100_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\nHost: x\r\n folded: x\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\nHost: x\r\n: x\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\n" + b"X-A: b\r\n" * 20_000 + b"\r\n",
    ],
    ids=lambda data: repr(data[:24]),
)
def test_bytes_that_are_no_request_get_a_4xx_or_an_end(gateway: RunningGateway, caller: Any, data: bytes) -> None:
    with connected(gateway) as sock:
        try:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            reply = sock.recv(65536)
        except ConnectionError:
            reply = b""
    if reply:
        assert 400 <= int(reply.split()[1]) < 500, reply


def test_an_absolute_target_is_served(gateway: RunningGateway, caller: Any) -> None:
    [(status, _, _)] = raw_exchange(gateway, request(gateway, target="http://elsewhere.example" + CHAT))
    assert status == 200
    [(status, _, body)] = raw_exchange(gateway, request(gateway, target="http://elsewhere.example/nothing"))
    refused_raw(status, body, 404)


def refused_raw(status: int, body: bytes, expected: int) -> None:
    assert status == expected, body
    assert json.loads(body)["error"]["message"]


ODD_TARGETS = (
    "//v1/chat/completions", "/v1//chat/completions", "/v1/./chat/completions", "/v1/../v1/chat/completions",
    "/v1/chat/completions/", "/v1/chat%2Fcompletions", "/%76%31/chat/completions", "/V1/chat/completions",
    "/v1/chat/completions%00", "/v1/chat/completions;a=b", "/v1/chat/completions%0d%0aX-Evil:1", "*", "/", "/v1",
    "/v1/" + "a/" * 2000, "/%ff%fe", "/v1/chat/completions#x", "/\\v1\\chat\\completions", "http://", "http://[::1",
)  # fmt: skip


@pytest.mark.parametrize("target", ODD_TARGETS, ids=lambda target: target[:40])
def test_odd_targets_are_answered_in_the_envelope(gateway: RunningGateway, caller: Any, target: str) -> None:
    [(status, headers, body)] = raw_exchange(gateway, request(gateway, target=target))
    assert status in (200, 400, 404), body
    assert "x-evil" not in headers
    if status != 200 and headers.get("content-type", "").startswith("application/json"):
        assert json.loads(body)["error"]["message"]
    assert status == 400 or headers["content-type"].startswith("application/json"), body


GARBAGE = ("\x7f", "\xff\xfe", "é", "a" * 8000, "Bearer", "Bearer ", "Bearer  x", "Basic eA==", "\t", "sk-", "Bearer é")


@pytest.mark.parametrize("value", GARBAGE, ids=lambda value: ascii(value[:12]))
def test_garbage_in_headers_is_a_401_or_ignored(gateway: RunningGateway, caller: Any, value: str) -> None:
    body = json.dumps(valid(CHAT)).encode()
    for name in ("Authorization", "X-Api-Key"):
        head = f"POST {CHAT} HTTP/1.1\r\nHost: x\r\n{name}: {value}\r\nContent-Length: {len(body)}\r\n\r\n"
        [(status, _, said)] = raw_exchange(gateway, head.encode("latin-1") + body)
        assert status in (400, 401)
        assert value.strip() not in said.decode() or len(value) < 8
    for name in ("X-Request-Id", "Accept", "Accept-Encoding", "Origin", "Cookie", "X-Forwarded-For", "Traceparent"):
        [(status, headers, _)] = raw_exchange(gateway, request(gateway, more=f"{name}: {value}\r\n"))
        assert status in (200, 400)
        if name == "X-Request-Id" and value.strip() not in ("Bearer", "sk-"):
            assert headers.get("x-request-id") != value


@pytest.mark.parametrize("query", ["?", "?a", "?a=%", "?%ff=%00", "?key=", "?model=x&model=y", "?" + "a=b&" * 3000])
@pytest.mark.parametrize("path", PATHS)
def test_odd_queries_are_ignored(caller: Any, path: str, query: str) -> None:
    assert caller.post(path + query, valid(path)).status == 200


@pytest.mark.parametrize(
    "query", ["?alt=", "?alt=sse&alt=json", "?alt=media", "?$alt=json;enum-encoding=int", "?alt=%ff"]
)
def test_odd_forms_of_a_gemini_stream_are_answered(caller: Any, query: str) -> None:
    came = caller.post(GEMINI.replace("generateContent", "streamGenerateContent") + query, valid(GEMINI))
    if came.status == 200:
        assert came.headers["content-type"].startswith(("text/event-stream", "application/json"))
        assert b"STOP" in came.body
    else:
        came.refused(400)

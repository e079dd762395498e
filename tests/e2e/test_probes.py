"""What attackers try: SQL in every text, every spelling of private addresses, another's request id, odd headers."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import quote

import pytest
from books import Books, configured, eventually

from gateway.testing.fake_upstream import FakeUpstream
from gateway.testing.fake_upstream import json as whole
from gateway.testing.running import RunningGateway

CHAT = "/v1/chat/completions"
CHOICE = {"index": 0, "message": {"role": "assistant", "content": "Well."}, "finish_reason": "stop"}
USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
REPLY = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [CHOICE], "usage": USAGE}
SAID = [{"role": "user", "content": "Hi"}]
SQL = (
    "'; DROP TABLE api_keys; --",
    "' OR '1'='1",
    '" OR ""="',
    "x') UNION SELECT digest, 1 FROM api_keys --",
    "%27 OR 1=1--",
    "?1; DELETE FROM users",
    "$1) RETURNING digest --",
    "\\'; SELECT pg_sleep(9); --",
)
SPELLINGS = (
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "0.0.0.0",
    "localhost",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "169.254.169.254",
    "[fd00:ec2::254]",
    "10.0.0.1",
    "user@127.0.0.1",
)


@pytest.fixture(scope="module")
def gateway(upstream: FakeUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    upstream.answer("/chat/chat/completions", whole(REPLY))
    config = configured(upstream.url, 10**6)
    mine = {"name": "Mine", "apiKey": "user_provided", "baseURL": "user_provided", "models": {"default": ["m"]}}
    config["endpoints"]["custom"].append(mine)
    with RunningGateway(tmp_path_factory.mktemp("probes"), json.dumps(config)) as running:
        yield running


@pytest.fixture
def untouched(gateway: RunningGateway) -> Iterator[None]:
    """Users, keys and tables are as before, whatever was tried."""
    books = Books(gateway)
    kept = ("SELECT name FROM sqlite_schema", "SELECT id, name FROM users", "SELECT id, digest, revoked FROM api_keys")
    before = [books.rows(sql) for sql in kept]
    yield
    assert [books.rows(sql) for sql in kept] == before
    assert gateway.post(CHAT, {"model": "chat/priced", "messages": SAID})[0] == 200


def routes(gateway: RunningGateway) -> list[tuple[str, str]]:
    """Methods and paths, as the running gateway tells them."""
    with closing(http.client.HTTPConnection(gateway.url.removeprefix("http://"), timeout=20)) as connection:
        connection.request("GET", "/openapi.json", headers={"authorization": f"Bearer {gateway.key}"})
        told = json.loads(connection.getresponse().read())["paths"]
    return [(method.upper(), path) for path, methods in told.items() for method in methods]


def asked(gateway: RunningGateway, method: str, path: str, body: object, **headers: str) -> tuple[int, bytes]:
    given = {"authorization": f"Bearer {gateway.key}", "content-type": "application/json", **headers}
    with closing(http.client.HTTPConnection(gateway.url.removeprefix("http://"), timeout=20)) as connection:
        connection.request(method, path, json.dumps(body), given)
        reply = connection.getresponse()
        return reply.status, reply.read()


def filled(path: str, text: str) -> str:
    """With it in place of each parameter, and as a query."""
    parts = [quote(text, safe="") if part.startswith("{") else part for part in path.split("/")]
    return "/".join(parts) + f"?user={quote(text)}&since={quote(text)}&limit={quote(text)}&name={quote(text)}"


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("text", SQL)
def test_sql_in_any_text_of_any_route_is_text(gateway: RunningGateway, text: str) -> None:
    """No route fails at it (5xx), and none answers with the digest of a key."""
    body = dict.fromkeys(("model", "input", "name", "label", "user", "key", "path", "email", "id"), text)
    for method, path in routes(gateway):
        status, said = asked(gateway, method, filled(path, text), body)
        assert status < 500 or status in (501, 503), (method, path, status, said)
        assert not any(key["digest"].encode() in said for key in Books(gateway).rows("SELECT digest FROM api_keys"))
    for header in ("authorization", "x-api-key"):
        status, _ = asked(
            gateway, "POST", CHAT, {"model": "chat/priced", "messages": SAID}, **{header: f"Bearer {text}"}
        )
        assert status == (401 if header == "authorization" else 200)


@pytest.mark.parametrize("host", SPELLINGS)
def test_a_base_url_that_a_user_brings_leads_to_no_private_address(
    gateway: RunningGateway, upstream: FakeUpstream, host: str
) -> None:
    before, port = len(upstream.arrived), upstream.url.rpartition(":")[2]
    url = f"http://{host}:{port}/chat"
    headers = {"x-gateway-upstream-key": "k", "x-gateway-upstream-url": url}
    status, said = asked(gateway, "POST", CHAT, {"model": "Mine/m", "messages": SAID}, **headers)
    assert (status >= 400, len(upstream.arrived)) == (True, before), said


def test_an_upstream_that_redirects_is_not_followed(gateway: RunningGateway, upstream: FakeUpstream) -> None:
    before = len(upstream.arrived)
    upstream.answer("/messages/messages", whole({}, 307, {"location": f"{upstream.url}/chat/chat/completions"}))
    asked(gateway, "POST", "/v1/messages", {"model": "messages/priced", "max_tokens": 9, "messages": SAID})
    assert all("chat" not in arrived.path for arrived in upstream.arrived[before:])


def test_a_request_id_that_comes_again_buys_nothing(gateway: RunningGateway) -> None:
    """Each is an exchange of its own, held and charged."""
    sql = "SELECT attempt, taken FROM settlements WHERE endpoint = 'chat'"
    books = Books(gateway)
    before = books.rows(sql)
    call = {"model": "chat/priced", "max_tokens": 9, "messages": SAID}
    for _ in range(3):
        assert asked(gateway, "POST", CHAT, call, **{"x-request-id": "again"})[0] == 200
    eventually(lambda: len(books.rows(sql)) >= len(before) + 3)
    assert [row["taken"] for row in books.rows(sql) if row not in before][-3:] == [20_000] * 3


@pytest.mark.parametrize("text", ["a\r\nset-cookie: x=1", "a\nset-cookie: x=1", "ä\r\n\r\n<html>"])
def test_no_text_of_a_call_becomes_a_header(gateway: RunningGateway, text: str) -> None:
    with closing(http.client.HTTPConnection(gateway.url.removeprefix("http://"), timeout=20)) as connection:
        body = json.dumps({"model": text, "messages": SAID, "metadata": {"x": text}, "user": text})
        given = {"authorization": f"Bearer {gateway.key}", "content-type": "application/json"}
        connection.request("POST", CHAT + "?x=" + quote(text), body, given)
        reply = connection.getresponse()
        assert reply.status == 404
        assert reply.getheader("set-cookie") is None


def test_a_page_of_another_origin_reads_nothing(gateway: RunningGateway) -> None:
    with closing(http.client.HTTPConnection(gateway.url.removeprefix("http://"), timeout=20)) as connection:
        for method in ("OPTIONS", "POST"):
            headers = {"origin": "https://evil.example", "access-control-request-method": "POST"}
            connection.request(method, CHAT, "{}", headers)
            reply = connection.getresponse()
            reply.read()
            assert not [name for name, _ in reply.getheaders() if name.lower().startswith("access-control")]
            assert reply.status >= 400

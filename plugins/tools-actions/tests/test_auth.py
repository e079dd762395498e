"""What an API is proved: keys in each place, tokens by client credentials, and that no model sees either."""

from __future__ import annotations

import asyncio
import base64
from urllib.parse import parse_qs

import pytest
from action_documents import ADA, api, text

from gateway import Asker, Principal
from gateway.testing.fake_upstream import HANG, stream
from gateway.testing.fake_upstream import json as answer

GET = api(("get", "/x", {}))
KEY = {"type": "service_http", "api_key": "${KEY}"}
ENVIRON = {"KEY": "user:k-12345", "CLIENT": "c 1", "SECRET": "s+12345&"}
BASIC = base64.b64encode(b"user:k-12345").decode()


async def test_nothing_is_proved_without_auth(call, server):
    server.answer("/x", answer({}))
    await call(GET, {})
    assert "authorization" not in server.arrived[0].headers
    assert "cookie" not in server.arrived[0].headers


@pytest.mark.parametrize(
    ("auth", "header", "sent"),
    [
        ({}, "authorization", "Bearer user:k-12345"),
        ({"authorization_type": "bearer"}, "authorization", "Bearer user:k-12345"),
        ({"authorization_type": "basic"}, "authorization", f"Basic {BASIC}"),
        ({"authorization_type": "custom", "custom_auth_header": "X-API-Key"}, "x-api-key", "user:k-12345"),
    ],
    ids=["default", "bearer", "basic", "custom"],
)
async def test_a_key_is_sent_in_its_header(call, server, auth, header, sent):
    server.answer("/x", answer({}))
    await call(GET, {}, auth=KEY | auth, environ=ENVIRON)
    assert server.arrived[0].headers[header] == sent
    assert server.arrived[0].target == "/x"


async def test_a_key_is_sent_in_the_query_behind_that_of_the_url(call, server):
    server.answer("/v1/x", answer({}))
    auth = KEY | {"authorization_type": "query", "query_parameter": "api key"}
    await call(GET, {}, auth=auth, environ=ENVIRON, url=f"{server.url}/v1?tenant=t")
    assert server.arrived[0].target == "/v1/x?tenant=t&api%20key=user%3Ak-12345"


@pytest.mark.parametrize("status", [200, 401])
@pytest.mark.parametrize("kind", ["bearer", "basic"])
async def test_a_key_that_the_api_says_again_is_not_shown(call, server, status, kind):
    server.answer("/x", answer({"you sent": ["user:k-12345", BASIC]}, status=status))
    outcome = await call(GET, {}, auth=KEY | {"authorization_type": kind}, environ=ENVIRON)
    assert '{"you sent":["***","***"]}' in text(outcome)
    shown = text(outcome) + str(outcome.structured and bytes(outcome.structured))
    assert "k-12345" not in shown
    assert BASIC not in shown


@pytest.mark.parametrize(
    ("auth", "where"),
    [
        ({"type": "service_http"}, "api_key"),
        ({"type": "service_http", "api_key": "a\r\nb"}, "api_key"),
        (KEY | {"authorization_type": "custom"}, "custom_auth_header"),
        (KEY | {"authorization_type": "custom", "custom_auth_header": "Host"}, "custom_auth_header"),
        (KEY | {"authorization_type": "custom", "custom_auth_header": "a: b"}, "custom_auth_header"),
        (KEY | {"authorization_type": "query"}, "query_parameter"),
        ({"type": "oauth", "client_secret": "s", "token_url": "https://t.example"}, "client_id"),
        ({"type": "oauth", "client_id": "c", "token_url": "https://t.example"}, "client_secret"),
        ({"type": "oauth", "client_id": "c", "client_secret": "s"}, "token_url"),
        ({"type": "oauth", "client_id": "c", "client_secret": "s", "token_url": "file:///x"}, "token_url"),
        ({"type": "oauth", "client_id": "c", "authorization_url": "https://a.example"}, "token_url"),
        ({"type": "oauth", "authorization_url": "javascript:x", "token_url": "https://t.example"}, "authorization_url"),
        ({"type": "oauth", "authorization_url": "https://a.example", "token_url": "https://t.example"}, "client_id"),
    ],
    ids=[
        "none",
        "lines",
        "header",
        "host",
        "odd",
        "query",
        "client",
        "secret",
        "url",
        "file",
        "login-url",
        "login-script",
        "login-client",
    ],
)
def test_what_is_missing_is_an_error_at_its_place(actions, auth, where):
    source = actions({"name": "a", "url": "https://a.example", "document": GET, "auth": auth}, environ=ENVIRON)
    [finding] = source.findings()
    assert (finding.path, finding.level) == (f"gateway.tools-actions[0].auth.{where}", "error")
    assert finding.todo


LOGIN = {"type": "oauth", "client_id": "c", "authorization_url": "https://a.example", "token_url": "https://t.example"}


async def test_without_an_address_for_browsers_nobody_can_log_in_and_everybody_is_told(actions, server):
    source = actions({"name": "a", "url": server.url, "document": GET, "auth": LOGIN})
    [finding] = source.findings()
    assert (finding.path, finding.level) == ("gateway.tools-actions[0].auth.authorization_url", "warning")
    assert finding.todo == "set DOMAIN_SERVER"
    [tool] = await source.listed(ADA)
    assert "has to log in" in text(await source.call(tool, {}, ADA))
    assert "belongs to no user" in text(await source.call(tool, {}, Asker(Principal(user_id=""))))
    assert server.arrived == []


@pytest.fixture
def oauth(actions, server):
    """The tool of an API that wants a token of a server."""

    async def made(**auth):
        entry = {
            "type": "oauth",
            "token_url": f"{server.url}/token",
            "client_id": "${CLIENT}",
            "client_secret": "${SECRET}",
        }
        given = {"name": "a", "url": server.url, "document": GET, "auth": entry | auth}
        source = actions(given, environ=ENVIRON)
        assert not source.findings()
        [tool] = await source.listed(ADA)
        return lambda: source.call(tool, {}, ADA)

    return made


def granted(token, seconds=3600):
    return answer({"access_token": token, "token_type": "Bearer", "expires_in": seconds})


@pytest.mark.parametrize("method", ["default_post", "basic_auth_header"])
async def test_a_token_is_fetched_by_client_credentials(oauth, server, method):
    server.answer("/token", granted("t-12345"))
    server.answer("/x", answer({}))
    outcome = await (await oauth(scope="read write", token_exchange_method=method))()
    assert not outcome.is_error
    asked, called = server.arrived
    assert (asked.method, asked.path) == ("POST", "/token")
    fields = {name: value for name, [value] in parse_qs(asked.body.decode()).items()}
    expected = {"grant_type": "client_credentials", "scope": "read write"}
    if method == "default_post":
        assert "authorization" not in asked.headers
        assert fields == expected | {"client_id": "c 1", "client_secret": "s+12345&"}
    else:
        assert asked.headers["authorization"] == "Basic " + base64.b64encode(b"c+1:s%2B12345%26").decode()
        assert fields == expected
    assert called.headers["authorization"] == "Bearer t-12345"


async def test_a_token_is_kept_and_renewed_before_its_end(oauth, server, clock):
    server.answer("/token", granted("one"), granted("two"))
    server.answer("/x", answer({}))
    call = await oauth()
    await asyncio.gather(*(call() for _ in range(5)))
    clock.now += 3000
    await call()
    clock.now += 590
    await call()
    sent = [arrived.headers["authorization"] for arrived in server.arrived if arrived.path == "/x"]
    assert sent == ["Bearer one"] * 6 + ["Bearer two"]
    assert sum(arrived.path == "/token" for arrived in server.arrived) == 2


@pytest.mark.parametrize(
    "script",
    [answer({"error": "invalid_client"}, status=401), answer(b"no"), answer({"access_token": "a\nb"})],
    ids=["refused", "no json", "odd"],
)
async def test_without_a_token_nothing_is_called(oauth, server, script, caplog):
    server.answer("/token", script)
    outcome = await (await oauth())()
    assert outcome.is_error
    assert text(outcome).startswith("The tool was not called. ")
    assert [arrived.path for arrived in server.arrived] == ["/token"]
    said = text(outcome) + caplog.text
    assert not [secret for secret in ("s+12345&", "s%2B12345%26") if secret in said]


async def test_a_token_that_the_api_says_again_is_not_shown(oauth, server):
    server.answer("/token", granted("t-12345"))
    server.answer("/x", answer({"error": "t-12345 is not valid"}, status=403))
    outcome = await (await oauth())()
    assert text(outcome) == 'The API answered with status 403 (Forbidden): {"error":"*** is not valid"}'


async def test_redirects_of_a_token_server_are_not_followed(oauth, server):
    server.answer("/token", answer({}, status=307, headers={"location": "/elsewhere"}))
    assert (await (await oauth())()).is_error
    assert [arrived.path for arrived in server.arrived] == ["/token"]


async def test_a_token_server_that_does_not_answer_ends_the_call(actions, server):
    server.answer("/token", stream(HANG, silent=True))
    auth = {"type": "oauth", "token_url": f"{server.url}/token", "client_id": "c", "client_secret": "s"}
    source = actions({"name": "a", "url": server.url, "document": GET, "auth": auth, "timeout": 0.05})
    [tool] = await source.listed(ADA)
    assert (await source.call(tool, {}, ADA)).is_error
    assert [arrived.path for arrived in server.arrived] == ["/token"]

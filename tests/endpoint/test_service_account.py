"""Tokens from a fake token server, with a clock that the test turns."""

import asyncio
import base64
import json
import logging
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway import Reply, Secret, ServiceKey, TokenSource, Upstream, UpstreamError, UpstreamUnreachable

LOG = logging.getLogger("test.tokens")
PRIVATE = generate_private_key(public_exponent=65537, key_size=2048)
KEY = ServiceKey(
    "robot@example.com",
    Secret(PRIVATE.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()),
    "https://tokens.example.com/token",
)


class Given(Reply):
    def __init__(self, status, body):
        self.status, self.headers, self._body = status, {}, body

    async def read(self, limit=2**20):
        return self._body

    async def chunk(self):
        return b""

    def close(self):
        pass


class TokenServer(Upstream):
    """Checks each assertion and gives token after token; `then` is answered or raised instead, once each."""

    def __init__(self, *then, life=3600):
        self.then, self.life, self.forms, self.gate = list(then), life, [], None

    async def send(self, method, url, headers, body=b"", *, trust="operator", timeouts=None):
        assert (method, url, trust) == ("POST", KEY.token_uri, "operator")
        assert headers["Content-Type"] == "application/x-www-form-urlencoded"
        self.forms.append({name: values[0] for name, values in parse_qs(body.decode()).items()})
        if self.gate is not None:
            await self.gate.wait()
        if self.then:
            answer = self.then.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        verified(self.forms[-1]["assertion"])
        token = f"t{len(self.forms)}"
        return Given(200, json.dumps({"access_token": token, "expires_in": self.life, "token_type": "Bearer"}).encode())


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


def verified(assertion):
    signed, _, signature = assertion.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    PRIVATE.public_key().verify(raw, signed.encode(), PKCS1v15(), SHA256())


def source(server, clock=None):
    return TokenSource(server, clock or Clock(), LOG, "endpoint x", KEY, "scope-1")


async def settled():
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_token_is_asked_for_with_a_signed_assertion_and_kept():
    server = TokenServer()
    tokens = source(server)
    assert [await tokens.token(), await tokens.token()] == ["t1", "t1"]
    [form] = server.forms
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"


async def test_it_is_renewed_behind_in_its_last_five_minutes():
    server, clock = TokenServer(), Clock()
    tokens = source(server, clock)
    await tokens.token()
    clock.now += 3299
    assert await tokens.token() == "t1"
    assert len(server.forms) == 1
    clock.now += 2
    assert await tokens.token() == "t1"
    await settled()
    assert await tokens.token() == "t2"


@pytest.mark.parametrize("later", [3541, 9999])
async def test_one_that_is_about_to_end_or_has_ended_is_not_given_out(later):
    server, clock = TokenServer(), Clock()
    tokens = source(server, clock)
    await tokens.token()
    clock.now += later
    assert await tokens.token() == "t2"


async def test_a_short_lived_one_serves_for_half_its_life():
    server, clock = TokenServer(life=100), Clock()
    tokens = source(server, clock)
    await tokens.token()
    clock.now += 49
    assert await tokens.token() == "t1"
    clock.now += 2
    assert await tokens.token() == "t2"


async def test_many_callers_cause_one_request_and_one_that_leaves_does_not_end_it():
    server = TokenServer()
    server.gate = asyncio.Event()
    tokens = source(server)
    callers = [asyncio.create_task(tokens.token()) for _ in range(10)]
    await settled()
    callers[0].cancel()
    await settled()
    server.gate.set()
    assert await asyncio.gather(*callers[1:]) == ["t1"] * 9
    assert len(server.forms) == 1


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (
            Given(400, b'{"error": "invalid_grant", "error_description": "hush"}'),
            r"refused .*\(invalid_grant\).*new key",
        ),
        (Given(401, b"hush"), r"refused .*\(status 401\).*new key"),
        (Given(400, b'{"error": "Hush hush!"}'), r"\(status 400\)"),
        (Given(503, b"hush"), "status 503"),
        (Given(200, b"<html>hush"), "without a token"),
        (Given(200, b'{"access_token": ""}'), "without a token"),
        (Given(200, b'{"access_token": "a\\nb"}'), "without a token that can be sent"),
        (Given(200, b'{"access_token": "t", "expires_in": 0}'), "without a token"),
        (UpstreamUnreachable("The upstream cannot be reached."), "cannot be reached.*token_uri"),
    ],
)
async def test_a_failure_says_what_to_do_and_the_next_call_tries_again(answer, what, caplog):
    tokens = source(TokenServer(answer))
    with pytest.raises(UpstreamError, match=what) as raised:
        await tokens.token()
    assert (raised.value.status, raised.value.code) == (502, "no_access_token")
    said = raised.value.public + caplog.text
    assert "endpoint x" in caplog.text
    assert "hush" not in said.lower()
    assert "eyJ" not in said, "an assertion is a credential"
    assert await tokens.token() == "t2"


async def test_a_renewal_that_fails_leaves_the_token_in_use_and_waits_half_a_minute():
    server, clock = TokenServer(), Clock()
    tokens = source(server, clock)
    await tokens.token()
    server.then = [Given(503, b"")]
    clock.now += 3310
    assert await tokens.token() == "t1"
    await settled()
    clock.now += 29
    assert await tokens.token() == "t1"
    assert len(server.forms) == 2
    clock.now += 2
    await tokens.token()
    await settled()
    assert await tokens.token() == "t3"


async def test_a_token_server_that_hangs_is_given_up(monkeypatch):
    monkeypatch.setattr("gateway.endpoint.access_tokens.TIMEOUT", 0.01)
    server = TokenServer()
    server.gate = asyncio.Event()
    with pytest.raises(UpstreamError, match="did not answer"):
        await source(server).token()

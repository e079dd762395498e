"""Users keep keys for endpoints, and nobody reads them back."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from gateway import Answer, Forbidden, Principal, Services, Unavailable

Call = Callable[..., Awaitable[Answer]]
BOB = Principal(user_id="usr_bob", name="Bob")
CANARY = "sk-canary-0123456789"


def put(name: str = "OpenRouter", value: str = CANARY, **more: object) -> dict[str, object]:
    return {"name": name, "value": value, **more}


async def opened(services: Services, user: str = "usr_ada", endpoint: str = "OpenRouter") -> Any:
    assert services.store is not None
    assert services.store.user_keys is not None
    assert services.vault is not None
    kept = await services.store.user_keys.get(user, endpoint)
    assert kept is not None
    assert CANARY.encode() not in kept.sealed
    return services.vault.open(kept.sealed, f"{user}/{endpoint}").reveal()


async def test_a_key_is_kept_sealed_and_only_its_end_is_told(call: Call, services: Services) -> None:
    answer = await call("PUT", "/api/keys", put())
    assert (answer.status, answer.body) == (201, b"")
    assert await opened(services) == CANARY
    told = await call("GET", "/api/keys", name="OpenRouter")
    assert (told.status, told.body) == (200, b'{"expiresAt":"never"}')
    nobodys = await call("GET", "/api/keys", name="OpenRouter", principal=BOB)
    assert nobodys.body == b'{"expiresAt":null}'
    assert (await call("GET", "/api/keys")).body == b'{"expiresAt":null}'


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("2030-01-02T03:04:05.678Z", b'{"expiresAt":"2030-01-02T03:04:05.678Z"}'),
        ("2030-01-02T03:04:05+01:00", b'{"expiresAt":"2030-01-02T02:04:05.000Z"}'),
        ("2030-01-02", b'{"expiresAt":"2030-01-02T00:00:00.000Z"}'),
        (1893553445678, b'{"expiresAt":"2030-01-02T03:04:05.678Z"}'),
        (None, b'{"expiresAt":"never"}'),
        ("", b'{"expiresAt":"never"}'),
    ],
)
async def test_the_end_is_told_as_javascript_writes_it(call: Call, given: object, told: bytes) -> None:
    assert (await call("PUT", "/api/keys", put(expiresAt=given))).status == 201
    assert (await call("GET", "/api/keys", name="OpenRouter")).body == told


async def test_the_endpoints_name_counts_whatever_its_case(call: Call, services: Services) -> None:
    await call("PUT", "/api/keys", put("openrouter"))
    assert await opened(services) == CANARY
    assert (await call("GET", "/api/keys", name="OPENROUTER")).body == b'{"expiresAt":"never"}'
    await call("DELETE", "/api/keys/{name}", params={"name": "openRouter"})
    assert (await call("GET", "/api/keys", name="OpenRouter")).body == b'{"expiresAt":null}'


async def test_members_that_are_no_text_are_kept_as_text(call: Call, services: Services) -> None:
    value = {"GOOGLE_SERVICE_KEY": {"project_id": "p", "n": 1}, "GOOGLE_API_KEY": "k", "none": None}
    await call("PUT", "/api/keys", put("google", msgspec.json.encode(value).decode()))
    kept = msgspec.json.decode(await opened(services, endpoint="google"), type=dict[str, str])
    assert kept == {"GOOGLE_SERVICE_KEY": '{"project_id":"p","n":1}', "GOOGLE_API_KEY": "k"}
    own = '{"apiKey": "k",  "baseURL": "https://a.example/v1"}'
    await call("PUT", "/api/keys", put(value=own))
    assert msgspec.json.decode(await opened(services)) == msgspec.json.decode(own)


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"1",
        b"null",
        b"{}",
        b'{"name": "e"}',
        b'{"name": 1, "value": "k"}',
        b'{"name": "e", "value": {"apiKey": "k"}}',
        b'{"name": "e", "value": ""}',
        b'{"name": "e", "value": "  "}',
        b'{"name": "e", "value": "{broken"}',
        b'{"name": "e", "value": "k", "expiresAt": "soon"}',
        b'{"name": "e", "value": "k", "expiresAt": 1e300}',
        b'{"name": "e", "value": "k", "expiresAt": true}',
        b'{"name": "e", "value": "k", "expiresAt": {}}',
        msgspec.json.encode(put("n" * 300)),
        msgspec.json.encode(put(value="v" * 70_000)),
        b'{"name": "e", "value": "k"',
        b"\xff",
        b'{"name": "e", "value": "\\ud800"}',
        b"[" * 100_000,
        b'{"name": "e", "value": "' + b'{\\"a\\":' * 5_000 + b'"}',
    ],
)
async def test_anything_else_is_refused_in_librechats_words(call: Call, services: Any, body: bytes) -> None:
    answer = await call("PUT", "/api/keys", body)
    assert answer.status == 400
    assert msgspec.json.decode(answer.body)["error"] in ("Invalid request body.", "Invalid JSON format")
    assert services.store.user_keys.kept == {}


async def test_one_key_or_all_of_ones_own_are_deleted(call: Call, services: Any) -> None:
    for principal in (Principal(user_id="usr_ada"), BOB):
        for name in ("OpenRouter", "openAI", "gone/endpoint"):
            await call("PUT", "/api/keys", put(name), principal=principal)
    answer = await call("DELETE", "/api/keys/{name}", params={"name": "gone/endpoint"})
    assert (answer.status, answer.body) == (204, b"")
    refused = await call("DELETE", "/api/keys", all="yes")
    assert (refused.status, refused.body) == (400, b'{"error":"Specify either all=true to delete."}')
    assert len(services.store.user_keys.kept) == 5
    assert (await call("DELETE", "/api/keys", all="true")).status == 204
    assert {user for user, _ in services.store.user_keys.kept} == {"usr_bob"}
    assert len(services.store.user_keys.kept) == 3


async def test_without_a_store_or_a_key_for_it_nothing_is_kept_and_it_is_said(call: Call, services: Services) -> None:
    with pytest.raises(Unavailable, match="CREDS_KEY"):
        await call("PUT", "/api/keys", put(), services=replace(services, vault=None))
    with pytest.raises(Unavailable, match="store"):
        await call("PUT", "/api/keys", put(), services=replace(services, store=None))
    with pytest.raises(Forbidden):
        await call("GET", "/api/keys", principal=Principal(user_id=""), name="e")


async def test_the_key_is_in_no_answer_and_no_line_of_the_log(call: Call, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    answers = [
        await call("PUT", "/api/keys", put(expiresAt=time.time() * 1000)),
        await call("PUT", "/api/keys", put(value="{" + CANARY)),
        await call("PUT", "/api/keys", put(expiresAt=CANARY)),
        await call("PUT", "/api/keys", msgspec.json.encode(put())[:-1]),
        await call("GET", "/api/keys", name="OpenRouter"),
        await call("GET", "/api/endpoints"),
    ]
    assert not [answer for answer in answers if CANARY.encode() in answer.body]
    assert CANARY not in caplog.text

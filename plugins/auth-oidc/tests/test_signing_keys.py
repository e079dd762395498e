"""A provider's keys: found, renewed, rotated, and what becomes of its tokens while it is slow, down or wrong."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from typing import Any

import pytest
from gateway_auth_oidc import signing_keys
from gateway_auth_oidc.publication import FOUND_SECONDS, LARGEST
from gateway_auth_oidc.settings import PAUSE, AuthOidc
from openid_door import Door, Open
from openid_issuer import DISCOVERY, JWKS, MOVED, OpenIdIssuer, SigningKey

from gateway import Principal, Unauthenticated, Unavailable
from gateway.testing.fake_upstream import CUT, HANG, Script, stream
from gateway.testing.fake_upstream import json as whole

RENEW, STALE = AuthOidc().renew, AuthOidc().stale
FLOOD = 200


async def turned_away(door: Door, token: str) -> None:
    """With 503, and when to come again."""
    with pytest.raises(Unavailable, match="cannot be asked for its keys now") as caught:
        await door.ask(token)
    assert (caught.value.status, caught.value.retry_after) == (503, PAUSE)
    assert door.issuer.url not in caught.value.public


async def unknown(door: Door, token: str) -> None:
    with pytest.raises(Unauthenticated, match="a key that its issuer does not publish"):
        await door.ask(token)


def fresh(door: Door, **more: object) -> str:
    """A token that nobody has seen yet."""
    return door.issuer.token(jti=secrets.token_hex(8), **more)


async def settled(door: Door) -> None:
    """Once no renewal runs."""
    renewal = door.keys.renew()
    if renewal is not None:
        await renewal


async def test_many_first_requests_ask_the_provider_once(door: Door) -> None:
    found = await asyncio.gather(*(door.ask(fresh(door)) for _ in range(50)))
    assert all(found)
    assert (door.issuer.asked(DISCOVERY), door.issuer.asked(JWKS)) == (1, 1)


async def test_keys_that_are_fresh_are_not_asked_for(door: Door) -> None:
    for _ in range(20):
        assert await door.ask(fresh(door))
        door.clock.go(RENEW / 20.01)
    assert door.issuer.asked() == 1


async def test_a_new_key_is_known_at_once(door: Door) -> None:
    assert await door.ask(fresh(door))
    door.clock.go(PAUSE)
    door.issuer.rotate()
    assert await door.ask(fresh(door))
    assert door.issuer.asked() == 2
    assert door.issuer.asked(DISCOVERY) == 1


async def test_a_key_that_is_published_on_goes_on(door: Door) -> None:
    assert await door.ask(fresh(door))
    door.clock.go(PAUSE)
    old = door.issuer.rotate(keep=True)
    assert await door.ask(fresh(door))
    assert await door.ask(old.sign(door.issuer.claims(jti="old")))


async def test_a_key_that_is_withdrawn_is_refused_within_the_stated_time(door: Door) -> None:
    assert await door.ask(fresh(door))
    old = door.issuer.rotate(keep=False)
    door.clock.go(2 * RENEW)
    await unknown(door, old.sign(door.issuer.claims(jti="old")))


async def test_between_one_renewal_and_two_nobody_waits(door: Door) -> None:
    assert await door.ask(fresh(door))
    held = asyncio.Event()
    door.issuer.upstream.answer(JWKS, stream(held, silent=True, content_type="application/json"))
    door.clock.go(RENEW)
    assert await door.ask(fresh(door)), "although the provider does not answer"
    await door.issuer.upstream.arrival(3)
    assert await door.ask(fresh(door))
    assert door.issuer.asked() == 2
    held.set()


async def test_a_flood_of_unknown_keys_asks_once_a_pause(door: Door) -> None:
    assert await door.ask(fresh(door))

    def flood() -> list[str]:
        key = SigningKey("x")
        return [key.sign(door.issuer.claims(), kid=f"unknown-{number}") for number in range(FLOOD)]

    for passed in range(3):
        results = await asyncio.gather(*map(door.ask, flood()), return_exceptions=True)
        assert {type(result) for result in results} == {Unauthenticated}
        assert door.issuer.asked() == 1 + passed
        assert await door.ask(fresh(door)), "who has a good one is not kept out"
        door.clock.go(PAUSE)
    assert door.issuer.asked(DISCOVERY) == 1


async def test_a_new_key_comes_through_a_flood_after_a_pause(door: Door) -> None:
    assert await door.ask(fresh(door))
    door.clock.go(PAUSE)
    await unknown(door, SigningKey("x").sign(door.issuer.claims()))
    door.issuer.rotate()
    await unknown(door, fresh(door))
    door.clock.go(PAUSE)
    assert await door.ask(fresh(door))


DOWN: dict[str, Callable[[], Script]] = {
    "an error": lambda: whole({}, status=500),
    "not found": lambda: whole({}, status=404),
    "moved": lambda: whole({}, status=302, headers={"location": "/moved"}),
    "cut": lambda: stream(b'{"keys', CUT, content_type="application/json"),
    "no JSON": lambda: whole(b"<html>"),
    "another form": lambda: whole([1]),
    "no UTF-8": lambda: whole(b'{"issuer": "\xff", "keys": ["\xff"]}'),
    "too deep": lambda: whole(b'{"keys": ' + b"[" * 100_000),
    "too large": lambda: whole(b" " * (LARGEST + 1)),
    "no keys": lambda: whole({"keys": []}),
    "none that fits": lambda: whole({"keys": [{"kty": "oct", "k": "AAAA"}, {"kty": "EC"}, 7]}),
}


@pytest.mark.parametrize("how", DOWN.values(), ids=DOWN)
@pytest.mark.parametrize("place", [DISCOVERY, JWKS])
async def test_while_the_keys_cannot_be_had_nobody_comes_in(door: Door, how: Callable[[], Script], place: str) -> None:
    door.issuer.publish(door.issuer.key, at=MOVED)
    door.issuer.upstream.answer(place, how())
    results = await asyncio.gather(*(door.ask(fresh(door)) for _ in range(20)), return_exceptions=True)
    assert {type(result) for result in results} == {Unavailable}
    for _ in range(20):
        await turned_away(door, fresh(door))
    assert door.issuer.asked(place) == 1, "and the provider is not asked by each of them"
    assert door.issuer.asked(MOVED) == 0
    door.issuer.mend()
    await turned_away(door, fresh(door))
    door.clock.go(PAUSE)
    assert await door.ask(fresh(door))


async def test_a_provider_that_is_not_there_lets_nobody_in(opened: Open, issuer: OpenIdIssuer) -> None:
    door = opened()
    await issuer.upstream.__aexit__(None, None, None)
    await turned_away(door, issuer.token())


async def test_an_outage_is_lived_through_for_the_stated_time(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    assert await door.ask(fresh(door))
    door.issuer.fail()
    door.clock.go(RENEW)
    while door.clock.since() < STALE - RENEW:
        assert await door.ask(fresh(door, exp=2**40))
        await settled(door)
        door.clock.go(RENEW)
    assert door.issuer.asked(DISCOVERY) > 10
    assert sum("keys cannot be had" in line for line in caplog.messages) < 4, "told when it begins, not each time"
    assert f"{door.issuer.url}{JWKS} answered with status 503" in caplog.text
    door.clock.go(2 * RENEW)
    await turned_away(door, fresh(door, exp=2**40))
    door.issuer.mend()
    door.clock.go(PAUSE)
    assert await door.ask(fresh(door, exp=2**40))


async def test_an_unknown_key_is_not_judged_while_the_provider_is_down(door: Door) -> None:
    assert await door.ask(fresh(door))
    door.clock.go(PAUSE)
    old = door.issuer.rotate()
    door.issuer.fail()
    await turned_away(door, fresh(door))
    await turned_away(door, fresh(door))
    assert await door.ask(old.sign(door.issuer.claims(jti="old"))), "known ones are"
    door.issuer.mend()
    door.clock.go(PAUSE)
    assert await door.ask(fresh(door))


async def test_while_it_is_down_nobody_waits_who_has_keys(door: Door) -> None:
    assert await door.ask(fresh(door))
    door.issuer.fail()
    door.clock.go(2 * RENEW)
    assert await door.ask(fresh(door)), "the first one waits for the failure"
    door.issuer.fail(stream(HANG, silent=True))
    door.clock.go(PAUSE)
    assert await door.ask(fresh(door))
    assert await door.ask(fresh(door))
    renewal = door.keys.renew()
    assert renewal is not None
    assert not renewal.done(), "it was not waited for"


async def test_a_renewal_that_takes_longer_than_a_pause_is_the_only_one(door: Door) -> None:
    assert await door.ask(fresh(door))
    door.issuer.fail(stream(HANG, silent=True))
    door.clock.go(RENEW)
    running = door.keys.renew()
    assert running is not None
    door.clock.go(PAUSE)
    assert await door.ask(fresh(door))
    assert door.keys.renew() is running


async def test_a_provider_that_never_answers_is_waited_for_no_longer_than_is_stated(
    door: Door, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(signing_keys, "TIMEOUT", 0.05)
    door.issuer.fail(stream(HANG, silent=True))
    await turned_away(door, fresh(door))
    assert "no answer within 0.05 s" in caplog.text


async def test_a_slow_answer_is_waited_for_by_all_and_whoever_leaves_takes_nothing_along(door: Door) -> None:
    held = asyncio.Event()
    body = whole({"keys": [door.issuer.key.jwk()]})
    [keys] = body.steps()
    assert isinstance(keys, bytes)
    door.issuer.upstream.answer(JWKS, stream(held, keys, content_type="application/json"))
    waiting = [asyncio.create_task(door.ask(fresh(door))) for _ in range(5)]
    await door.issuer.upstream.arrival(2)
    waiting[0].cancel()
    held.set()
    results: list[Any] = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert all(isinstance(result, Principal) for result in results[1:])
    assert door.issuer.asked() == 1


async def test_a_discovery_document_of_another_issuer_is_not_believed(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for other in ("https://evil.example", door.issuer.url + "/x", door.issuer.url.upper(), ""):
        door.issuer.discovered(issuer=other)
        await turned_away(door, fresh(door))
        assert f"is of the issuer {other!r}, which is not the one that is trusted" in caplog.text
        door.clock.go(PAUSE)
    assert door.issuer.asked() == 0
    door.issuer.discovered()
    assert "which is not the one that is trusted; its tokens are refused" in (door.keys.trouble() or "")
    assert await door.ask(fresh(door))
    assert door.keys.trouble() is None
    assert "the provider's keys are there again" in caplog.text


@pytest.mark.parametrize(
    "address", ["http://keys.example/jwks", "ftp://127.0.0.1/x", "/jwks", "", "file:///etc/passwd"]
)
async def test_a_document_that_leads_where_others_could_answer_is_not_followed(
    door: Door, caplog: pytest.LogCaptureFixture, address: str
) -> None:
    door.issuer.discovered(jwks_uri=address)
    await turned_away(door, fresh(door))
    assert "names a jwks_uri that cannot be trusted" in caplog.text


async def test_the_address_of_the_keys_is_looked_up_again_when_it_fails_and_after_a_while(door: Door) -> None:
    assert await door.ask(fresh(door))
    door.issuer.publish(door.issuer.key, at=MOVED)
    door.issuer.discovered(jwks_uri=door.issuer.url + MOVED)
    door.issuer.upstream.answer(JWKS, whole({}, status=404))
    door.clock.go(2 * RENEW)
    assert await door.ask(fresh(door))
    assert (door.issuer.asked(DISCOVERY), door.issuer.asked(MOVED)) == (1, 0)
    door.clock.go(PAUSE)
    await settled(door)
    assert (door.issuer.asked(DISCOVERY), door.issuer.asked(MOVED)) == (2, 1)
    door.clock.go(FOUND_SECONDS)
    assert await door.ask(fresh(door, exp=2**40))
    assert door.issuer.asked(DISCOVERY) == 3


async def test_an_address_that_is_configured_is_asked_without_discovery(opened: Open, issuer: OpenIdIssuer) -> None:
    issuer.publish(issuer.key, at=MOVED)
    variable = {"OPENID_JWKS_URL": issuer.url + MOVED}
    for door in (opened(jwks_uri=issuer.url + MOVED), opened(environ=variable)):
        assert await door.ask(issuer.token())
    assert await opened(jwks_uri=issuer.url + JWKS, environ=variable).ask(issuer.token())
    assert (issuer.asked(DISCOVERY), issuer.asked(MOVED), issuer.asked(JWKS)) == (0, 2, 1)


async def test_how_often_keys_are_renewed_is_a_setting_or_librechats_variable(
    opened: Open, issuer: OpenIdIssuer
) -> None:
    for door, seconds in (
        (opened(AuthOidc(renew=300)), 300),
        (opened(environ={"OPENID_JWKS_URL_CACHE_TIME": "10 * 60 * 1000"}), 600),
        (opened(environ={"OPENID_JWKS_URL_CACHE_TIME": "soon"}), 60),
    ):
        before = issuer.asked()
        assert await door.ask(fresh(door))
        door.clock.go(seconds - 1)
        assert await door.ask(fresh(door, exp=2**40))
        assert issuer.asked() - before == 1
        door.clock.go(1)
        assert await door.ask(fresh(door, exp=2**40))
        await settled(door)
        assert issuer.asked() - before == 2


async def test_keys_that_are_renewed_as_often_as_can_be_are_there_in_between(
    opened: Open, issuer: OpenIdIssuer
) -> None:
    door = opened(AuthOidc(renew=PAUSE, stale=0))
    for _ in range(40):
        assert await door.ask(fresh(door))
        door.clock.go(1)
    await settled(door)
    assert 40 / PAUSE <= issuer.asked() <= 40 / PAUSE + 1


async def test_it_can_be_closed_while_it_asks(door: Door) -> None:
    door.issuer.fail(stream(HANG, silent=True))
    door.keys.renew()
    arrived = await door.issuer.upstream.arrival()
    await door.keys.close()
    await arrived.gone.wait()


async def test_after_a_reload_it_goes_on(door: Door) -> None:
    """Which closes what the one before has opened, at any time."""
    door.keys.renew()
    await door.keys.close()
    await turned_away(door, fresh(door))
    door.clock.go(PAUSE)
    assert await door.ask(fresh(door))

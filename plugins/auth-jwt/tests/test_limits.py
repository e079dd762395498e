"""How often one may try: counted for all workers together, and told in the headers of LibreChat's limiters."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from accounts_gateway import PASSWORD, Accounts, Browser, code_of, config

Browse = Callable[[Accounts], Browser]


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Accounts]:
    """Three workers, limits by LibreChat's names and defaults but for short ones of codes, behind a trusted proxy."""
    directory = tmp_path_factory.mktemp("limited")
    names = ("LOGIN_MAX", "REGISTER_MAX", "RESET_PASSWORD_MAX", "VERIFY_EMAIL_MAX")
    text = config(own={"hide_unknown": True}).replace(
        '"gateway": {', '"gateway": {"listen": {"trusted_proxies": ["127.0.0.1"]}, '
    )
    running = Accounts(directory, text, "--workers", "3")
    for name in names:
        del running.environ[name]
    with running:
        yield running


@pytest.mark.parametrize(
    ("path", "most", "minutes"),
    [
        ("/api/auth/login", 7, 5),
        ("/api/auth/register", 5, 60),
        ("/api/auth/requestPasswordReset", 2, 2),
        ("/api/auth/resetPassword", 2, 2),
        ("/api/user/verify", 2, 2),
        ("/api/user/verify/resend", 2, 2),
        ("/api/auth/2fa/verify-temp", 7, 5),
    ],
)
async def test_an_address_that_tries_too_often_waits(
    limited: Accounts, browse: Browse, path: str, most: int, minutes: int
) -> None:
    """Exactly so many are let through, whichever worker they come to, good or bad; another address goes on."""
    where = f"198.51.100.{sum(path.encode()) % 200}"
    browsers = [browse(limited) for _ in range(most + 3)]
    replies = await asyncio.gather(*(browser.post(path, {}, X_Forwarded_For=where) for browser in browsers))
    refused = [reply for reply in replies if reply.status == 429]
    assert len(refused) == 3
    for reply in refused:
        assert reply.body.keys() == {"message"}
        assert f"after {minutes} minutes" in reply.body["message"]
        assert 0 < int(reply.headers["Retry-After"]) <= minutes * 60
        assert (reply.headers["X-RateLimit-Limit"], reply.headers["X-RateLimit-Remaining"]) == (str(most), "0")
        assert 0 <= int(reply.headers["X-RateLimit-Reset"]) - time.time() <= minutes * 60 + 1
    left = sorted(int(reply.headers["X-RateLimit-Remaining"]) for reply in replies if reply.status != 429)
    assert left == list(range(most))
    assert (await browsers[0].post(path, {}, X_Forwarded_For="203.0.113.7")).status != 429


async def test_a_network_of_ipv6_addresses_is_one_address(limited: Accounts, browse: Browse) -> None:
    browser = browse(limited)
    replies = [await browser.post("/api/user/verify", {}, X_Forwarded_For=f"2001:db8::{number}") for number in range(3)]
    assert [reply.status == 429 for reply in replies] == [False, False, True]
    assert (await browser.post("/api/user/verify", {}, X_Forwarded_For="2001:db8:0:1::1")).status != 429


async def test_codes_of_one_user_are_not_guessed_from_many_addresses(limited: Accounts, browse: Browse) -> None:
    """Nor is a right one taken then."""
    browser = browse(limited)
    at = {"X_Forwarded_For": "192.0.2.1"}
    form = {"name": "Ann Ö.", "email": "ann@example.org", "password": PASSWORD, "confirm_password": PASSWORD}
    assert (await browser.post("/api/auth/register", form, **at)).status == 200
    entered = await browser.post("/api/auth/login", form, **at)
    browser.token = entered.body["token"]
    begun = await browser.post("/api/auth/2fa/enable")
    code = code_of(begun.body["otpauthUrl"], time.time())
    assert (await browser.post("/api/auth/2fa/confirm", {"token": code})).status == 200
    half = (await browser.post("/api/auth/login", form, **at)).body["tempToken"]
    statuses = []
    for number in range(8):
        body = {"tempToken": half, "backupCode": "0" * 8}
        reply = await browser.post("/api/auth/2fa/verify-temp", body, X_Forwarded_For=f"192.0.2.{100 + number}")
        statuses.append(reply.status)
    assert statuses == [401] * 6 + [429] * 2, "confirming it was the first try"
    body = {"tempToken": half, "backupCode": begun.body["backupCodes"][0]}
    assert (await browser.post("/api/auth/2fa/verify-temp", body, X_Forwarded_For="192.0.2.200")).status == 429
    assert (await browser.post("/api/auth/2fa/disable", body)).status == 429


async def test_an_unknown_address_is_told_like_a_wrong_password(limited: Accounts, browse: Browse) -> None:
    """With `hide_unknown`."""
    browser = browse(limited)
    form = {"name": "Bob B.", "email": "bob@example.org", "password": PASSWORD, "confirm_password": PASSWORD}
    await browser.post("/api/auth/register", form, X_Forwarded_For="192.0.2.2")
    wrong = {"email": "bob@example.org", "password": "wrong horse"}
    unknown = {"email": "nobody@example.org", "password": PASSWORD}
    replies = [await browser.post("/api/auth/login", body, X_Forwarded_For="192.0.2.2") for body in (wrong, unknown)]
    assert [(reply.status, reply.body) for reply in replies] == [(404, {"message": "Incorrect email or password."})] * 2


async def test_limits_outlive_a_restart(tmp_path: Path, browse: Browse) -> None:
    for status in (404, 429):
        running = Accounts(tmp_path, config(), environ={"LOGIN_MAX": "1", "LOGIN_WINDOW": "30"})
        await asyncio.to_thread(running.__enter__)
        assert (await browse(running).login("nobody@example.org")).status == status
        await asyncio.to_thread(running.stop)

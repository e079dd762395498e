"""A second factor: confirmed before it counts, each code taken once, and not guessed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from accounts_gateway import Accounts, Browser, code_of

Browse = Callable[[Accounts], Browser]
STEP = 30.0


async def enrolled(browser: Browser, address: str) -> tuple[str, list[str]]:
    """The authenticator's address, and the backup codes; confirmed by the code before this moment's."""
    await browser.joined(address)
    begun = await browser.get("/api/auth/2fa/enable")
    assert begun.status == 200
    url, codes = begun.body["otpauthUrl"], begun.body["backupCodes"]
    confirmed = await browser.post("/api/auth/2fa/confirm", {"token": code_of(url, time.time() - STEP)})
    assert confirmed.status == 200
    return url, codes


async def pending(browser: Browser, address: str) -> str:
    reply = await browser.login(address)
    assert (reply.status, reply.cookies) == (200, [])
    assert reply.body.keys() == {"twoFAPending", "tempToken"}
    assert reply.body["twoFAPending"] is True
    token: str = reply.body["tempToken"]
    return token


async def enter(browser: Browser, temporary: str, **code: object) -> Any:
    return await browser.post("/api/auth/2fa/verify-temp", {"tempToken": temporary, **code})


async def test_a_login_takes_two_halves_once_the_factor_is_confirmed(
    accounts: Accounts, browse: Browse, browser: Browser, address: str
) -> None:
    await browser.joined(address)
    begun = await browser.post("/api/auth/2fa/enable")
    url = begun.body["otpauthUrl"]
    assert (await browse(accounts).login(address)).body["user"]["twoFactorEnabled"] is False
    assert (await browser.post("/api/auth/2fa/confirm", {"token": "000000"})).status == 400
    assert (await browser.post("/api/auth/2fa/verify", {"token": code_of(url, time.time())})).status == 200
    assert (await browser.post("/api/auth/2fa/confirm", {"token": code_of(url, time.time() - STEP)})).status == 200
    other = browse(accounts)
    temporary = await pending(other, address)
    other.token = temporary
    assert (await other.get("/api/user")).status == 401, "a half is not enough to call with"
    other.token = ""
    entered = await enter(other, temporary, token=code_of(url, time.time()))
    assert entered.status == 200
    assert entered.body["user"]["twoFactorEnabled"] is True
    assert other.cookie
    other.token = entered.body["token"]
    assert (await other.get("/api/user")).status == 200
    again = await other.post("/api/auth/2fa/enable")
    assert (again.status, again.body["message"]) == (400, "2FA is enabled already; disable it first.")


async def test_a_code_is_taken_once_whichever_worker_it_comes_to(
    accounts: Accounts, browse: Browse, browser: Browser, address: str
) -> None:
    url, _ = await enrolled(browser, address)
    others = [browse(accounts) for _ in range(5)]
    halves = [await pending(other, address) for other in others]
    code = code_of(url, time.time())
    replies = await asyncio.gather(*(enter(o, h, token=code) for o, h in zip(others, halves, strict=True)))
    assert sorted(reply.status for reply in replies) == [200, 401, 401, 401, 401]
    confirmed = await enter(browser, halves[0], token=code_of(url, time.time() - STEP))
    assert confirmed.status == 401, "nor is one from before"


async def test_a_backup_code_is_taken_once(browser: Browser, address: str) -> None:
    _, codes = await enrolled(browser, address)
    for code, status in ((codes[0], 200), (codes[0], 401), (f" {codes[1].upper()} ", 200), ("", 401), ("0" * 8, 401)):
        assert (await enter(browser, await pending(browser, address), backupCode=code)).status == status


async def test_only_the_token_of_a_login_begins_the_second_half(browser: Browser, address: str) -> None:
    _, codes = await enrolled(browser, address)
    for temporary, status in (("", 400), ("nonsense", 401), (browser.token, 401), (browser.cookie, 401)):
        assert (await enter(browser, temporary, backupCode=codes[0])).status == status
    assert (await enter(browser, await pending(browser, address), backupCode=codes[0])).status == 200


async def test_who_disables_it_shows_a_code(browser: Browser, address: str) -> None:
    url, codes = await enrolled(browser, address)
    for body, status in (({}, 400), ({"token": "000000"}, 401), ({"backupCode": "0" * 8}, 401)):
        assert (await browser.post("/api/auth/2fa/disable", body)).status == status
    assert (await browser.send("DELETE", "/api/user/delete", {})).status == 400
    assert (await browser.post("/api/auth/2fa/disable", {"token": code_of(url, time.time())})).status == 200
    assert (await browser.post("/api/auth/2fa/disable", {"backupCode": codes[0]})).status == 400
    assert (await browser.login(address)).body["user"]["twoFactorEnabled"] is False


async def test_other_backup_codes_take_the_place_of_all(browser: Browser, address: str) -> None:
    _, codes = await enrolled(browser, address)
    assert (await browser.post("/api/auth/2fa/backup/regenerate")).status == 400
    made = await browser.post("/api/auth/2fa/backup/regenerate", {"backupCode": codes[0]})
    assert (made.status, len(made.body["backupCodes"])) == (200, 10)
    assert made.body["backupCodesHash"][0].keys() == {"codeHash", "used", "usedAt"}
    for code, status in ((codes[1], 401), (made.body["backupCodes"][0], 200)):
        assert (await enter(browser, await pending(browser, address), backupCode=code)).status == status


async def test_who_deletes_an_account_with_a_factor_shows_a_code(browser: Browser, address: str) -> None:
    url, _ = await enrolled(browser, address)
    reply = await browser.send("DELETE", "/api/user/delete", {"token": code_of(url, time.time())})
    assert reply.status == 200
    assert (await browser.login(address)).status == 404


async def test_without_a_factor_there_is_nothing_to_verify(browser: Browser, address: str) -> None:
    await browser.joined(address)
    for path in ("verify", "confirm", "backup/regenerate"):
        reply = await browser.post(f"/api/auth/2fa/{path}", {"token": "000000"})
        assert (reply.status, reply.body) == (400, {"message": "2FA not initiated"})

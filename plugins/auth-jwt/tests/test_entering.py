"""Register, log in, come back, log out: through a running gateway of two workers, on either store."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from typing import Any

import openai
import pytest
from accounts_gateway import PASSWORD, Accounts, Browser

Browse = Callable[[Accounts], Browser]


def claims(token: str) -> Any:
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


async def test_who_registers_logs_in_and_is_told_as_librechats_client_reads_it(browser: Browser, address: str) -> None:
    assert (await browser.register(address)).status == 200
    reply = await browser.login(address.upper())
    assert reply.status == 200
    user = reply.body["user"]
    assert (user["email"], user["name"], user["username"], user["provider"]) == (address, "Ann Ö.", "ann", "local")
    assert user["id"] == user["_id"]
    assert (user["avatar"], user["twoFactorEnabled"], user["emailVerified"]) == (None, False, True)
    assert user["createdAt"].endswith("Z")
    assert not {"password", "totp", "codes"} & user.keys()
    said = claims(reply.body["token"])
    assert (said["id"], said["username"], said["provider"], said["email"]) == (user["id"], "ann", "local", address)
    assert said["exp"] - said["iat"] in (900, 901)
    refresh, provider = sorted(reply.cookies)
    assert refresh.startswith("refreshToken=ey")
    assert provider.startswith("token_provider=librechat;")
    for cookie in (refresh, provider):
        assert cookie.endswith("; HttpOnly; SameSite=Strict")
    assert reply.headers["Cache-Control"] == "no-store"
    assert (await browser.get("/api/user")).body == user


async def test_a_token_calls_agents_with_an_official_sdk(accounts: Accounts, browser: Browser, address: str) -> None:
    await browser.joined(address)
    async with openai.AsyncOpenAI(base_url=f"{accounts.url}/v1", api_key=browser.token, max_retries=0) as client:
        said = await client.chat.completions.create(model="agent_echo", messages=[{"role": "user", "content": "Hello"}])
    assert said.choices[0].message.content == "Hello"


async def test_what_is_wrong_at_a_login_is_said_as_librechat_says_it(browser: Browser, address: str) -> None:
    await browser.register(address)
    for body, status, words in (
        ({"email": "nobody@example.org", "password": PASSWORD}, 404, "Email does not exist."),
        ({"email": address, "password": "wrong horse"}, 404, "Incorrect password."),
        ({"email": "no address", "password": PASSWORD}, 404, "An email address and a password are needed."),
        ({"email": address}, 404, "An email address and a password are needed."),
        ({"email": address, "password": "x" * 129}, 404, "A password has at most 128 characters."),
        ({"email": address, "password": "\x00 horse"}, 404, "An email address and a password are needed."),
    ):
        reply = await browser.post("/api/auth/login", body)
        assert (reply.status, reply.body) == (status, {"message": words})
        assert not reply.cookies
    assert (await browser.post("/api/auth/login", {"email": ["x"], "password": 7})).status == 404
    malformed = await browser.post("/api/auth/login", b'{"email": ')
    assert (malformed.status, malformed.body["error"]) == (400, "Invalid JSON format")
    assert (await browser.post("/api/auth/login", b"[1]")).status == 404
    large = await browser.post("/api/auth/login", {"email": address, "password": "x" * 20_000})
    assert (large.status, list(large.body)) == (413, ["message"])


async def test_what_does_not_fit_is_not_registered(browser: Browser, address: str) -> None:
    for more in (
        {"email": "no address"},
        {"email": "a@b@example.org"},
        {"email": "ann@example.org\r\nBcc: eve@example.org"},
        {"email": "x" * 250 + "@example.org"},
        {"name": "An"},
        {"name": "Ann\nÖ."},
        {"username": "a"},
        {"username": "{$ne: 1}"},
        {"password": "short"},
        {"password": "x" * 129},
        {"password": " " * 9},
        {"confirm_password": "another one"},
    ):
        reply = await browser.register(**{"email": address, **more})  # type: ignore[arg-type]
        assert (reply.status, list(reply.body)) == (404, ["message"]), more
    assert (await browser.login(address)).status == 404


async def test_an_address_that_is_known_is_answered_like_a_new_one(
    accounts: Accounts, browse: Browse, browser: Browser, address: str
) -> None:
    first = await browser.register(address)
    again = await browse(accounts).register(address.upper(), "another horse")
    assert (first.status, first.body) == (again.status, again.body)
    assert (await browser.login(address, "another horse")).status == 404
    assert (await browser.login(address)).status == 200


async def test_a_refresh_gives_another_token_and_another_cookie(browser: Browser, address: str) -> None:
    user = await browser.joined(address)
    cookie, token = browser.cookie, browser.token
    reply = await browser.refresh()
    assert (reply.status, reply.body["user"]) == (200, user)
    assert browser.cookie not in ("", cookie)
    assert claims(browser.token)["sid"] == claims(token)["sid"]
    assert (await browser.refresh()).status == 200


async def test_without_a_cookie_a_refresh_is_answered_with_a_text(browser: Browser) -> None:
    reply = await browser.refresh()
    assert (reply.status, reply.text) == (200, "Refresh token not provided")
    for bad in ("nonsense", "e.e.e", "x" * 9000):
        reply = await browser.post("/api/auth/refresh", Cookie=f"refreshToken={bad}")
        assert (reply.status, reply.text) == (403, "Invalid refresh token")
        assert "refreshToken=; Path=/; Expires=Thu, 01 Jan 1970" in reply.cookies[0]


async def test_a_refresh_token_that_was_replaced_ends_the_session(
    accounts: Accounts, browse: Browse, browser: Browser, address: str
) -> None:
    """Whoever has the older one, thief or owner: nobody goes on."""
    await browser.joined(address)
    stolen = browser.cookie
    assert (await browser.refresh()).status == 200
    thief = browse(accounts)
    reply = await thief.post("/api/auth/refresh", Cookie=f"refreshToken={stolen}")
    assert (reply.status, reply.text) == (401, "Refresh token expired or not found for this user")
    assert (await browser.refresh()).status == 401


async def test_of_many_refreshes_at_once_one_wins_and_the_session_is_over(browser: Browser, address: str) -> None:
    """With `refresh_grace: 0`."""
    await browser.joined(address)
    cookie = f"refreshToken={browser.cookie}"
    replies = await asyncio.gather(*(browser.post("/api/auth/refresh", Cookie=cookie) for _ in range(6)))
    assert sorted(reply.status for reply in replies) == [200, 401, 401, 401, 401, 401]


async def test_an_access_token_refreshes_nothing_and_a_refresh_token_calls_nothing(
    browser: Browser, address: str
) -> None:
    await browser.joined(address)
    cookie = browser.cookie
    assert (await browser.post("/api/auth/refresh", Cookie=f"refreshToken={browser.token}")).status == 403
    browser.token = cookie
    assert (await browser.get("/api/user")).status == 401


async def test_a_logout_ends_the_session_and_takes_the_cookies(browser: Browser, address: str) -> None:
    await browser.joined(address)
    cookie = browser.cookie
    reply = await browser.post("/api/auth/logout")
    assert (reply.status, reply.body) == (200, {"message": "Logout successful"})
    assert browser.cookie == ""
    assert (await browser.post("/api/auth/refresh", Cookie=f"refreshToken={cookie}")).status == 401
    browser.token = ""
    assert (await browser.post("/api/auth/logout")).status == 401


async def test_a_page_of_another_site_has_no_use_of_cookies(browser: Browser, address: str) -> None:
    await browser.joined(address)
    for site in ("cross-site", "same-site"):
        for path in ("/api/auth/refresh", "/api/auth/login"):
            reply = await browser.post(path, {"email": address, "password": PASSWORD}, Sec_Fetch_Site=site)
            assert (reply.status, reply.cookies) == (403, [])
    reply = await browser.post("/api/auth/refresh", Origin="https://elsewhere.example")
    assert not [name for name in reply.headers if name.lower().startswith("access-control-allow")]
    assert (await browser.post("/api/auth/refresh", Sec_Fetch_Site="same-origin")).status == 200


async def test_keys_of_programs_read_the_account_and_change_nothing(
    accounts: Accounts, browse: Browse, browser: Browser, address: str
) -> None:
    user = await browser.joined(address)
    made = await browser.post("/api/api-keys", {"name": "program"})
    assert made.status == 201
    program = browse(accounts)
    program.token = made.body["key"]
    assert (await program.get("/api/user")).body["id"] == user["id"]
    for method, path in (
        ("GET", "/api/auth/2fa/enable"),
        ("POST", "/api/auth/2fa/disable"),
        ("POST", "/api/auth/logout"),
        ("POST", "/api/user/terms/accept"),
        ("DELETE", "/api/user/delete"),
    ):
        assert (await program.send(method, path, {})).status == 403, path
    program.token = accounts.key
    assert (await program.get("/api/user")).status == 403


async def test_terms_are_accepted_once_and_for_all(browser: Browser, address: str) -> None:
    await browser.joined(address)
    assert (await browser.get("/api/user/terms")).body == {"termsAccepted": False, "termsAcceptedAt": None}
    accepted = await browser.post("/api/user/terms/accept")
    said = (await browser.get("/api/user/terms")).body
    assert said == {"termsAccepted": True, "termsAcceptedAt": accepted.body["termsAcceptedAt"]}


async def test_who_deletes_the_account_is_gone(browser: Browser, address: str) -> None:
    await browser.joined(address)
    cookie = browser.cookie
    reply = await browser.send("DELETE", "/api/user/delete")
    assert (reply.status, browser.cookie) == (200, "")
    assert (await browser.post("/api/auth/refresh", Cookie=f"refreshToken={cookie}")).status == 401
    browser.token = ""
    assert (await browser.login(address)).status == 404
    assert (await browser.register(address)).status == 200


async def test_tokens_and_keys_end_with_the_session_and_the_account(
    accounts: Accounts, browse: Browse, browser: Browser, address: str
) -> None:
    """Those that a worker has seen before, within seconds."""
    leaving = browse(accounts)
    await browser.joined(address)
    await leaving.joined(f"other-{address}")
    made = await leaving.post("/api/api-keys", {"name": "program"})
    shown = [browser.token, leaving.token, made.body["key"]]
    for token in shown:
        browser.token = token
        assert (await browser.get("/api/user")).status == 200
    browser.token = shown[0]
    assert (await browser.post("/api/auth/logout")).status == 200
    assert (await leaving.send("DELETE", "/api/user/delete")).status == 200
    for token in shown:
        browser.token = token
        for _ in range(200):
            if (await browser.get("/api/user")).status == 401:
                break
            await asyncio.sleep(0.05)
        assert (await browser.get("/api/user")).status == 401


@pytest.mark.parametrize("path", ["/api/auth/login", "/api/auth/register", "/api/user/verify"])
async def test_a_body_that_comes_in_pieces_is_bounded_too(accounts: Accounts, path: str) -> None:
    reader, writer = await asyncio.open_connection(*accounts.url.removeprefix("http://").split(":"))
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    writer.write(head.encode() + b"4000\r\n" + b"x" * 0x4000 + b"\r\n1\r\nx\r\n")
    first = await reader.readline()
    writer.close()
    await writer.wait_closed()
    assert b" 413 " in first

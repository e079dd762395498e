"""What the operator does for users, and a gateway in which not everything is allowed."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import bcrypt
import pytest
from accounts_gateway import PASSWORD, Accounts, Browser, code_of, config

from gateway import Secret
from gateway.logins import Login
from gateway.testing.stores import store_in

Browse = Callable[[Accounts], Browser]


def strict_in(directory: Path) -> Accounts:
    """Addresses of example.org may register, and have to be verified before a login."""
    text = config(registration={"allowedDomains": ["example.org"]}, own={"refresh_grace": 30})
    off = {"ALLOW_UNVERIFIED_EMAIL_LOGIN": "false", "ALLOW_PASSWORD_RESET": "false", "ALLOW_ACCOUNT_DELETION": "false"}
    return Accounts(directory, text, environ=off)


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Accounts]:
    """Shared by the tests here; each has users of its own."""
    with strict_in(tmp_path_factory.mktemp("strict")) as running:
        yield running


async def test_the_first_is_an_admin_and_others_are_users(tmp_path: Path, browse: Browse) -> None:
    with strict_in(tmp_path) as fresh:
        first, second = browse(fresh), browse(fresh)
        await first.register("ann@example.org")
        await second.register("bob@example.org")
        assert (await first.login("ann@example.org")).body["user"]["role"] == "ADMIN"
        assert (await second.login("bob@example.org")).body["user"]["role"] == "USER"
        assert (await first.register("eve@elsewhere.example")).status == 403
        assert (await first.post("/api/auth/requestPasswordReset", {"email": "ann@example.org"})).status == 403
        assert (await first.post("/api/auth/resetPassword", {})).status == 403
        assert (await first.send("DELETE", "/api/user/delete")).status == 403
        assert (await first.get("/api/config")).body["allowAccountDeletion"] is False


async def test_two_tabs_that_refresh_at_once_both_go_on(strict: Accounts, browse: Browse, address: str) -> None:
    """Within `refresh_grace`; but only by the token that was just replaced."""
    browser = browse(strict)
    await browser.register(address)
    login = await browser.login(address)
    cookie = next(one for one in login.cookies if one.startswith("refreshToken=")).partition(";")[0]
    replies = await asyncio.gather(*(browser.post("/api/auth/refresh", Cookie=cookie) for _ in range(3)))
    assert [reply.status for reply in replies] == [200] * 3
    assert sorted(len(reply.cookies) for reply in replies) == [0, 0, 2]
    newest = next(reply for reply in replies if reply.cookies).cookies
    following = next(one for one in newest if one.startswith("refreshToken=")).partition(";")[0]
    assert (await browser.post("/api/auth/refresh", Cookie=following)).status == 200
    assert (await browser.post("/api/auth/refresh", Cookie=cookie)).status == 401


async def test_a_password_of_the_operators_lets_in_and_logs_out_everywhere(
    strict: Accounts, browse: Browse, address: str
) -> None:
    browser, name = browse(strict), address.partition("@")[0]
    await strict.operate("users", "create", name, "--email", address)
    assert (await browser.login(address)).status == 404
    await strict.operate("logins", "password", name, "--stdin", stdin=f"{PASSWORD}\n")
    assert (await browser.login(address)).body["user"]["name"] == name
    generated = (await strict.operate("logins", "password", address, "--generate")).splitlines()
    assert "logged out everywhere" in generated[1]
    assert (await browser.refresh()).status == 401
    assert (await browser.login(address)).status == 404
    assert (await browser.login(address, generated[0])).status == 200
    assert f"Ended 1 session of {name}." in await strict.run("logins", "end", name)
    assert (await browser.refresh()).status == 401
    assert "8 to 128 characters" in await strict.operate("logins", "password", name, "--stdin", stdin="short\n", code=1)
    assert "gateway users list" in await strict.operate("logins", "end", "nobody", code=1)


async def test_a_lost_second_factor_is_taken_away(strict: Accounts, browse: Browse, address: str) -> None:
    browser = browse(strict)
    await browser.register(address)
    await browser.login(address)
    url = (await browser.post("/api/auth/2fa/enable")).body["otpauthUrl"]
    await browser.post("/api/auth/2fa/confirm", {"token": code_of(url, time.time())})
    shown = json.loads(await strict.operate("logins", "show", address, "--json"))
    assert (shown["password"], shown["two_factor"], shown["backup_codes"]) == ("argon2id", True, 10)
    assert "argon2id" in await strict.operate("logins", "show", address)
    assert "without a second factor" in await strict.operate("logins", "reset-2fa", address)
    assert "has no second factor" in await strict.operate("logins", "reset-2fa", address)
    assert (await browser.login(address)).body["user"]["twoFactorEnabled"] is False


async def test_a_user_of_librechats_logs_in_with_the_old_password(
    strict: Accounts, browse: Browse, address: str
) -> None:
    store = store_in(strict.directory / "state")
    await store.open()
    user = await store.users.create(address, address)
    old = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4, b"2a")).decode()
    assert store.logins is not None
    await store.logins.put(Login(user.id, Secret(old), "Ann", "ann", verified=True))
    browser = browse(strict)
    assert (await browser.login(address, "wrong horse")).status == 404
    assert ((await store.logins.get(user.id)) or Login("")).password == Secret(old)
    assert (await browser.login(address)).status == 200
    kept = ((await store.logins.get(user.id)) or Login("")).password.reveal()
    assert kept.startswith("$argon2id$")
    assert (await browser.login(address)).status == 200
    await store.users.update(user.id, disabled=True)
    assert (await browser.login(address)).status == 403
    assert (await browser.refresh()).status == 401
    await store.close()


async def test_without_secrets_the_routes_say_why_and_keys_go_on(tmp_path: Path, browse: Browse) -> None:
    running = Accounts(tmp_path, config(), environ={"JWT_SECRET": ""})
    await asyncio.to_thread(running.__enter__)
    browser = browse(running)
    for path in ("/api/auth/login", "/api/auth/register", "/api/auth/refresh"):
        reply = await browser.post(path, {})
        assert (reply.status, reply.body) == (503, {"message": "Nobody can log in here: JWT_SECRET is not set."})
    assert (await browser.get("/api/config")).body["emailLoginEnabled"] is False
    made = await running.operate("keys", "create", "--user", "ann")
    browser.token = made.splitlines()[0]
    assert (await browser.get("/api/user")).body["name"] == "ann"
    await asyncio.to_thread(running.stop)
    assert "nobody can log in: JWT_SECRET is not set" in running.printed


async def test_what_is_not_allowed_is_refused(tmp_path: Path, browse: Browse) -> None:
    closed = {"ALLOW_REGISTRATION": "false", "ALLOW_EMAIL_LOGIN": "false"}
    running = Accounts(tmp_path, config(), environ=closed)
    await asyncio.to_thread(running.__enter__)
    browser = browse(running)
    assert (await browser.register("ann@example.org")).status == 403
    assert (await browser.login("ann@example.org")).status == 403
    said = (await browser.get("/api/config")).body
    assert (said["registrationEnabled"], said["emailLoginEnabled"]) == (False, False)
    await asyncio.to_thread(running.stop)

"""Another password by a link that is for once, by mail or in the log; and addresses that are verified."""

from __future__ import annotations

import asyncio
import email
import email.policy
import re
from collections.abc import Callable, Iterator

import pytest
from accounts_gateway import PASSWORD, Accounts, Browser, Mailbox, config

Browse = Callable[[Accounts], Browser]
NEW = "another horse"


async def link_in(read: Callable[[], str], address: str, kind: str) -> dict[str, str]:
    """The members of the newest link of this kind for an address."""
    for _ in range(500):
        found = re.findall(rf"{address}\S*:? \S*/{kind}\?(\S+?)\"", read())
        if found:
            return dict(part.split("=") for part in found[-1].split("&"))
        await asyncio.sleep(0.02)
    raise AssertionError(f"no link for {address} was printed")


async def asked(accounts: Accounts, browser: Browser, address: str) -> dict[str, str]:
    """The link that comes of asking for it, in the log."""
    before = len(accounts.printed)
    reply = await browser.post("/api/auth/requestPasswordReset", {"email": address})
    assert reply.status == 200
    return await link_in(lambda: accounts.printed[before:], address, "reset-password")


async def test_a_link_gives_another_password_once_and_ends_all_sessions(
    accounts: Accounts, browse: Browse, browser: Browser, address: str
) -> None:
    user = await browser.joined(address)
    link = await asked(accounts, browser, address)
    assert link["userId"] == user["id"]
    body = {"userId": link["userId"], "token": link["token"], "password": NEW, "confirm_password": NEW}
    stranger = browse(accounts)
    short = await stranger.post("/api/auth/resetPassword", {**body, "password": "short"})
    assert (short.status, list(short.body)) == (400, ["message"])
    done = await stranger.post("/api/auth/resetPassword", body)
    assert (done.status, done.body) == (200, {"message": "Password reset was successful"})
    again = await stranger.post("/api/auth/resetPassword", {**body, "password": "a third horse"})
    assert (again.status, again.body) == (400, {"message": "Invalid or expired password reset token"})
    assert (await browser.refresh()).status == 401
    for _ in range(200):
        if (await browser.get("/api/user")).status == 401:
            break
        await asyncio.sleep(0.05)
    assert (await browser.get("/api/user")).status == 401
    assert (await stranger.login(address)).status == 404
    assert (await stranger.login(address, NEW)).status == 200


async def test_a_later_link_takes_the_place_of_the_earlier_one(
    accounts: Accounts, browser: Browser, address: str
) -> None:
    await browser.joined(address)
    first, second = await asked(accounts, browser, address), await asked(accounts, browser, address)
    for link, status in ((first, 400), (second, 200)):
        reply = await browser.post("/api/auth/resetPassword", {**link, "password": NEW})
        assert reply.status == status


async def test_a_link_is_for_its_user_alone(accounts: Accounts, browse: Browse, browser: Browser, address: str) -> None:
    await browser.joined(address)
    other = await browse(accounts).joined(f"other-{address}")
    link = await asked(accounts, browser, address)
    for body in (
        {"userId": other["id"], "token": link["token"]},
        {"userId": "usr_nobody", "token": link["token"]},
        {"userId": "\x00", "token": link["token"]},
        {"userId": link["userId"], "token": ""},
        {"userId": link["userId"], "token": "0" * 64},
    ):
        reply = await browser.post("/api/auth/resetPassword", {**body, "password": NEW})
        assert (reply.status, reply.body) == (400, {"message": "Invalid or expired password reset token"})
    assert (await browser.login(address)).status == 200


async def test_an_address_that_nobody_has_gets_the_same_answer(
    accounts: Accounts, browser: Browser, address: str
) -> None:
    await browser.joined(address)
    known = await browser.post("/api/auth/requestPasswordReset", {"email": address})
    unknown = await browser.post("/api/auth/requestPasswordReset", {"email": f"no-{address}"})
    strange = await browser.post("/api/auth/requestPasswordReset", {"email": "no address"})
    assert (known.status, known.body) == (unknown.status, unknown.body) == (strange.status, strange.body)
    assert "link" not in known.body
    assert f"no-{address}" not in accounts.printed


@pytest.fixture(scope="module")
def mailing(tmp_path_factory: pytest.TempPathFactory, mailbox: Mailbox) -> Iterator[Accounts]:
    """With a mail server, and addresses that have to be verified."""
    environ = {
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": str(mailbox.port),
        "EMAIL_FROM": "chat@example.org",
        "EMAIL_FROM_NAME": "Our Chät",
        "DOMAIN_CLIENT": "https://chat.example.org/",
        "ALLOW_UNVERIFIED_EMAIL_LOGIN": "false",
    }
    with Accounts(tmp_path_factory.mktemp("mailing"), config(), environ=environ) as running:
        yield running


def link_of(letter: str, kind: str) -> dict[str, str]:
    text = email.message_from_string(letter, policy=email.policy.default).get_content()
    [found] = re.findall(rf"https://chat\.example\.org/{kind}\?(\S+)", text)
    return dict(part.split("=") for part in found.replace("%40", "@").split("&"))


async def test_who_registers_shows_whose_the_address_is(
    mailing: Accounts, mailbox: Mailbox, browse: Browse, address: str
) -> None:
    browser, number = browse(mailing), len(mailbox.letters)
    await browser.register(address)
    letter = await mailbox.letter(number)
    link = link_of(letter, "verify")
    envelope = mailbox.letters[number]
    assert (envelope.mail_from, envelope.rcpt_tos) == ("chat@example.org", [address])
    early = await browser.login(address)
    assert (early.status, early.body, early.cookies) == (422, {"message": "Email not verified."}, [])
    for body in ({**link, "token": "0" * 64}, {**link, "email": "eve@example.org"}, {}):
        assert (await browser.post("/api/user/verify", body)).status == 400
    assert (await browser.post("/api/user/verify", link)).status == 200
    assert (await browser.post("/api/user/verify", link)).status == 400
    assert (await browser.login(address)).body["user"]["emailVerified"] is True


async def test_another_link_to_verify_is_sent_to_whom_it_may_concern(
    mailing: Accounts, mailbox: Mailbox, browse: Browse, address: str
) -> None:
    browser, number = browse(mailing), len(mailbox.letters)
    await browser.register(address)
    first = link_of(await mailbox.letter(number), "verify")
    answers = [await browser.post("/api/user/verify/resend", {"email": to}) for to in (address, f"no-{address}")]
    assert answers[0].body == answers[1].body
    second = link_of(await mailbox.letter(number + 1), "verify")
    assert (await browser.post("/api/user/verify", first)).status == 400
    assert (await browser.post("/api/user/verify", second)).status == 200
    assert (await browser.post("/api/user/verify/resend", {"email": address})).body == answers[0].body
    assert len(mailbox.letters) == number + 2


async def test_a_link_for_another_password_comes_by_mail_and_stands_in_no_log(
    mailing: Accounts, mailbox: Mailbox, browse: Browse, address: str
) -> None:
    browser, number = browse(mailing), len(mailbox.letters)
    await browser.register(address)
    await mailbox.letter(number)
    await browser.post("/api/auth/requestPasswordReset", {"email": address})
    link = link_of(await mailbox.letter(number + 1), "reset-password")
    assert link["token"] not in mailing.printed
    assert (await browser.post("/api/auth/resetPassword", {**link, "password": NEW})).status == 200
    assert (await browser.login(address, NEW)).status == 200, "the mail shows whose the address is"
    assert PASSWORD not in mailing.printed
    assert NEW not in mailing.printed


async def test_before_a_login_the_client_is_told_what_it_may_do(
    mailing: Accounts, accounts: Accounts, browse: Browse
) -> None:
    names = ("emailLoginEnabled", "registrationEnabled", "passwordResetEnabled", "emailEnabled", "minPasswordLength")
    for gateway, mail in ((mailing, True), (accounts, False)):
        said = (await browse(gateway).get("/api/config")).body
        assert [said[name] for name in names] == [True, True, True, mail, 8]

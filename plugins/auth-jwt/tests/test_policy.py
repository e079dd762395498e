"""What variables allow, and why nobody can log in where they do not."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from accounts_gateway import SECRETS
from gateway_auth_jwt.cookies import no_cookies, session_cookies
from gateway_auth_jwt.mailer import mail_server
from gateway_auth_jwt.policy import EXAMPLES, Policy, findings, policy
from gateway_auth_jwt.registering import is_address, is_allowed
from gateway_auth_jwt.settings import AuthJwt, Registration

from gateway import Secret, Settings, SettingsError, SignIn, Store


class Kept(Store):
    name, location = "kept", ""

    def __init__(self, logins: Any = object()) -> None:  # noqa: B008
        self.logins = logins

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def ping(self) -> str | None:
        return None


def settings(own: AuthJwt | None = None, **environ: str) -> Settings:
    return Settings({AuthJwt: own or AuthJwt()}, {**SECRETS, **environ}, frozenset())


def of(own: AuthJwt | None = None, **environ: str) -> Policy:
    return policy(settings(own, **environ), Kept())


def test_with_two_secrets_people_log_in_and_may_do_what_librechats_defaults_allow() -> None:
    found = of()
    assert found.why_not == ""
    assert found.sign_in == SignIn(email=True, deletion=True, shortest_password=8)
    assert (found.access, found.refresh, found.unverified, found.domains, found.mail) == (900, 604800, False, (), None)
    assert found.client == "http://localhost:3080"


@pytest.mark.parametrize(
    ("environ", "own", "why"),
    [
        ({"JWT_SECRET": ""}, None, "JWT_SECRET is not set"),
        ({"JWT_REFRESH_SECRET": ""}, None, "JWT_REFRESH_SECRET is not set"),
        ({"JWT_SECRET": "x" * 31}, None, "JWT_SECRET is shorter than 32"),
        *(({"JWT_REFRESH_SECRET": known}, None, "which everybody knows") for known in sorted(EXAMPLES)),
        ({}, AuthJwt(secret=Secret("${NOT_SET}")), "the variable NOT_SET in gateway.auth-jwt.secret is not set"),
        ({}, AuthJwt(enabled=False), "gateway.auth-jwt.enabled is false"),
    ],
)
def test_why_nobody_can_log_in_is_said_and_nothing_is_offered(
    environ: dict[str, str], own: AuthJwt | None, why: str
) -> None:
    given = settings(own, ALLOW_REGISTRATION="true", **environ)
    found = policy(given, Kept())
    assert why in found.why_not
    assert found.sign_in == SignIn()
    told = [finding.what for finding in findings(given, Kept())]
    assert told == ([] if own is not None and not own.enabled else [f"nobody can log in: {found.why_not}"])


def test_without_a_store_of_logins_nobody_can_log_in() -> None:
    for store in (None, Kept(None)):
        assert "no store" in policy(settings(), store).why_not
    untouched = Settings({}, {}, frozenset())
    assert findings(untouched, Kept()) == []


def test_the_section_counts_more_than_the_variables() -> None:
    own = AuthJwt(secret=Secret("${MINE}"), refresh_secret=Secret("r" * 32))
    found = policy(Settings({AuthJwt: own}, {"MINE": "m" * 32}, frozenset()), Kept())
    assert (found.why_not, found.secret, found.refresh_secret) == ("", Secret("m" * 32), Secret("r" * 32))
    assert "mmm" not in repr(found)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1000 * 60 * 15", 900), ("(1000 * 60 * 60 * 24) * 7", 604800), ("5000", 5), ("1000*1.5", None), ("0", None)],
)
def test_times_are_products_of_milliseconds(text: str, seconds: float | None) -> None:
    if seconds is not None:
        assert of(SESSION_EXPIRY=text).access == seconds
        assert of(REFRESH_TOKEN_EXPIRY=text).refresh == seconds
        return
    with pytest.raises(SettingsError, match="SESSION_EXPIRY"):
        of(SESSION_EXPIRY=text)


def test_only_true_switches_on() -> None:
    for text, on in (("true", True), (" TRUE ", True), ("1", False), ("yes", False), ("false", False)):
        found = of(ALLOW_REGISTRATION=text, ALLOW_PASSWORD_RESET=text, ALLOW_EMAIL_LOGIN=text).sign_in
        assert (found.registration, found.password_reset, found.email) == (on, on, on)


def test_cookies_are_secure_as_librechat_decides_it() -> None:
    for environ, secure in (
        ({}, False),
        ({"NODE_ENV": "production"}, True),
        ({"NODE_ENV": "production", "DOMAIN_SERVER": "http://localhost:3080"}, False),
        ({"NODE_ENV": "production", "DOMAIN_SERVER": "http://chat.example.org"}, True),
        ({"DOMAIN_SERVER": "https://chat.example.org"}, True),
    ):
        assert of(**environ).secure is secure, environ
    assert of(AuthJwt(secure_cookies=True)).secure
    assert not of(AuthJwt(secure_cookies=False), NODE_ENV="production").secure
    for cookie in (*session_cookies("t", 4e9, secure=True), *no_cookies(secure=True)):
        assert cookie.endswith("; HttpOnly; SameSite=Strict; Secure")


def test_a_mail_server_is_one_with_a_host_and_a_sender() -> None:
    assert mail_server(settings(EMAIL_HOST="mail.example.org")) is None
    found = mail_server(settings(EMAIL_HOST="h", EMAIL_FROM="a@example.org", EMAIL_PASSWORD="hush", EMAIL_PORT="465"))
    assert found is not None
    assert (found.port, found.sender_name, found.encryption) == (465, "LibreChat", "")
    assert "hush" not in repr(found)
    for name, text in (("EMAIL_PORT", "no"), ("EMAIL_PORT", "0"), ("EMAIL_ENCRYPTION", "ssl")):
        with pytest.raises(SettingsError, match=name):
            mail_server(settings(EMAIL_HOST="h", EMAIL_FROM="a@example.org", **{name: text}))
    assert [one.path for one in findings(settings(EMAIL_SERVICE="gmail"), Kept())] == ["EMAIL_SERVICE"]


def test_domains_are_whole_and_one_may_stand_alone() -> None:
    assert Registration(allowed_domains="Example.org").domains == ("example.org",)
    domains = Registration(allowed_domains=("@example.org", " other.example ")).domains
    for address, allowed in (
        ("ann@example.org", True),
        ("ann@other.example", True),
        ("ann@sub.example.org", False),
        ("ann@notexample.org", False),
        ("ann@example.org.evil.example", False),
    ):
        assert is_allowed(address, domains) is allowed, address
    assert is_allowed("ann@anywhere.example", ())


def test_addresses_are_what_mail_can_be_sent_to() -> None:
    for good in ("ann@example.org", "a.b+c@sub.example.org", "ö@example.org"):
        assert is_address(good), good
    for bad in (
        "",
        "ann",
        "@example.org",
        "ann@example",
        "a b@example.org",
        "a@b@example.org",
        "a@example.org\n",
        "\ud800@example.org",
    ):
        assert not is_address(bad), bad


def test_logging_a_policy_shows_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("test").warning("%s", of())
    assert SECRETS["JWT_SECRET"] not in caplog.text

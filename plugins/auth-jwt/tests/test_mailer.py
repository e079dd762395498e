"""Letters through a real SMTP server: over TLS, by login, and nothing to a server that is not who it should be."""

from __future__ import annotations

import asyncio
import logging
import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from gateway_auth_jwt.mailer import MOST, Letter, Mailer, mail_server, send

from gateway import SettingsError
from gateway.testing import installed
from gateway.testing.servers import free_port

LETTER = Letter("ann@example.org", "Another password", "Somebody asked for it:", "https://here.example/reset")
NAME, PASSWORD = "gateway", "horse-of-the-mail-server"
NOW = datetime.now(UTC)
ENCRYPTIONS = ["starttls", "tls"]
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")  # it is TLS from the beginning
Serve = Callable[..., "Server"]


class Server:
    """letters, logins: as they came, and whether over TLS. A server of implicit TLS knows no STARTTLS."""

    def __init__(self, encryption: str, context: ssl.SSLContext | None) -> None:
        self.letters: list[str] = []
        self.logins: list[tuple[str, str]] = []
        self.encrypted: list[bool] = []
        more: dict[str, Any] = {"authenticator": self._authenticate, "auth_required": context is not None}
        if encryption == "tls":
            more |= {"ssl_context": context, "auth_require_tls": False}
        else:
            more |= {"tls_context": context, "require_starttls": context is not None}
        self.controller = Controller(self, hostname="127.0.0.1", port=free_port(), **more)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.letters.append(envelope.content.decode())
        self.encrypted.append(server.transport.get_extra_info("ssl_object") is not None)
        return "250 OK"

    def _authenticate(
        self, server: Any, session: Any, envelope: Any, mechanism: str, data: LoginPassword
    ) -> AuthResult:
        given = data.login.decode(), data.password.decode()
        self.logins.append(given)
        return AuthResult(success=given == (NAME, PASSWORD), handled=False)

    def environ(self, **more: str) -> dict[str, str]:
        given = {"EMAIL_HOST": "localhost", "EMAIL_PORT": str(self.controller.port), "EMAIL_FROM": "gw@here.example"}
        return {**given, "EMAIL_USERNAME": NAME, "EMAIL_PASSWORD": PASSWORD, **more}


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """The only one that this machine trusts."""
    made = trustme.CA()
    made.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    return made


@pytest.fixture
def serve() -> Iterator[Serve]:
    """`serve(encryption, certificate)`: a server that runs."""
    with ExitStack() as running:

        def start(encryption: str, certificate: trustme.LeafCert | None) -> Server:
            context = None
            if certificate is not None:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                certificate.configure_cert(context)
            server = Server(encryption, context)
            server.controller.start()
            running.callback(server.controller.stop)
            return server

        yield start


def sent(server: Server, **more: str) -> None:
    found = mail_server(installed.bare_settings(server.environ(**more)))
    assert found is not None
    send(found, LETTER)


@pytest.mark.parametrize("encryption", ENCRYPTIONS)
def test_a_letter_goes_over_tls_by_login(authority: trustme.CA, serve: Serve, encryption: str) -> None:
    server = serve(encryption, authority.issue_cert("localhost"))
    sent(server, EMAIL_ENCRYPTION=encryption, EMAIL_FROM_NAME="Gatewäy")
    assert (server.logins, server.encrypted) == ([(NAME, PASSWORD)], [True])
    [letter] = server.letters
    assert "To: ann@example.org" in letter
    assert LETTER.link in letter


def test_without_a_word_starttls_is_used_where_the_server_has_it(authority: trustme.CA, serve: Serve) -> None:
    server = serve("starttls", authority.issue_cert("localhost"))
    sent(server)
    assert (server.logins, server.encrypted) == ([(NAME, PASSWORD)], [True])


def test_where_starttls_is_asked_for_nothing_goes_without_it(authority: trustme.CA, serve: Serve) -> None:
    server = serve("starttls", None)
    with pytest.raises(smtplib.SMTPNotSupportedError):
        sent(server, EMAIL_ENCRYPTION="starttls")
    assert (server.logins, server.letters) == ([], [])


@pytest.mark.parametrize("wrong", ["authority", "name", "expired"])
@pytest.mark.parametrize("encryption", ["", *ENCRYPTIONS], ids=["default", *ENCRYPTIONS])
def test_a_server_with_a_wrong_certificate_gets_neither_password_nor_letter(
    authority: trustme.CA, serve: Serve, encryption: str, wrong: str
) -> None:
    certificate = {
        "authority": lambda: trustme.CA().issue_cert("localhost"),
        "name": lambda: authority.issue_cert("mail.example"),
        "expired": lambda: authority.issue_cert("localhost", not_after=NOW - timedelta(days=1)),
    }[wrong]()
    server = serve(encryption, certificate)
    with pytest.raises(ssl.SSLCertVerificationError):
        sent(server, EMAIL_ENCRYPTION=encryption)
    assert (server.logins, server.letters) == ([], [])
    sent(server, EMAIL_ENCRYPTION=encryption, EMAIL_ALLOW_SELFSIGNED="true")
    assert (server.logins, server.encrypted) == ([(NAME, PASSWORD)], [True])


async def test_a_login_that_is_refused_is_logged_without_the_password(
    authority: trustme.CA, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    server = serve("tls", authority.issue_cert("localhost"))
    environ = server.environ(EMAIL_ENCRYPTION="tls", EMAIL_PASSWORD="another-horse")
    mailer = Mailer(mail_server(installed.bare_settings(environ)), logging.getLogger("test.mailer"))
    mailer.post(LETTER)
    await mailer.close()
    assert (server.logins, server.letters) == ([(NAME, "another-horse")] * 2, [])
    assert "a mail to ann@example.org was not sent by localhost: (535" in caplog.text
    assert "another-horse" not in caplog.text


async def test_what_waits_behind_requests_is_bounded_and_keeps_no_letter_from_going(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Requests for a link come from anybody, and a store that hangs would hold them all."""
    mailer, free, done = Mailer(None, logging.getLogger("test.mailer")), asyncio.Event(), []

    async def work() -> None:
        await free.wait()
        mailer.post(LETTER)
        done.append(1)

    for _ in range(MOST + 5):
        mailer.behind(work(), "a link of usr_1")
    assert caplog.text.count(f"a link of usr_1 was not done: {MOST} others wait") == 5
    free.set()
    await mailer.close()
    assert len(done) == MOST
    assert caplog.text.count(LETTER.link) == MOST


@pytest.mark.parametrize(("name", "value"), [("EMAIL_PORT", "smtp"), ("EMAIL_ENCRYPTION", "ssl")])
def test_what_the_variables_say_wrongly_is_told_at_the_start(name: str, value: str) -> None:
    environ = {"EMAIL_HOST": "localhost", "EMAIL_FROM": "gw@here.example", name: value}
    with pytest.raises(SettingsError, match=f"{name}: '{value}'"):
        mail_server(installed.bare_settings(environ))

"""Mailer: letters to users, sent behind the request by SMTP; where no server is named, they stand in the log."""

from __future__ import annotations

import asyncio
import logging
import smtplib
import ssl
from collections.abc import Coroutine
from contextlib import suppress
from email.message import EmailMessage
from email.utils import formataddr, make_msgid
from typing import Any

from msgspec import Struct

from gateway import Secret, Settings, SettingsError

TIMEOUT = 15.0
MOST = 100
"""Letters on their way at a time, and works behind requests; more are not sent or done, which is logged."""


class MailServer(Struct, frozen=True):
    """encryption: tls from the beginning, starttls required, or neither: starttls where the server has it."""

    host: str
    port: int
    sender: str
    sender_name: str
    user: str = ""
    password: Secret = Secret("")
    encryption: str = ""
    self_signed: bool = False


class Letter(Struct, frozen=True):
    """link: what it is sent for."""

    to: str
    subject: str
    words: str
    link: str


def mail_server(settings: Settings) -> MailServer | None:
    """By LibreChat's variables. Raises SettingsError."""
    host, sender = settings.env("EMAIL_HOST"), settings.env("EMAIL_FROM")
    if not host or not sender:
        return None
    port, encryption = settings.env("EMAIL_PORT") or "25", (settings.env("EMAIL_ENCRYPTION") or "").lower()
    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise SettingsError(f"EMAIL_PORT: {port!r} is no port; write one, as 587")
    if encryption not in ("", "tls", "starttls"):
        raise SettingsError(f"EMAIL_ENCRYPTION: {encryption!r} is neither tls nor starttls; write one of them")
    return MailServer(
        host=host,
        port=int(port),
        sender=sender,
        sender_name=settings.env("EMAIL_FROM_NAME") or settings.env("APP_TITLE") or "LibreChat",
        user=settings.env("EMAIL_USERNAME") or "",
        password=Secret(settings.env("EMAIL_PASSWORD") or ""),
        encryption=encryption,
        self_signed=(settings.env("EMAIL_ALLOW_SELFSIGNED") or "").lower() == "true",
    )


class Mailer:
    """server: None where there is none."""

    def __init__(self, server: MailServer | None, log: logging.Logger) -> None:
        self._server = server
        self._log = log
        self._letters: set[asyncio.Task[None]] = set()
        self._works: set[asyncio.Task[None]] = set()

    def post(self, letter: Letter) -> None:
        """Never waits."""
        if self._server is None:
            self._log.warning("no mail server is set (EMAIL_HOST), so this is for %s: %s", letter.to, letter.link)
        elif len(self._letters) >= MOST:
            self._log.error("a mail to %s was not sent: %s others are on their way", letter.to, MOST)
        else:
            _begin(self._send(self._server, letter), self._letters)

    def behind(self, work: Coroutine[Any, Any, None], what: str) -> None:
        """Behind the request, and before the worker ends. what: for the log, where there is too much to do."""
        if len(self._works) >= MOST:
            work.close()
            self._log.error("%s was not done: %s others wait", what, MOST)
        else:
            _begin(work, self._works)

    async def close(self) -> None:
        """After what is on its way, and what comes of it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(TIMEOUT):
                while running := self._works | self._letters:
                    await asyncio.wait(running)

    async def _send(self, server: MailServer, letter: Letter) -> None:
        try:
            await asyncio.to_thread(send, server, letter)
        except (OSError, smtplib.SMTPException, ValueError) as error:
            self._log.error("a mail to %s was not sent by %s: %s", letter.to, server.host, error)


def _begin(work: Coroutine[Any, Any, None], running: set[asyncio.Task[None]]) -> None:
    task = asyncio.create_task(work)
    running.add(task)
    task.add_done_callback(running.discard)


def send(server: MailServer, letter: Letter) -> None:
    """Raises OSError, SMTPException; ValueError for an address that is none."""
    message = EmailMessage()
    message["From"] = formataddr((server.sender_name, server.sender))
    message["To"] = letter.to
    message["Subject"] = letter.subject
    message["Message-ID"] = make_msgid(domain=server.sender.rpartition("@")[2] or None)
    message.set_content(f"{letter.words}\n\n{letter.link}\n")
    with _connected(server) as connection:
        if server.user:
            connection.login(server.user, server.password.reveal())
        connection.send_message(message, server.sender, [letter.to])


def _connected(server: MailServer) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if server.self_signed:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if server.encryption == "tls":
        return smtplib.SMTP_SSL(server.host, server.port, timeout=TIMEOUT, context=context)
    connection = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT)
    try:
        connection.ehlo()
        if server.encryption == "starttls" or connection.has_extn("starttls"):
            connection.starttls(context=context)
            connection.ehlo()
    except BaseException:
        connection.close()
        raise
    return connection

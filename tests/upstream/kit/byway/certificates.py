"""Certificates of a test's own authority, and what is wrong with some."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta

import trustme


class Authority:
    """names: that a server was asked for by (SNI), the newest last."""

    def __init__(self) -> None:
        self._ca = trustme.CA()
        self.pem = self._ca.cert_pem.bytes().decode()
        self.names: list[str | None] = []

    def server(self, *names: str, expired: bool = False) -> ssl.SSLContext:
        """Of a server with a certificate for these."""
        end = datetime.now(UTC) - timedelta(days=1) if expired else None
        begin = datetime.now(UTC) - timedelta(days=9) if expired else None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ca.issue_cert(*names, not_before=begin, not_after=end).configure_cert(context)
        context.sni_callback = self._asked
        return context

    def _asked(self, connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        self.names.append(name)

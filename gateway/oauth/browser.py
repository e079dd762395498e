"""What a browser is told while its user logs in, and the cookie by which it is known again.

A login belongs to the browser that began it: otherwise somebody could let others log in for him, and have what they may
do there.
"""

from __future__ import annotations

import re
import secrets
from html import escape

from ..inbound import Inbound
from ..routes import Answer

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<body><h1>{title}</h1><p>{words}</p>{more}</body></html>
"""
_ASKING = '<form method="post"><button>{button}</button></form>'
_SAFE = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
}
_SECONDS = 3600


class BrowserCookie:
    """name: of the cookie. path: below which it is sent."""

    def __init__(self, name: str, path: str) -> None:
        self._name, self._path = name, path
        self._pattern = re.compile(rf"(?:^|;\s*){name}=([A-Za-z0-9_-]{{43}})(?:;|$)")

    def of(self, inbound: Inbound) -> str:
        """Nothing where the browser shows none."""
        found = self._pattern.search(inbound.headers.get("cookie", ""))
        return found[1] if found else ""

    def known(self, inbound: Inbound) -> str:
        """The browser's, or a new one."""
        return self.of(inbound) or secrets.token_urlsafe(32)

    def set(self, value: str, redirect_uri: str) -> str:
        """As `Set-Cookie`. redirect_uri: where it is to come back with it."""
        secure = "; Secure" if redirect_uri.startswith("https:") else ""
        return f"{self._name}={value}; HttpOnly; SameSite=Lax; Path={self._path}; Max-Age={_SECONDS}{secure}"


def sent_to(url: str, cookie: str, status: int = 302) -> Answer:
    """To where the user logs in."""
    headers = {"location": url, "cache-control": "no-store", "referrer-policy": "no-referrer"}
    return Answer(b"", status, headers=headers, cookies=(cookie,))


def page(title: str, words: str, status: int = 200, button: str = "") -> Answer:
    """button: what it says, where the page asks whether to go on; a POST to its own address says yes."""
    more = _ASKING.format(button=escape(button)) if button else ""
    body = _PAGE.format(title=escape(title), words=escape(words), more=more).encode()
    return Answer(body, status, "text/html; charset=utf-8", headers=_SAFE)

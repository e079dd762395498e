"""A server of 2026-07-28 over HTTP: each request stands by itself, and closing its reply cancels it.

Source: https://modelcontextprotocol.io/specification/2026-07-28/basic/transports
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from msgspec import Raw

from .answers import answer
from .connection import Connection, Headers, Welcome
from .failures import Faulted, HttpRefused
from .headers import encoded
from .messages import MODERN, Message, Params, modern_meta, request
from .place import LOGINS, Place

_NAMED = {"tools/call": "name", "resources/read": "uri", "prompts/get": "name"}


class ModernHttp(Connection):
    def __init__(self, place: Place) -> None:
        super().__init__()
        self.welcome = Welcome(MODERN)
        self._place = place
        self._idents = itertools.count(1)
        self._meta = modern_meta()

    async def ask(self, method: str, params: Params, headers: Headers) -> Raw:
        ident = next(self._idents)
        body = request(ident, method, {**params, "_meta": self._meta})
        try:
            reply = await self._place.post(body, {**self._place.headers, **headers, **_routing(method, params)})
        except HttpRefused as error:
            if error.fault is not None and error.status not in LOGINS:
                raise Faulted(error.fault) from error
            raise
        return await answer(self._place, reply, ident, self._aside)

    async def close(self) -> None:
        """There is nothing to close."""

    def _aside(self, message: Message) -> None:
        if message.method == "notifications/tools/list_changed":
            self.changed()


def _routing(method: str, params: Params) -> Mapping[str, str]:
    """What proxies may route by without reading the body."""
    routing = {"mcp-protocol-version": MODERN, "mcp-method": method}
    name = params.get(_NAMED.get(method, ""))
    return {**routing, "mcp-name": encoded(name)} if isinstance(name, str) else routing

"""Callers: whose keys LibreChat takes, and which agents each may call.

LibreChat is asked with the key itself, for a minute at most; what is kept is the key's digest, never its text.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping, Sequence

import msgspec
from cachetools import TTLCache

from gateway import Credential, Forbidden, Model, Principal, Timeouts, Unavailable, Upstream, UpstreamError
from gateway.wire import jsontext
from gateway.wire.refusals import said

from .listing import agents

KEPT = 60.0
"""Seconds for which LibreChat's word about a key counts."""
WRONG = 5.0
"""The same for its word that it knows no such key."""
MOST, MOST_WRONG = 20_000, 5_000
AT_ONCE = 64
"""Questions that LibreChat is asked at a time; others wait for their turn."""
TIMES = Timeouts(connect=5.0, first_byte=10.0, idle=10.0)
LARGEST = 8 * 2**20
SHOWN = 32
"""Hex digits of a key's digest by which its caller is known."""


class Caller(msgspec.Struct, frozen=True):
    """asked: when LibreChat was, by the monotonic clock. agents: what it lists for this key."""

    principal: Principal
    agents: tuple[Model, ...]
    asked: float


class Callers:
    """One LibreChat's. url: of its list of agents. headers: the operator's own. since: seconds, monotonic."""

    def __init__(
        self,
        upstream: Upstream,
        endpoint: str,
        url: str,
        headers: Mapping[str, str],
        role: str,
        since: Callable[[], float] = time.monotonic,
    ) -> None:
        self.endpoint, self.url = endpoint, url
        self._upstream, self._headers, self._role, self._since = upstream, headers, role, since
        self._known: TTLCache[str, Caller] = TTLCache(MOST, 2 * KEPT, since)
        self._wrong: TTLCache[str, None] = TTLCache(MOST_WRONG, WRONG, since)
        self._asking: dict[str, asyncio.Task[Caller | None]] = {}
        self._turn = asyncio.Semaphore(AT_ONCE)

    def same(self, other: Callers) -> bool:
        """Whether what one knows is true of the other."""
        return (self.endpoint, self.url, self._headers, self._role) == (
            other.endpoint,
            other.url,
            other._headers,
            other._role,
        )

    async def find(self, key: str) -> Principal | None:
        """Whose key it is; None where LibreChat knows no such key. Raises Forbidden, Unavailable."""
        name = self._name(key)
        caller = self._known.get(name)
        if caller is not None and self._since() - caller.asked < KEPT:
            return caller.principal
        if name in self._wrong:
            return None
        task = self._asking.get(name)
        if task is None:
            task = self._asking[name] = asyncio.create_task(self._ask(name, key))
            task.add_done_callback(lambda ended: self._asked(name, ended))
        caller = await asyncio.shield(task)
        return None if caller is None else caller.principal

    def has(self, principal: Principal) -> bool:
        """Whether the principal came by one of LibreChat's keys."""
        return principal.key_id.startswith(f"{self.endpoint}:")

    def agents(self, principal: Principal) -> Sequence[Model]:
        """What LibreChat lists for its key, asked about when it came in."""
        caller = self._known.get(principal.key_id)
        return () if caller is None else caller.agents

    def proven(self, principal: Principal, credential: Credential | None) -> str | None:
        """The key's text, where the request holds the very key that the principal came by."""
        if credential is None or not self.has(principal):
            return None
        key = credential.secret.reveal()
        return key if hmac.compare_digest(self._name(key), principal.key_id) else None

    def forget(self, principal: Principal) -> None:
        """LibreChat has just refused its key."""
        self._known.pop(principal.key_id, None)

    def _asked(self, name: str, ended: asyncio.Task[Caller | None]) -> None:
        """What it raised is looked at here, too: whoever waited for it may have left."""
        self._asking.pop(name, None)
        if not ended.cancelled():
            ended.exception()

    def _name(self, key: str) -> str:
        """HTTP libraries give bytes that are no UTF-8 as lone surrogates, hence the error handler."""
        digest = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()
        return f"{self.endpoint}:{digest[:SHOWN]}"

    async def _ask(self, name: str, key: str) -> Caller | None:
        asked = self._since()
        async with self._turn:
            status, body = await self._get(key)
        if status == 401:
            self._known.pop(name, None)
            self._wrong[name] = None
            return None
        if status == 403:
            raise Forbidden(_words(body) or "LibreChat does not let this key's user call agents through its API.")
        if status != 200:
            raise Unavailable(f"LibreChat cannot say now whose key this is: it answered with status {status}.")
        try:
            listed = agents(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise Unavailable("What answers at LibreChat's address is not its Agents API.") from error
        caller = Caller(Principal(name, self._role, key_id=name), listed, asked)
        self._known[name] = caller
        return caller

    async def _get(self, key: str) -> tuple[int, bytes]:
        headers = {**self._headers, "authorization": f"Bearer {key}"}
        try:
            reply = await self._upstream.send("GET", self.url, headers, timeouts=TIMES)
            try:
                return reply.status, await reply.read(LARGEST)
            finally:
                reply.close()
        except UpstreamError as error:
            raise Unavailable("LibreChat cannot be asked now whose key this is; try again in a moment.") from error


def _words(body: bytes) -> str:
    return said(jsontext.anything(body)).message

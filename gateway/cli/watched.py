"""Watched: outgoing HTTP that tells what became of it, since lists of models are renewed behind callers' backs."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar

import msgspec

from ..errors import GatewayError, UpstreamError
from ..provider import Provider, Reply, Sending, Timeouts, Trust, Upstream
from ..upstream import HttpUpstream


class Listed(msgspec.Struct, frozen=True):
    """An endpoint's models. asked: whether the upstream was asked for them. status: its answer's, 0 where none came.

    trouble: why there is no list, or no fresh one; "" where all is well.
    """

    names: tuple[str, ...]
    asked: bool = False
    status: int = 0
    error: UpstreamError | None = None
    trouble: str = ""


class _Seen:
    def __init__(self) -> None:
        self.asked = False
        self.status = 0
        self.error: UpstreamError | None = None


class Watched(Upstream):
    """Tasks that are begun while an endpoint's models are listed count to that listing."""

    def __init__(self, upstream: HttpUpstream) -> None:
        self._upstream = upstream
        self._seen: ContextVar[_Seen | None] = ContextVar("seen", default=None)
        self._proxies: ContextVar[set[str] | None] = ContextVar("proxies", default=None)

    def proxies(self) -> set[str]:
        """Those on the way of what this task sends from now on; it fills."""
        found = set[str]()
        self._proxies.set(found)
        return found

    async def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes = b"",
        *,
        trust: Trust = "operator",
        timeouts: Timeouts | None = None,
        sending: Sending | None = None,
    ) -> Reply:
        seen = self._seen.get() or _Seen()
        seen.asked = True
        try:
            self._note(url)
            reply = await self._upstream.send(
                method, url, headers, body, trust=trust, timeouts=timeouts, sending=sending
            )
        except UpstreamError as error:
            seen.error = error
            raise
        seen.status = reply.status
        return reply

    def _note(self, url: str) -> None:
        proxies, proxy = self._proxies.get(), self._upstream.proxy(url)
        if proxies is not None and proxy is not None:
            proxies.add(str(proxy))

    async def list(self, provider: Provider) -> Listed:
        seen = _Seen()
        token = self._seen.set(seen)
        trouble, names = "", tuple[str, ...]()
        try:
            names = tuple(await provider.models())
        except GatewayError as error:
            trouble = error.public
        finally:
            self._seen.reset(token)
        if seen.error is not None:
            trouble = seen.error.public
        elif seen.status >= 400:
            trouble = f"its list of models was answered with status {seen.status}"
        return Listed(names, seen.asked, seen.status, seen.error, trouble)

"""Connections to a proxy: one that asks it for a tunnel, and one whose requests it passes on."""

from __future__ import annotations

from typing import ClassVar

from aiohttp.hdrs import PROXY_AUTHORIZATION
from aiohttp.http_parser import RawResponseMessage

from ..errors import PROXY_FAILED, UpstreamBroken, UpstreamError, UpstreamUnreachable
from ..heads import compose
from ..provider import Rest, Timeouts
from ..proxies import Proxy
from .connection import SILENT, UNASKED, Connection

_ITS_OWN = frozenset((407, 511))
"""Statuses that no upstream has a use for (RFC 9110, 15.5.8; RFC 6585, 6)."""
_TELLS = ("Proxy-Status", "X-Squid-Error")
"""Headers in which proxies say that an answer is their own: RFC 9209, where it has an `error`; and Squid's."""


class ToProxy(Connection):
    who: ClassVar[str] = "proxy"
    code: ClassVar[str | None] = PROXY_FAILED
    __slots__ = ()


class Asking(ToProxy):
    """For one CONNECT. What comes of it is the proxy's doing, and nothing has been sent to the upstream."""

    __slots__ = ()

    async def tunnel(self, place: str, proxy: Proxy, patience: float) -> None:
        """place: host and port. patience: seconds. Raises UpstreamUnreachable and UpstreamTimeout."""
        try:
            status = await self._connect(place, proxy, patience)
        except UpstreamBroken as error:
            raise UpstreamUnreachable(error.public, code=PROXY_FAILED) from error
        if not 200 <= status < 300:
            raise UpstreamUnreachable(_refusal(status), code=PROXY_FAILED)
        self.rest()

    async def _connect(self, place: str, proxy: Proxy, patience: float) -> int:
        """The status of the answer."""
        own = [(PROXY_AUTHORIZATION, proxy.authorization.reveal())] if proxy.authorization is not None else []
        opening = compose(f"CONNECT {place} HTTP/1.1", [("Host", place), *own])
        answer = await self.ask(opening, b"", Timeouts(patience, patience, patience))
        if answer is None:
            raise self.broken(SILENT)
        if answer.code < 300 and self.payload.read_nowait():
            raise self.broken(UNASKED)
        return answer.code


class PassedOn(ToProxy):
    """Requests on it name the whole URL. Raises the proxy's own refusals instead of giving them as the upstream's."""

    __slots__ = ()

    async def ask(self, opening: bytes, body: bytes, limits: Timeouts) -> RawResponseMessage | None:
        return self._of_upstream(await super().ask(opening, body, limits))

    async def upload(self, opening: bytes, body: bytes, rest: Rest, limits: Timeouts) -> RawResponseMessage | None:
        return self._of_upstream(await super().upload(opening, body, rest, limits))

    def _of_upstream(self, answer: RawResponseMessage | None) -> RawResponseMessage | None:
        if answer is None or not _is_its_own(answer):
            return answer
        self.abort()
        raise _own(answer.code)


def _is_its_own(answer: RawResponseMessage) -> bool:
    if answer.code in _ITS_OWN:
        return True
    status, squid = (answer.headers.get(name, "") for name in _TELLS)
    return answer.code >= 400 and ("error=" in status or bool(squid))


def _own(status: int) -> UpstreamError:
    """Above 500 the request may have reached the upstream before something failed."""
    if status == 511 or status < 500:
        return UpstreamUnreachable(_refusal(status), code=PROXY_FAILED)
    return UpstreamBroken(_refusal(status), code=PROXY_FAILED)


def _refusal(status: int) -> str:
    if status == 407:
        return "The proxy does not take the gateway's credentials; its operator has to mend that."
    return f"The proxy itself answered {status}, and not the upstream."

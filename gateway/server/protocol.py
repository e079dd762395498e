"""Connections whose bytes may be no HTTP: answered in our own words, and not worth a traceback in the log."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

log = logging.getLogger("gateway.server")
Refusal = Callable[[web.BaseRequest], web.Response]


class Server(web.Server):
    """refusal: what bytes that are no request are answered with."""

    def __init__(
        self,
        handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
        refusal: Refusal,
        **options: Any,
    ) -> None:
        super().__init__(handler, **options)
        self.refusal = refusal

    def __call__(self) -> web.RequestHandler:
        return Protocol(self, self.refusal, loop=self._loop, **self._kwargs)


class Protocol(web.RequestHandler):
    __slots__ = ("_refusal",)

    def __init__(self, server: Server, refusal: Refusal, **options: Any) -> None:
        super().__init__(server, **options)
        self._refusal = refusal

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The parser's own words quote the bytes, credentials among them, so they go nowhere."""
        if not isinstance(exc, HttpProcessingError):
            return super().handle_error(request, status, exc, message)
        log.debug("no HTTP from %s: %s", request.remote, type(exc).__name__)
        refusal = self._refusal(request)
        refusal.force_close()
        return refusal

    def log_exception(self, *args: Any, **options: Any) -> None:
        """A body that cannot be decoded fails once more where its rest is thrown away."""
        if isinstance(options.get("exc_info"), web.RequestPayloadError):
            log.debug("a body could not be read to its end")
            return
        super().log_exception(*args, **options)

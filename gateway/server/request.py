"""Request: what a client asked, as far as it has come, on the HTTP library's parsed message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp.http import HttpVersion11, RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from multidict import CIMultiDict, CIMultiDictProxy

if TYPE_CHECKING:
    from .protocol import Protocol

_NO_HEADERS: CIMultiDictProxy[str] = CIMultiDictProxy(CIMultiDict())


class Request:
    """target: path and query as they came. content: the body's stream. keep_alive: whether another may follow."""

    __slots__ = ("content", "headers", "keep_alive", "method", "protocol", "target", "version")

    def __init__(self, protocol: Protocol, message: RawRequestMessage, content: StreamReader) -> None:
        self.protocol = protocol
        self.content = content
        self.method = message.method
        self.target = message.path
        self.headers = message.headers
        self.version = message.version
        self.keep_alive = not message.should_close and not message.upgrade

    @classmethod
    def unreadable(cls, protocol: Protocol) -> Request:
        """Of bytes that are no request."""
        made = cls.__new__(cls)
        made.protocol, made.content = protocol, EMPTY_PAYLOAD
        made.method, made.target, made.headers, made.version = "", "/", _NO_HEADERS, HttpVersion11
        made.keep_alive = False
        return made

    @property
    def content_length(self) -> int | None:
        length = self.headers.get("Content-Length")
        return None if length is None else int(length)

    def _cancel(self, error: BaseException) -> None:
        """The library's own call: the connection was lost, or is shut down."""
        self.content.set_exception(error)

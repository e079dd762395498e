"""What the HTTP library's parser, lenient with replies, lets through although another reader would find another end."""

from __future__ import annotations

from aiohttp.hdrs import TRANSFER_ENCODING
from aiohttp.http import HttpVersion10, HttpVersion11
from aiohttp.http_parser import RawResponseMessage
from multidict import istr

_SPACED = tuple(map(istr, ("Content-Length ", "Connection ", "Transfer-Encoding ", "Upgrade ")))
"""The names that the parser knows, and takes for what they are with a space before the colon."""


def is_plain(message: RawResponseMessage) -> bool:
    """Whether it can be read in one way only: HTTP/1.0 or 1.1, names without spaces, no coding but one `chunked`."""
    headers = message.headers
    if message.version is not HttpVersion11 and message.version is not HttpVersion10:
        return False
    for name in _SPACED:
        if name in headers:
            return False
    return TRANSFER_ENCODING not in headers or _is_chunked(headers.getall(TRANSFER_ENCODING))


def stays_open(message: RawResponseMessage) -> bool:
    """Chunks in HTTP/1.0 may have been put there by somebody who does not know them (RFC 9112, 6.1)."""
    return not message.should_close and not (message.chunked and message.version is HttpVersion10)


def _is_chunked(codings: list[str]) -> bool:
    return len(codings) == 1 and codings[0].lower() == "chunked"

"""What the HTTP library's parser, lenient with replies, lets through although another reader would find another end."""

from __future__ import annotations

from aiohttp.hdrs import TRANSFER_ENCODING
from aiohttp.http import HttpVersion10, HttpVersion11
from aiohttp.http_parser import RawResponseMessage
from multidict import istr

SPACE, TAB = b" \t"
_SPACED = tuple(map(istr, ("Content-Length ", "Connection ", "Transfer-Encoding ", "Upgrade ")))
"""The names that the parser knows, and takes for what they are with a space before the colon."""


def is_plain(message: RawResponseMessage, head: bytes) -> bool:
    """Whether it can be read in one way only: HTTP/1.0 or 1.1, plain lines, no coding but one `chunked`.

    head: the reply as it came, from its first byte.
    """
    headers = message.headers
    if message.version is not HttpVersion11 and message.version is not HttpVersion10:
        return False
    for name in _SPACED:
        if name in headers:
            return False
    if TRANSFER_ENCODING in headers and not (message.chunked and _is_chunked(headers.getall(TRANSFER_ENCODING))):
        return False
    return _begins_with_a_name(head) and ("" not in headers.values() or not _has_bare_returns(head))


def stays_open(message: RawResponseMessage) -> bool:
    """Chunks in HTTP/1.0 may have been put there by somebody who does not know them (RFC 9112, 6.1)."""
    return not message.should_close and not (message.chunked and message.version is HttpVersion10)


def _is_chunked(codings: list[str]) -> bool:
    return len(codings) == 1 and codings[0].lower() == "chunked"


def _begins_with_a_name(head: bytes) -> bool:
    """The parser skips a space behind the status line; a line of spaces there ends the headers for it."""
    lines = head.lstrip(b"\r\n")
    return lines[lines.find(b"\n") + 1] not in (SPACE, TAB)


def _has_bare_returns(head: bytes) -> bool:
    """Behind an empty value the parser takes one for a line's end, so that a value could begin another header."""
    end = head.find(b"\n\r\n") + 1 or len(head)
    return head.count(b"\r", 0, end) != head.count(b"\r\n", 0, end)

"""What the HTTP library's parser lets through and another server on the way may read otherwise: none of it is served.

nginx or HAProxy refuse each of these, or should (RFC 9112, 3.2, 6.1 and 11.2).
"""

from __future__ import annotations

import re
from functools import lru_cache

from aiohttp.hdrs import AUTHORIZATION, HOST, TRANSFER_ENCODING
from aiohttp.http import HttpVersion10, HttpVersion11, RawRequestMessage

_HOST = re.compile(r"(?:[\w.~!$&'()*+,;=%-]+|\[[\w.:%~-]+\])(?::[0-9]*)?", re.ASCII)
_ABSOLUTE = re.compile(r"\*$|https?://(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[0-9]*)?(?:[/?]|$)", re.ASCII | re.IGNORECASE)


def is_plain(message: RawRequestMessage) -> bool:
    """Whether it can be read in one way only: HTTP/1.0 or 1.1, one host, at most one credential, nothing but chunks."""
    headers = message.headers
    if message.version is HttpVersion11:
        if message.chunked and headers[TRANSFER_ENCODING].lower() != "chunked":
            return False  # a coding beneath the chunks would not be undone
    elif message.version is not HttpVersion10 or TRANSFER_ENCODING in headers:
        return False
    host = headers.get(HOST)
    if host is not None and not _is_host(host):
        return False
    target = message.path
    if "#" in target or (target[0] != "/" and not _ABSOLUTE.match(target)):
        return False
    return len(headers.getall(AUTHORIZATION, ())) < 2


@lru_cache(1024)
def _is_host(text: str) -> bool:
    return _HOST.fullmatch(text) is not None

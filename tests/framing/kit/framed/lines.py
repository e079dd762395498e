"""The request line and the lines of headers: where they end and what may stand in them."""

from __future__ import annotations

from . import BODY, FIRST, HOST, KEY, LENGTH, Case, post, refused, served

LINES = FIRST + HOST + KEY + LENGTH


def header(line: bytes) -> bytes:
    return post(LENGTH + line)


CASES: tuple[Case, ...] = (
    served("an empty line before the request", b"\r\n" + post()),
    served("a bare return before the request", b"\r" + post()),
    served("a header without a value", header(b"X-Empty:\r\n")),
    served("bytes past ASCII in a value", header(b"X-Odd: \xff\xe9\r\n")),
    served("a tab in a value", header(b"X-Odd: a\tb\r\n")),
    served("an underscore in a name", header(b"X_Odd: a\r\n")),
    served("all signs that a name may have", header(b"!#$%&'*+-.^_`|~0aA: a\r\n")),
    served("eighty headers", header(b"".join(b"X-%d: a\r\n" % n for n in range(80)))),
    served("a hundred and ten headers", header(b"".join(b"X-%d: a\r\n" % n for n in range(110)))),
    served("a header of 7 kB", header(b"X-Long: " + b"a" * 7000 + b"\r\n")),
    served("a name of a kB", header(b"X" * 1000 + b": a\r\n")),
    refused("bare line feeds throughout", (LINES + b"\r\n").replace(b"\r\n", b"\n") + BODY),
    refused("a bare line feed behind the first line", post(first=b"POST /v1/toy HTTP/1.1\n")),
    refused("a bare line feed behind a header", header(b"X-Odd: a\nX-Other: b\r\n")),
    refused("a bare line feed at the end of the headers", LINES + b"\n" + BODY),
    refused("a bare return behind a header", header(b"X-Odd: a\rX-Other: b\r\n")),
    refused("a bare return in a value", header(b"X-Odd: a\rb\r\n")),
    refused("a second return before a line feed", header(b"X-Odd: a\r\r\n")),
    refused("a null in a value", header(b"X-Odd: a\0b\r\n")),
    refused("a null in a name", header(b"X-\0: a\r\n")),
    refused("a bell in a value", header(b"X-Odd: a\x07b\r\n")),
    refused("an escape in a value", header(b"X-Odd: a\x1bb\r\n")),
    refused("a delete in a value", header(b"X-Odd: a\x7fb\r\n")),
    refused("a space in a name", header(b"X Odd: a\r\n")),
    refused("a space before a colon", header(b"X-Odd : a\r\n")),
    refused("a space before the first header", post(host=b" " + HOST)),
    refused("a folded value", header(b"X-Odd: a\r\n b\r\n")),
    refused("a value folded by a tab", header(b"X-Odd: a\r\n\tb\r\n")),
    refused("no colon", header(b"X-Odd\r\n")),
    refused("no name", header(b": a\r\n")),
    refused("parentheses in a name", header(b"X(Odd): a\r\n")),
    refused("a slash in a name", header(b"X/Odd: a\r\n")),
    refused("a quote in a name", header(b'X"Odd: a\r\n')),
    refused("bytes past ASCII in a name", header(b"X-\xe9: a\r\n")),
    refused("a header of 100 kB", header(b"X-Long: " + b"a" * 100_000 + b"\r\n")),
    refused("a name of 100 kB", header(b"X" * 100_000 + b": a\r\n")),
    refused("two thousand headers", header(b"".join(b"X-%d: a\r\n" % n for n in range(2000)))),
    refused("a first line of 100 kB", post(first=b"POST /v1/toy?" + b"a" * 100_000 + b" HTTP/1.1\r\n")),
)

"""A reply's status line and headers, and the replies that come before the final one."""

from __future__ import annotations

from .replies import BODY, LENGTH, OK, Said, broken, reply, whole

GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\n"


def also(line: bytes) -> bytes:
    return reply(LENGTH + line)


def first(line: bytes) -> bytes:
    return reply(first=line + b"\r\n")


LINES = (
    whole("no reason", first(b"HTTP/1.1 200 ")),
    whole("no space behind the status", first(b"HTTP/1.1 200")),
    whole("bytes past ASCII in the reason", first(b"HTTP/1.1 200 \xff\xe9")),
    Said("a status that nobody knows", first(b"HTTP/1.1 299 Odd"), BODY, 299, reused=True),
    broken("another protocol", first(b"SSH-2.0-x 200 OK"), "close"),
    broken("a version in small letters", first(b"http/1.1 200 OK"), "close"),
    broken("HTTP/2.0", first(b"HTTP/2.0 200 OK"), "close"),
    broken("HTTP/1.2", first(b"HTTP/1.2 200 OK"), "close"),
    broken("HTTP/0.9", first(b"HTTP/0.9 200 OK"), "close"),
    broken("no status line", BODY, "close"),
    broken("no status", first(b"HTTP/1.1"), "close"),
    broken("a status of two digits", first(b"HTTP/1.1 20 OK"), "close"),
    broken("a status of four digits", first(b"HTTP/1.1 2000 OK"), "close"),
    broken("a status below 100", first(b"HTTP/1.1 099 OK"), "close"),
    broken("a status that is no number", first(b"HTTP/1.1 2xx OK"), "close"),
    broken("a negative status", first(b"HTTP/1.1 -200 OK"), "close"),
    broken("two spaces before the status", first(b"HTTP/1.1  200 OK"), "close"),
    broken("a space before the version", first(b" HTTP/1.1 200 OK"), "close"),
)
HEADERS = (
    whole("an underscore in a name", also(b"X_Odd: a\r\n")),
    whole("two types", also(b"Content-Type: text/plain\r\nContent-Type: text/html\r\n")),
    whole("bytes past ASCII in a value", also(b"X-Odd: \xff\xe9\r\n")),
    whole("a header without a value", also(b"X-Odd:\r\n")),
    whole("eighty headers", also(b"".join(b"X-%d: a\r\n" % n for n in range(80)))),
    whole("a header of 3 kB", also(b"X-Odd: " + b"a" * 3000 + b"\r\n")),
    broken("a null in a value", also(b"X-Odd: a\0b\r\n")),
    broken("a null in a name", also(b"X-\0dd: a\r\n")),
    broken("a bare return in a value", also(b"X-Odd: a\rX-Split: b\r\n")),
    broken("a space in a name", also(b"X Odd: a\r\n")),
    broken("a space before a colon", also(b"X-Odd : a\r\n")),
    whole("a folded value without its line feed", also(b"X-Odd:\r a\r\n")),
    broken("a word behind a bare return", also(b"X-Odd:\rX-Split: a\r\n")),
    broken("a space before the first header", reply(b" X-Odd: a\r\n" + LENGTH)),
    broken("a tab before the first header", reply(b"\tX-Odd: a\r\n" + LENGTH)),
    broken("a space before the length", reply(b" " + LENGTH), "close"),
    broken("a line of a space before the headers", reply(b" \r\n" + LENGTH), "close"),
    broken("a length behind a bare return", reply(b"X-Odd: \rContent-Length: 37\r\n")),
    whole("no headers", OK + b"\r\n" + BODY, ending="close"),
    broken("no colon", also(b"X-Odd\r\n")),
    broken("no name", also(b": a\r\n")),
    whole("a folded value", also(b"X-Odd: a\r\n b\r\n")),
    broken("bytes past ASCII in a name", also(b"X-\xe9: a\r\n")),
    broken("parentheses in a name", also(b"X(Odd): a\r\n")),
    broken("a header of 200 kB", also(b"X-Odd: " + b"a" * 200_000 + b"\r\n")),
    broken("two thousand headers", also(b"".join(b"X-%d: a\r\n" % n for n in range(2000)))),
    whole("a control byte in a value", also(b"X-Odd: a\x01b\r\n")),
    broken("a space before the colon of the connection's words", also(b"Connection : close\r\n")),
)
BEFORE = (
    whole("100 before the reply", GO_ON + reply()),
    whole("103 before the reply", HINTS + reply()),
    whole("several before the reply", GO_ON + HINTS + HINTS + reply()),
    broken("100 and nothing", GO_ON, "close"),
    broken("100 in place of a reply, with a body", b"HTTP/1.1 100 Continue\r\n" + LENGTH + b"\r\n" + BODY, "close"),
    whole("an upgrade that is only offered", also(b"Connection: upgrade, keep-alive\r\nUpgrade: h2,h2c\r\n")),
    broken("101 unasked", SWITCH + b"Connection: upgrade\r\nUpgrade: websocket\r\n\r\n", "close"),
    broken("101 unasked, and a reply", SWITCH + b"Connection: upgrade\r\nUpgrade: websocket\r\n\r\n" + reply()),
    broken("101 that names nothing, and a reply", SWITCH + b"\r\n" + reply()),
    broken("101 to HTTP/2, and a reply", SWITCH + b"Connection: upgrade\r\nUpgrade: h2c\r\n\r\n" + reply()),
)
BARE = (
    whole("bare line feeds throughout", reply().replace(b"\r\n", b"\n")),
    whole("a bare return before the reply", b"\r" + reply()),
    whole("an empty line before the reply", b"\r\n" + reply()),
)
CASES: tuple[Said, ...] = LINES + HEADERS + BEFORE + BARE

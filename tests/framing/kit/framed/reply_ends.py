"""Where a reply ends: its length, its chunks, the connection's end; and what stands behind it."""

from __future__ import annotations

from .replies import BODY, CHUNK, CHUNKED, LAST, LENGTH, OK, SIZE, Said, broken, reply, whole

N = b"%d" % len(BODY)
OLD = b"HTTP/1.0 200 OK\r\n"
KEEP = b"Connection: keep-alive\r\n"


def length(value: bytes) -> bytes:
    return reply(b"Content-Length:" + value + b"\r\n")


def coded(value: bytes, body: bytes = CHUNK + LAST) -> bytes:
    return reply(b"Transfer-Encoding:" + value + b"\r\n", body)


def chunked(body: bytes) -> bytes:
    return reply(CHUNKED, body)


def sized(line: bytes) -> bytes:
    return chunked(line + BODY + b"\r\n" + LAST)


LENGTHS = (
    whole("a length", reply()),
    whole("a length with zeros before it", length(b" 00" + N)),
    whole("a length with spaces around it", length(b"  " + N + b" ")),
    whole("a length and close", reply(LENGTH + b"Connection: close\r\n"), ending="close"),
    whole("a length and close, left open", reply(LENGTH + b"Connection: close\r\n"), reused=False),
    whole("a length and an end nobody told of", reply(), ending="close"),
    whole("a length with a tab before it", length(b"\t" + N)),
    whole("a length with a tab behind it", length(b" " + N + b"\t")),
    Said("a length of nothing", reply(b"Content-Length: 0\r\n", b""), b"", reused=True),
    broken("the same length twice", reply(LENGTH + LENGTH)),
    broken("two lengths", reply(LENGTH + b"Content-Length: 5\r\n")),
    broken("two lengths, the longer first", reply(b"Content-Length: 500\r\n" + LENGTH)),
    broken("a list of lengths", length(b" " + N + b", " + N)),
    broken("a negative length", length(b" -1"), "close"),
    broken("a length with a plus", length(b" +" + N), "close"),
    broken("a hexadecimal length", length(b" 0x25"), "close"),
    broken("a length with a space in it", length(b" 3 7"), "close"),
    broken("a length past 64 bits", length(b" 18446744073709551653"), "close"),
    broken("a length that is no number", length(b" many"), "close"),
    broken("no length in the header", length(b""), "close"),
    broken("a length and chunks", reply(LENGTH + CHUNKED, CHUNK + LAST)),
    broken("chunks and a length", reply(CHUNKED + LENGTH, CHUNK + LAST)),
    broken("a body shorter than its length", reply(b"Content-Length: 500\r\n"), "close"),
    broken("a body shorter than its length, reset", reply(b"Content-Length: 500\r\n"), "reset"),
)
CODINGS = (
    whole("chunks", chunked(CHUNK + LAST)),
    whole("chunks in capitals", coded(b" CHUNKED")),
    whole("chunks and close", reply(CHUNKED + b"Connection: close\r\n", CHUNK + LAST), ending="close"),
    whole("spaces behind the coding", coded(b" chunked  ")),
    broken("a tab behind the coding", coded(b" chunked\t"), "close"),
    Said("chunks of nothing", chunked(LAST), b"", reused=True),
    broken("chunked twice", coded(b" chunked, chunked")),
    broken("chunked in two lines", reply(CHUNKED + CHUNKED, CHUNK + LAST)),
    broken("gzip and chunked", coded(b" gzip, chunked")),
    broken("chunked and gzip", coded(b" chunked, gzip"), "close"),
    broken("identity and chunked", coded(b" identity, chunked")),
    broken("identity", coded(b" identity", BODY), "close"),
    broken("a coding that nobody knows", coded(b" snappy", BODY), "close"),
    broken("a coding that begins as chunked does", coded(b" chunkedx"), "close"),
    broken("an empty coding", coded(b"", BODY), "close"),
    broken("a space before the colon of a length", reply(b"Content-Length : 37\r\n")),
    broken("a space before the colon of a coding", reply(b"Transfer-Encoding : chunked\r\n", CHUNK + LAST), "close"),
    whole("chunks in HTTP/1.0", reply(CHUNKED, CHUNK + LAST, first=OLD), ending="close"),
    whole("chunks in HTTP/1.0 that keeps alive", reply(CHUNKED + KEEP, CHUNK + LAST, first=OLD), reused=False),
)
PIECES = (
    whole("two chunks", chunked(b"1\r\n" + BODY[:1] + b"\r\n24\r\n" + BODY[1:] + b"\r\n" + LAST)),
    whole("a size with zeros before it", sized(b"000" + SIZE + b"\r\n")),
    whole("an extension", sized(SIZE + b";a=b\r\n")),
    whole("a trailer", chunked(CHUNK + b"0\r\nX-Sum: 1\r\n\r\n")),
    broken("a trailer that is none", chunked(CHUNK + b"0\r\nX Sum\r\n\r\n")),
    broken("a negative size", sized(b"-25\r\n"), "close"),
    broken("a size with a plus", sized(b"+25\r\n"), "close"),
    broken("a size with 0x", sized(b"0x25\r\n"), "close"),
    broken("a size with an underscore", sized(b"2_5\r\n"), "close"),
    broken("a space before a size", sized(b" 25\r\n"), "close"),
    broken("a size that is no number", sized(b"zz\r\n"), "close"),
    broken("no size", sized(b"\r\n"), "close"),
    broken("a size past 64 bits", sized(b"100000000000000025\r\n"), "close"),
    broken("a bare return behind a size", sized(b"25\r"), "close"),
    broken("more in a chunk than its size", chunked(SIZE + b"\r\n" + BODY + b"x\r\n" + LAST), "close"),
    Said("a bare line feed behind a chunk", chunked(b"26\r\n" + BODY + b"\r\n" + LAST), BODY + b"\r", reused=True),
    broken("less in a chunk than its size", chunked(b"27\r\n" + BODY + b"\r\n" + LAST), "close"),
    broken("a bare line feed behind a size", sized(SIZE + b"\n"), "close"),
    whole("a space behind a size", sized(SIZE + b" \r\n")),
    broken("no last chunk", chunked(CHUNK), "close"),
    broken("no last chunk, reset", chunked(CHUNK), "reset"),
    broken("half a last chunk", chunked(CHUNK + b"0\r\n"), "close"),
    broken("a chunk cut short", chunked(b"ff\r\n" + BODY), "close"),
    broken("no chunk at all", chunked(b""), "close"),
)
ENDS = (
    whole("neither a length nor chunks", reply(b""), ending="close"),
    broken("neither a length nor chunks, reset", reply(b""), "reset"),
    whole("HTTP/1.0 and a length", reply(first=OLD), ending="close"),
    whole("HTTP/1.0 and a length, left open", reply(first=OLD), reused=False),
    whole("HTTP/1.0 that keeps alive", reply(LENGTH + b"Connection: keep-alive\r\n", first=OLD)),
    whole("HTTP/1.0 without a length", reply(b"", first=OLD), ending="close"),
    broken("HTTP/1.0 cut short", reply(b"Content-Length: 500\r\n", first=OLD), "close"),
    broken("nothing", b"", "close"),
    broken("half a status line", b"HTTP/1.1 20", "close"),
    broken("half of the headers", OK + b"Content-Type: text/pl", "close"),
    broken("headers without an end", OK + LENGTH, "close"),
    broken("headers without an end, reset", OK + LENGTH, "reset"),
    Said("204", reply(b"", b"", first=b"HTTP/1.1 204 No Content\r\n"), b"", 204, reused=True),
    Said("304 with a length", reply(body=b"", first=b"HTTP/1.1 304 Not Modified\r\n"), b"", 304, reused=True),
)
BEHIND = (
    whole("another reply behind the end", reply() + reply(b"X-Split: 1\r\n" + LENGTH), reused=False),
    whole("another reply behind the chunks", chunked(CHUNK + LAST) + reply(), reused=False),
    whole("half a reply behind the end", reply() + OK + b"X-Split:", reused=False),
    whole("a letter of a reply behind the end", reply() + b"H", reused=False),
    whole("an empty line behind the end", reply() + b"\r\n"),
    broken("a word behind the end", reply() + b"x"),
    broken("a word behind the chunks", chunked(CHUNK + LAST) + b"x"),
    broken("a body behind 204", reply(b"", first=b"HTTP/1.1 204 No Content\r\n")),
    broken("a body behind 204 with a length", reply(first=b"HTTP/1.1 204 No Content\r\n")),
    broken("a body behind 304", reply(first=b"HTTP/1.1 304 Not Modified\r\n")),
)
CASES: tuple[Said, ...] = LENGTHS + CODINGS + PIECES + ENDS + BEHIND

"""Content-Length, alone, twice, and beside Transfer-Encoding."""

from __future__ import annotations

from . import BODY, CHUNKED, LENGTH, Case, chunks, post, refused, served

N = b"%d" % len(BODY)
WHOLE = chunks(b"%x\r\n" % len(BODY))


def length(value: bytes) -> bytes:
    return post(b"Content-Length:" + value + b"\r\n")


CASES = (
    served("a length", post()),
    served("a length with zeros before it", length(b" 000" + N)),
    served("a length with spaces around it", length(b"  " + N + b"  ")),
    served("a length with tabs around it", length(b"\t" + N + b"\t")),
    served("a length with no space before it", length(N)),
    served("a length in odd case", post(LENGTH.upper())),
    refused("the same length twice", post(LENGTH + LENGTH)),
    refused("two lengths", post(LENGTH + b"Content-Length: 3\r\n")),
    refused("two lengths, the longer first", post(b"Content-Length: 300\r\n" + LENGTH)),
    refused("a list of the same length", length(b" " + N + b", " + N)),
    refused("a list of two lengths", length(b" " + N + b", 3")),
    refused("a negative length", length(b" -1")),
    refused("a length with a plus", length(b" +" + N)),
    refused("a hexadecimal length", length(b" 0x2c")),
    refused("a length with a space in it", length(b" 4 4")),
    refused("a length with an underscore in it", length(b" 4_4")),
    refused("a length with a fraction", length(b" " + N + b".0")),
    refused("a length in quotes", length(b' "' + N + b'"')),
    refused("no length in the header", length(b"")),
    refused("only spaces as a length", length(b"   ")),
    refused("a length past 64 bits", length(b" 18446744073709551660")),
    refused("a length in other digits", length(" ٤٤".encode())),
    refused("a length and chunks", post(LENGTH + CHUNKED, WHOLE)),
    refused("chunks and a length", post(CHUNKED + LENGTH, WHOLE)),
    refused("a length of nothing and chunks", post(b"Content-Length: 0\r\n" + CHUNKED, WHOLE)),
    refused("two lengths and chunks", post(LENGTH + CHUNKED + LENGTH, WHOLE)),
    served("a header that only looks like a length", post(LENGTH + b"X-Content-Length: 3\r\n")),
    served("an underscore in the name of a length", post(b"Content_Length: 3\r\n" + LENGTH)),
    Case("neither a length nor chunks", post(b"", b""), 400, kept=True),
    Case("a length of nothing", post(b"Content-Length: 0\r\n", b""), 400, kept=True),
)

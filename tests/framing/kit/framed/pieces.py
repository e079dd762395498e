"""Chunks: their sizes, extensions and ends, and what stands behind the last."""

from __future__ import annotations

from . import BODY, CHUNKED, END, Case, chunks, post, refused, served

X = b"%x" % len(BODY)
HALF = b"%x\r\n" % (len(BODY) // 2)


def cut(body: bytes) -> bytes:
    return post(CHUNKED, body)


CASES: tuple[Case, ...] = (
    served("two chunks", cut(chunks(HALF, HALF))),
    served("a size in capitals", cut(chunks(X.upper() + b"\r\n"))),
    served("a size with zeros before it", cut(chunks(b"000" + X + b"\r\n"))),
    served("a last chunk of many zeros", cut(chunks(X + b"\r\n", end=b"00000\r\n\r\n"))),
    served("an extension", cut(chunks(X + b";a=b\r\n"))),
    served("an extension in quotes", cut(chunks(X + b';a="b c"\r\n'))),
    served("a trailer", cut(chunks(X + b"\r\n", end=b"0\r\nX-Sum: 1\r\n\r\n"))),
    refused("a trailer that names a length", cut(chunks(X + b"\r\n", end=b"0\r\nContent-Length: 3\r\n\r\n"))),
    refused("a trailer with a space before its colon", cut(chunks(X + b"\r\n", end=b"0\r\nX-Sum : 1\r\n\r\n"))),
    refused("a trailer without a colon", cut(chunks(X + b"\r\n", end=b"0\r\nX-Sum\r\n\r\n"))),
    refused("a negative size", cut(chunks(b"-" + X + b"\r\n"))),
    refused("a size with a plus", cut(chunks(b"+" + X + b"\r\n"))),
    refused("a size with 0x", cut(chunks(b"0x" + X + b"\r\n"))),
    refused("a size with an underscore", cut(chunks(b"2_c\r\n"))),
    refused("a space before a size", cut(chunks(b" " + X + b"\r\n"))),
    refused("a space behind a size", cut(chunks(X + b" \r\n"))),
    refused("a tab behind a size", cut(chunks(X + b"\t\r\n"))),
    refused("a size that is no number", cut(chunks(b"zz\r\n"))),
    refused("no size", cut(chunks(b"\r\n"))),
    refused("a size past 64 bits", cut(chunks(b"1000000000000000" + X + b"\r\n"))),
    refused("a size that wraps round to a small one", cut(chunks(b"1" + b"0" * 32 + X + b"\r\n"))),
    refused("a bare line feed behind a size", cut(chunks(X + b"\n"))),
    refused("a bare return behind a size", cut(chunks(X + b"\r"))),
    refused("a bare line feed in an extension", cut(chunks(X + b";a\nb\r\n"))),
    refused("a bare line feed behind a chunk", cut(X + b"\r\n" + BODY + b"\n" + END)),
    refused("more in a chunk than its size", cut(X + b"\r\n" + BODY + b"x\r\n" + END)),
    refused("less in a chunk than its size", cut(b"%x\r\n" % (len(BODY) + 1) + BODY + b"\r\n" + END)),
    refused("a last chunk with bare line feeds", cut(chunks(X + b"\r\n", end=b"0\n\n"))),
    refused("a chunk that never ends", cut(X + b"\r\n" + BODY + b"\r\n"), 408),
)

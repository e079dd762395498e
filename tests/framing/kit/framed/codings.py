"""Transfer-Encoding: only `chunked`, once, and in HTTP/1.1, says where a body ends."""

from __future__ import annotations

from . import BODY, Case, chunks, post, refused, served

WHOLE = chunks(b"%x\r\n" % len(BODY))


def coded(value: bytes) -> bytes:
    return post(b"Transfer-Encoding:" + value + b"\r\n", WHOLE)


CASES: tuple[Case, ...] = (
    served("chunks", coded(b" chunked")),
    served("chunks in capitals", coded(b" CHUNKED")),
    served("spaces before the coding", coded(b"  chunked")),
    served("a tab before the coding", coded(b"\tchunked")),
    refused("a tab behind the coding", coded(b" chunked\t")),
    served("spaces behind the coding", coded(b" chunked  ")),
    refused("chunked twice in one line", coded(b" chunked, chunked")),
    refused("chunked twice in two lines", post(b"Transfer-Encoding: chunked\r\n" * 2, WHOLE)),
    refused("identity", coded(b" identity")),
    refused("identity and chunked", coded(b" identity, chunked")),
    refused("chunked and identity", coded(b" chunked, identity")),
    refused("identity beside chunked", post(b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", WHOLE)),
    refused("chunked beside identity", post(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", WHOLE)),
    refused("gzip and chunked", coded(b" gzip, chunked")),
    refused("chunked and gzip", coded(b" chunked, gzip")),
    refused("a coding that nobody knows", coded(b" snappy")),
    refused("a coding that begins as chunked does", coded(b" chunkedx")),
    refused("a coding that ends as chunked does", coded(b" xchunked")),
    refused("a coding in quotes", coded(b' "chunked"')),
    refused("a parameter of the coding", coded(b" chunked;q=1")),
    refused("a comma before the coding", coded(b" ,chunked")),
    refused("a comma behind the coding", coded(b" chunked,")),
    refused("an empty coding", coded(b"")),
    refused("a vertical tab before the coding", coded(b" \x0bchunked")),
    refused("a null before the coding", coded(b" \0chunked")),
    refused("a space before the colon", post(b"Transfer-Encoding : chunked\r\n", WHOLE)),
    refused("a tab before the colon", post(b"Transfer-Encoding\t: chunked\r\n", WHOLE)),
    refused("a coding on the next line", coded(b"\r\n chunked")),
    refused("a coding in HTTP/1.0", post(b"Transfer-Encoding: chunked\r\n", WHOLE, first=b"POST /v1/toy HTTP/1.0\r\n")),
)

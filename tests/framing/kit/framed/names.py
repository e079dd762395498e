"""Headers that say who is asked and by whom: there may be one of each."""

from __future__ import annotations

from . import HOST, KEY, LENGTH, Case, post, refused, served


def host(line: bytes) -> bytes:
    return post(host=line)


def also(line: bytes) -> bytes:
    return post(LENGTH + line)


CASES: tuple[Case, ...] = (
    served("a host with a port", host(b"Host: gateway.example:8080\r\n")),
    served("an address as a host", host(b"Host: [::1]:8080\r\n")),
    served("no host in HTTP/1.0", post(first=b"POST /v1/toy HTTP/1.0\r\n", host=b""), kept=False),
    refused("no host", host(b"")),
    refused("two hosts", host(HOST + b"Host: other.example\r\n")),
    refused("the same host twice", host(HOST + HOST)),
    refused("two hosts in HTTP/1.0", post(first=b"POST /v1/toy HTTP/1.0\r\n", host=HOST + HOST)),
    refused("a space in a host", host(b"Host: gateway example\r\n")),
    refused("a slash in a host", host(b"Host: gateway.example/x\r\n")),
    refused("an empty host", host(b"Host:\r\n")),
    refused("a host with a null", host(b"Host: a\0b\r\n")),
    refused("a host with a user", host(b"Host: user@gateway.example\r\n")),
    refused("a list of hosts", host(b"Host: a.example, b.example\r\n")),
    refused("two keys", also(b"Authorization: Bearer reader\r\n")),
    refused("the same key twice", also(KEY)),
    refused("two types", also(b"Content-Type: text/plain\r\nContent-Type: application/json\r\n")),
    served("two expectations", also(b"Expect: 100-continue\r\nExpect: 100-continue\r\n")),
    served("two conditions", also(b"If-Match: a\r\nIf-Match: b\r\n")),
    served("two cookies", also(b"Cookie: a=b\r\nCookie: c=d\r\n")),
    served("two of a name that nobody knows", also(b"X-Odd: a\r\nX-Odd: b\r\n")),
    served("a wish to go on", also(b"Expect: 100-continue\r\n")),
    served("an expectation that nobody knows", also(b"Expect: the-unexpected\r\n")),
    served("an encoding of nothing", also(b"Content-Encoding: identity\r\n")),
    Case("a stranger's key and a body", post(LENGTH).replace(b"admin", b"wrong"), 401, kept=True),
)

"""Whether a connection goes on: Connection, its words, Upgrade, and what HTTP/1.0 takes for granted."""

from __future__ import annotations

from . import BODY, LENGTH, Case, post, served

OLD = b"POST /v1/toy HTTP/1.0\r\n"
HIDDEN = b"GET /v1/toys HTTP/1.1\r\nHost: x\r\n\r\n"


def also(line: bytes) -> bytes:
    return post(LENGTH + line)


CASES: tuple[Case, ...] = (
    served("keep-alive", also(b"Connection: keep-alive\r\n")),
    served("close", also(b"Connection: close\r\n"), kept=False),
    served("close in capitals", also(b"Connection: CLOSE\r\n"), kept=False),
    served("close among others", also(b"Connection: keep-alive, close\r\n"), kept=False),
    served("close in a second line", also(b"Connection: keep-alive\r\nConnection: close\r\n"), kept=False),
    served("a word of the connection that is a header", also(b"Connection: X-Odd\r\nX-Odd: a\r\n")),
    served("a word of the connection that is the key", also(b"Connection: Authorization\r\n")),
    served("a proxy's keep-alive", also(b"Proxy-Connection: keep-alive\r\n")),
    served("an upgrade to web sockets", also(b"Connection: upgrade\r\nUpgrade: websocket\r\n"), kept=False),
    served("an upgrade to HTTP/2", also(b"Connection: upgrade, http2-settings\r\nUpgrade: h2c\r\n"), kept=False),
    served("an upgrade that the connection does not name", also(b"Upgrade: websocket\r\n")),
    served("HTTP/1.0 that says nothing", post(first=OLD), kept=False),
    served("HTTP/1.0 that keeps alive", post(LENGTH + b"Connection: keep-alive\r\n", first=OLD)),
    served("HTTP/1.0 that closes", post(LENGTH + b"Connection: close\r\n", first=OLD), kept=False),
    served(
        "a body that ends as a request begins", post(b"Content-Length: %d\r\n" % (len(BODY) + 4), BODY + b"\r\n\r\n")
    ),
    Case("a body that is a request", post(b"Content-Length: %d\r\n" % len(HIDDEN), HIDDEN), 400, kept=True),
)

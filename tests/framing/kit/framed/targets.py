"""Methods, targets and versions: what a request's first line may say."""

from __future__ import annotations

from . import Case, post, refused, served


def first(line: bytes) -> bytes:
    return post(first=line + b"\r\n")


def target(path: bytes) -> bytes:
    return first(b"POST " + path + b" HTTP/1.1")


CASES: tuple[Case, ...] = (
    served("a query", target(b"/v1/toy?a=b")),
    served("an absolute target", target(b"http://gateway.example/v1/toy")),
    served("HTTP/1.0", first(b"POST /v1/toy HTTP/1.0"), kept=False),
    served("two spaces behind the target", first(b"POST /v1/toy  HTTP/1.1")),
    served("an absolute target elsewhere", target(b"http://other.example/v1/toy")),
    served("quotes and brackets in a query", target(b'/v1/toy?a="<{[|]}>"')),
    served("an encoded letter in a query", target(b"/v1/toy?a=%41")),
    Case("a path that is not served", target(b"/nothing"), 404, kept=True),
    Case("a method that is not served", first(b"PUT /v1/toy HTTP/1.1"), 405, kept=True),
    refused("a method in small letters", first(b"post /v1/toy HTTP/1.1")),
    refused("a method that nobody knows", first(b"POSTED /v1/toy HTTP/1.1")),
    refused("a method with a sign", first(b"PO(ST /v1/toy HTTP/1.1")),
    refused("a space before the method", first(b" POST /v1/toy HTTP/1.1")),
    refused("a tab behind the method", first(b"POST\t/v1/toy HTTP/1.1")),
    refused("a space in the target", first(b"POST /v1/ toy HTTP/1.1")),
    refused("a space behind the version", first(b"POST /v1/toy HTTP/1.1 ")),
    refused("no target", first(b"POST HTTP/1.1")),
    refused("a null in the target", target(b"/v1/toy?\0")),
    refused("a control byte in the target", target(b"/v1/toy?\x01")),
    refused("a delete in the target", target(b"/v1/toy?\x7f")),
    refused("bytes past ASCII in the target", target(b"/v1/toy?\xff")),
    refused("a fragment in the target", target(b"/v1/toy#x")),
    refused("a fragment behind a query", target(b"/v1/toy?a=b#x")),
    refused("an absolute target with a user", target(b"http://user@gateway.example/v1/toy")),
    refused("an absolute target with a comma in its host", target(b"http://gateway,.example/v1/toy")),
    refused("an absolute target with no host", target(b"http:///v1/toy")),
    refused("an absolute target with a word as a port", target(b"http://gateway.example:x/v1/toy")),
    refused("an absolute target of another scheme", target(b"ftp://gateway.example/v1/toy")),
    Case("an absolute target without a path", target(b"http://gateway.example"), 404, kept=True),
    Case("an asterisk", target(b"*"), 400),
    refused("a target of no scheme", target(b"v1/toy")),
    Case("an encoded null in the path", target(b"/v1/toy%00"), 404, kept=True),
    Case("a broken encoding in the path", target(b"/v1/toy%zz"), 404, kept=True),
    Case("a path above the root", target(b"/../v1/toy"), 404, kept=True),
    refused("no version", first(b"POST /v1/toy")),
    refused("HTTP/0.9", first(b"POST /v1/toy HTTP/0.9")),
    refused("HTTP/1.2", first(b"POST /v1/toy HTTP/1.2")),
    refused("HTTP/2.0", first(b"POST /v1/toy HTTP/2.0")),
    refused("HTTP/1.10", first(b"POST /v1/toy HTTP/1.10")),
    refused("HTTP/11", first(b"POST /v1/toy HTTP/11")),
    refused("a version in small letters", first(b"POST /v1/toy http/1.1")),
    refused("another protocol", first(b"POST /v1/toy ICY/1.1")),
    refused("CONNECT", first(b"CONNECT gateway.example:443 HTTP/1.1")),
    Case("TRACE", first(b"TRACE /v1/toy HTTP/1.1"), 405, kept=True),
)

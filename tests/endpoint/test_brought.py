"""What callers bring, before it is sent."""

from __future__ import annotations

import pytest

from gateway import (
    MOUNT,
    Attempt,
    BadCall,
    Encoded,
    EventProvider,
    Exchange,
    Inbound,
    Operation,
    Outgoing,
    Secret,
    Target,
    UserKey,
)
from gateway.endpoint.brought import brought, brought_address


class Somewhere(EventProvider):
    endpoint = "somewhere"

    def run(self, call, exchange):  # type: ignore[no-untyped-def]
        raise AssertionError("it is not run")


def outgoing(**values: str) -> Outgoing:
    target = Target(Somewhere(), "somewhere", "m")
    exchange = Exchange(Inbound(Operation("generate", "POST", "/x"), MOUNT, {}, {}, {}, "127.0.0.1", None), None)  # type: ignore[arg-type]
    key = UserKey({name: Secret(value) for name, value in values.items()})
    return Outgoing(exchange, Attempt("a", target, "d"), target, "d", Encoded("/x", b""), key)


def test_what_is_brought_goes_out_without_spaces_around_it() -> None:
    assert brought(outgoing(apiKey=" k-1 "), "apiKey") == "k-1"
    assert brought_address(outgoing(baseURL="https://h/v1/ ")).url("/x") == "https://h/v1/x"


@pytest.mark.parametrize("value", ["a\r\nx-admin: 1", "a\nb", "a\x00b", "schlüssel", "\ud800"])
def test_what_no_header_can_carry_is_the_callers_mistake_and_is_not_repeated(value: str) -> None:
    with pytest.raises(BadCall) as caught:
        brought(outgoing(apiKey=value), "apiKey")
    assert "apiKey" in caught.value.public
    assert value not in caught.value.public


@pytest.mark.parametrize(
    "url",
    [
        "ftp://h",
        "h/v1",
        "http://",
        "http://h:x",
        "https://h/a b",
        "https://u:p@h",
        "https://a..h",
        f"https://{'a' * 64}",
    ],
)
def test_a_base_url_that_is_none_is_the_callers_mistake(url: str) -> None:
    with pytest.raises(BadCall, match="baseURL"):
        brought_address(outgoing(baseURL=url))


@pytest.mark.parametrize("name", ["apiKey", "baseURL"])
def test_what_is_missing_is_named(name: str) -> None:
    with pytest.raises(BadCall, match=name):
        brought(outgoing(apiKey="", baseURL=" "), name)

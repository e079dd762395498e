from __future__ import annotations

import pytest

from gateway import Answer, Forbidden, Inbound, Principal, RouteSpec
from gateway.requests import (
    accept_request_id,
    allowed_here,
    cors_headers,
    query_of,
    refuse_limited,
    split_target,
)


@pytest.mark.parametrize(("text", "kept"), [("abc-1.2:3", True), ("", False), ("a b", False), ("a\r\nb", False)])
def test_only_a_well_formed_request_id_is_kept(text: str, kept: bool) -> None:
    assert accept_request_id(text) == (text if kept else "")


def test_an_overlong_request_id_is_dropped() -> None:
    assert accept_request_id("a" * 128)
    assert not accept_request_id("a" * 129)


def test_the_last_query_value_wins() -> None:
    assert query_of("a=1&a=2&b=") == {"a": "2", "b": ""}
    assert query_of("") == {}


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/v1/models", ("/v1/models", "")),
        ("/v1/models?a=b?c", ("/v1/models", "a=b?c")),
        ("http://host/v1/models?a", ("/v1/models", "a")),
        ("http://host", ("/", "")),
        ("*", ("*", "")),
    ],
)
def test_a_target_is_taken_in_both_forms(target: str, expected: tuple[str, str]) -> None:
    assert split_target(target) == expected


@pytest.mark.parametrize(
    ("access", "peer", "direct", "allowed"),
    [
        ("public", "9.9.9.9", False, True),
        ("loopback", "127.0.0.1", True, True),
        ("loopback", "127.0.0.1", False, False),
        ("loopback", "10.0.0.1", True, False),
        ("authenticated", "127.0.0.1", True, False),
        ("admin", "127.0.0.1", True, False),
    ],
)
def test_who_may_use_a_route_without_a_key(access: str, peer: str, direct: bool, allowed: bool) -> None:
    assert allowed_here(access, peer, direct) is allowed  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("method", "access", "allowed"),
    [
        ("GET", "authenticated", True),
        ("GET", "optional", True),
        ("GET", "admin", False),
        ("GET", "loopback", False),
        ("POST", "authenticated", False),
        ("DELETE", "authenticated", False),
    ],
)
def test_a_key_with_scopes_reads_and_changes_nothing(method: str, access: str, allowed: bool) -> None:
    async def handler(inbound: Inbound, principal: Principal) -> Answer:
        return Answer(b"")

    route = RouteSpec(method, "/api/things", handler, access)  # type: ignore[arg-type]
    if allowed:
        return refuse_limited(route)
    with pytest.raises(Forbidden, match=f"{method} /api/things"):
        refuse_limited(route)
    return None


def test_cors_is_off_unless_the_origin_is_configured() -> None:
    headers = {"Origin": "https://a.example"}
    assert cors_headers((), headers) is None
    assert cors_headers(("https://b.example",), headers) is None
    named = cors_headers(("https://a.example",), headers)
    assert named is not None
    assert named["Access-Control-Allow-Origin"] == "https://a.example"
    anyone = cors_headers(("*",), headers)
    assert anyone is not None
    assert anyone["Access-Control-Allow-Origin"] == "*"

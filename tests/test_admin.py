"""Routes of admins read bodies and queries by structs, say what is wrong and where, and give lists in pages."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from gateway import MOUNT, BadCall, Inbound, Operation, Principal
from gateway.admin import Asking, Listed, Nothing, Paged, changing, cursor_of, page_of, place_of, reading, taking_file
from gateway.routes import RouteSpec

WHO = Principal("usr_1", "ADMIN")


class Inner(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    count: int


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    inner: Inner
    names: tuple[str, ...] = ()


async def call(route: RouteSpec, body: bytes = b"", **query: str) -> Any:
    async def receive() -> bytes:
        return body

    inbound = Inbound(Operation("state", route.method, route.path), MOUNT, {"id": "x"}, query, {}, "", receive)
    answer = await route.handler(inbound, WHO)
    return answer.status, msgspec.json.decode(answer.body)


async def echo(asking: Asking[Any, Any]) -> object:
    return {"query": asking.query, "body": asking.body, "id": asking.params["id"], "by": asking.principal.user_id}


BODY = changing("POST", "/things", echo, "", Body, dict, status=201)


async def test_a_body_is_read_and_the_status_is_the_routes_own() -> None:
    status, told = await call(BODY, b'{"inner": {"count": 2}, "names": ["a"]}')
    assert (status, told["body"], told["by"]) == (201, {"inner": {"count": 2}, "names": ["a"]}, "usr_1")
    assert (BODY.path, BODY.access) == ("/api/admin/things", "admin")


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b"", "inner"),
        (b'{"inner": {"count": "2"}}', "inner.count"),
        (b'{"inner": {"count": 2, "more": 1}}', "inner.more"),
        (b'{"inner": {}}', "inner.count"),
        (b'{"inner": {"count": 2}, "names": ["a", 3]}', "names[1]"),
        (b"[]", None),
        (b"{", None),
        (b'{"inner": \xff}', None),
        (b"[" * 100_000, None),
    ],
)
async def test_what_is_wrong_in_a_body_is_told_with_its_place(body: bytes, where: str | None) -> None:
    with pytest.raises(BadCall) as raised:
        await call(BODY, body)
    assert raised.value.param == where
    assert raised.value.public.startswith("The body is ")


@pytest.mark.parametrize(("query", "where"), [({"limit": "0"}, "limit"), ({"limt": "3"}, "limt")])
async def test_a_query_is_checked_as_well(query: dict[str, str], where: str) -> None:
    route = reading("/things", echo, "", Paged, Listed[str])
    assert (await call(route, limit="3"))[1]["query"] == {"limit": 3, "cursor": ""}
    with pytest.raises(BadCall) as raised:
        await call(route, **query)
    assert raised.value.param == where


async def test_a_change_takes_no_query_and_a_file_is_taken_as_it_is() -> None:
    with pytest.raises(BadCall, match="dry"):
        await call(BODY, b'{"inner": {"count": 2}}', dry="1")
    file = taking_file("/things", echo, "", Nothing, dict)
    assert (await call(file, b"a,b"))[1]["body"] == "YSxi"


def test_pages_have_everything_once() -> None:
    items, found, cursor = [f"ü {number}" for number in range(5)], [], ""
    for size in (2, 2, 1):
        page = page_of(items, Paged(limit=2, cursor=cursor), str)
        assert len(page.data) == size
        found += page.data
        cursor = page.next_cursor or ""
    assert (found, cursor) == (items, "")


@pytest.mark.parametrize("cursor", ["!", "ü", "e30", "InUi", "a"])
def test_a_cursor_that_was_not_made_here_is_refused(cursor: str) -> None:
    assert place_of(cursor_of(["a/ü", "b"]), list[str]) == ["a/ü", "b"]
    with pytest.raises(BadCall) as raised:
        place_of(cursor, list[str])
    assert raised.value.param == "cursor"

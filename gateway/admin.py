"""Routes of admins under /api/admin: JSON in and out, as structs; lists in pages; one shape of errors.

What a route takes is refused with the place that is wrong (`param`), and what it does not know is refused, too: a
misspelt field would be lost otherwise. Replies are structs as well, so that /openapi.json has the schema of both.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Generic, TypeVar

import msgspec

from .errors import BadCall
from .inbound import Inbound, Principal
from .routes import Answer, RouteSpec, Shape

PREFIX = "/api/admin"
Q = TypeVar("Q")
B = TypeVar("B")
T = TypeVar("T")
_PLACE = re.compile(r" - at `\$(?:\.\.\.|\.)?(.*)`$")
_UNKNOWN = re.compile(r"unknown field `(.*?)`")
_MISSING = re.compile(r"missing required field `(.*?)`")


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of a route that asks for nothing."""


class Paged(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The query of a list. limit: how many at most. cursor: the `next_cursor` of the page before, as it is."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 50
    cursor: str = ""


class Listed(msgspec.Struct, Generic[T], frozen=True):
    """A page. next_cursor: what the next one is asked for with, null where this is the last."""

    data: Sequence[T]
    next_cursor: str | None = None


class Asking(msgspec.Struct, Generic[Q, B], frozen=True):
    """A request, read. params: the path's. headers: looked up by lower-case name. principal: the admin who asks."""

    query: Q
    body: B
    params: Mapping[str, str]
    headers: Mapping[str, str]
    principal: Principal


def reading(
    path: str, work: Callable[[Asking[Q, None]], Awaitable[object]], summary: str, query: type[Q], reply: object
) -> RouteSpec:
    """GET. path: below the prefix. reply: the type of what `work` returns."""

    async def handler(inbound: Inbound, principal: Principal) -> Answer:
        asking = Asking(_query(inbound, query), None, inbound.params, inbound.headers, principal)
        return _told(await work(asking))

    return RouteSpec("GET", PREFIX + path, handler, "admin", summary, shape=Shape(query=query, reply=reply))


def changing(
    method: str,
    path: str,
    work: Callable[[Asking[Nothing, B]], Awaitable[object]],
    summary: str,
    body: type[B],
    reply: object,
    *,
    status: int = 200,
    headers: tuple[str, ...] = (),
) -> RouteSpec:
    """POST, PUT, PATCH, DELETE. An empty body is an empty object. headers: that it asks for, for /openapi.json."""

    async def handler(inbound: Inbound, principal: Principal) -> Answer:
        nothing = _query(inbound, Nothing)
        read = _body(await inbound.receive(), body)
        return _told(await work(Asking(nothing, read, inbound.params, inbound.headers, principal)), status)

    shape = Shape(body=None if body is Nothing else body, reply=reply, status=status, headers=headers)
    return RouteSpec(method, PREFIX + path, handler, "admin", summary, shape=shape)


def taking_file(
    path: str, work: Callable[[Asking[Q, bytes]], Awaitable[object]], summary: str, query: type[Q], reply: object
) -> RouteSpec:
    """POST of a file, as it is."""

    async def handler(inbound: Inbound, principal: Principal) -> Answer:
        asked, body = _query(inbound, query), await inbound.receive()
        return _told(await work(Asking(asked, body, inbound.params, inbound.headers, principal)))

    return RouteSpec("POST", PREFIX + path, handler, "admin", summary, shape=Shape(query, bytes, reply))


def cursor_of(place: object) -> str:
    """Text that a URL takes as it is. place: JSON values, or None for the end of the list."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).rstrip(b"=").decode()


def place_of(cursor: str, place: type[T]) -> T | None:
    """What a cursor was made of; None for the beginning. Raises BadCall for one that was not made here."""
    if not cursor:
        return None
    try:
        return msgspec.json.decode(base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", True), type=place)
    except (msgspec.MsgspecError, binascii.Error, ValueError) as error:
        raise BadCall(
            "This is no cursor of this list; send the `next_cursor` of the page before, or none for the first page.",
            param="cursor",
        ) from error


def page_of(items: Sequence[T], paged: Paged, place: Callable[[T], str], *, descending: bool = False) -> Listed[T]:
    """The page of a list that is small enough to be had as a whole, and is ordered by `place`."""
    after = place_of(paged.cursor, str)
    rest = [item for item in items if after is None or (place(item) < after if descending else place(item) > after)]
    more = len(rest) > paged.limit
    return Listed(rest[: paged.limit], cursor_of(place(rest[paged.limit - 1])) if more else None)


def _query(inbound: Inbound, kind: type[Q]) -> Q:
    try:
        return msgspec.convert(dict(inbound.query), kind, strict=False)
    except msgspec.ValidationError as error:
        raise _wrong("The query", error) from error


def _body(body: bytes, kind: type[B]) -> B:
    try:
        return msgspec.json.decode(body.strip() or b"{}", type=kind)
    except msgspec.ValidationError as error:
        raise _wrong("The body", error) from error
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadCall(f"The body is no JSON: {error}") from error


def _wrong(what: str, error: msgspec.ValidationError) -> BadCall:
    """`param`: where it is, as `scopes.agents[0]`."""
    text = str(error)
    found = _PLACE.search(text)
    place, said = (found[1], text[: found.start()]) if found else ("", text)
    named = _UNKNOWN.search(text) or _MISSING.search(text)
    where = ".".join(filter(None, (place, named[1] if named else "")))
    return BadCall(f"{what} is wrong{f' at `{where}`' if where else ''}: {said}.", param=where or None)


def _told(value: object, status: int = 200) -> Answer:
    return Answer(msgspec.json.encode(value), status)

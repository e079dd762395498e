"""RouteSpec: an HTTP path that no dialect serves, without a type of any HTTP library."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Literal

import msgspec

from .inbound import Inbound, Principal

Access = Literal["public", "optional", "loopback", "authenticated", "admin"]


class Answer(msgspec.Struct, frozen=True):
    """cookies: values of `Set-Cookie`, a header each. pieces: the body as it comes, in place of `body`; what they raise
    as a GatewayError ends the connection, so that the client sees that it was cut.
    """

    body: bytes
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = {}
    cookies: tuple[str, ...] = ()
    pieces: AsyncGenerator[bytes, None] | None = None


class Shape(msgspec.Struct, frozen=True):
    """What a route takes and tells, for /openapi.json. query: a struct of its fields. body, reply: types, `bytes` of a
    file; None where there is none, or it is not said. status: of what went well. headers: names of those it asks for.
    """

    query: type | None = None
    body: type | None = None
    reply: object = None
    status: int = 200
    headers: tuple[str, ...] = ()


class RouteSpec(msgspec.Struct, frozen=True):
    """path: exact, or with `{name}` parts, as those of an Operation; they are in the request's `params`.

    access: `optional` is public and tells whose key was shown, if any; `loopback` is public to clients on this machine
    and for admins otherwise. A key with scopes may GET what `authenticated` and `optional` ones tell, and nothing else
    but what is `within_scopes`: a route that looks at them itself, and changes nothing.
    handler: gets the request and who it comes from (`ANONYMOUS` where access asks for nobody); raises GatewayError. It
    reads the body, where it wants it, by awaiting the request's `receive`.
    internal: also served on `gateway.listen.internal_port`, where it is set. segment: a `{name}` at the end of the path
    takes no slashes, so that nothing below it is this route's.
    """

    method: str
    path: str
    handler: Callable[[Inbound, Principal], Awaitable[Answer]]
    access: Access = "authenticated"
    summary: str = ""
    internal: bool = False
    within_scopes: bool = False
    segment: bool = False
    shape: Shape | None = None

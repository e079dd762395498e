"""RouteSpec: an HTTP path that no dialect serves, without a type of any HTTP library."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

import msgspec

from .inbound import Inbound, Principal

Access = Literal["public", "loopback", "authenticated", "admin"]


class Answer(msgspec.Struct, frozen=True):
    body: bytes
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = {}


class RouteSpec(msgspec.Struct, frozen=True):
    """method, path: exact. access: `loopback` is public to clients on this machine and for admins otherwise.

    handler: gets the request and who it comes from (`ANONYMOUS` where access asks for nobody); raises GatewayError.
    internal: also served on `gateway.listen.internal_port`, where it is set.
    """

    method: str
    path: str
    handler: Callable[[Inbound, Principal], Awaitable[Answer]]
    access: Access = "authenticated"
    summary: str = ""
    internal: bool = False

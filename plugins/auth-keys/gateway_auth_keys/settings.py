"""`gateway.auth-keys`, and LibreChat's `endpoints.agents.remoteApi.auth.apiKey`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class AuthKeys(Struct, frozen=True, forbid_unknown_fields=True):
    """first_key: make a user `admin` and a key for it when the gateway is first started on a terminal.

    grace: seconds for which keys that a worker knows are taken while the store cannot be asked.
    user_header: the header in which trusted keys (`gateway keys create --trusted`) name the user for whom they are
    used, for example `X-OpenWebUI-User-Id`; none by default, and never heeded with other keys. most_users: users of the
    store beyond which no more are made for names that are new.
    """

    first_key: bool = True
    grace: Annotated[float, Meta(ge=0)] = 300.0
    user_header: Annotated[str, Meta(pattern="^[A-Za-z0-9-]{1,100}$")] | None = None
    most_users: Annotated[int, Meta(ge=0)] = 10_000


class ApiKey(Struct, frozen=True):
    """enabled: whether API keys let anybody in; GATEWAY_API_KEY does in any case.

    Source: LibreChat `packages/data-provider/src/config.ts`.
    """

    enabled: bool = True

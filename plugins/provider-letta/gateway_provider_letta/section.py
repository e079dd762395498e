"""The section `gateway.provider-letta[]`."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from gateway import Secret

Api = Literal["app-server", "rest"]
Keeping = Literal["call", "user", "agent"]


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    """A Letta server.

    url: where it is, as `http://127.0.0.1:4500` or `https://api.letta.com`. name: of the endpoint. api: `app-server` of
    Letta Code (`letta server --openai-api`), or `rest` of Letta V1 and Letta Cloud. key: where it asks for one. agents:
    ids or names of those to offer, all of them by default. names: what to call them here, by id or name. conversations:
    a new one for each `call`, one for each `user` and agent, or with `rest` the one that the `agent` shares with
    everybody. patience: seconds of silence after which it is given up.
    """

    url: str
    name: Annotated[str, Meta(min_length=1)] = "letta"
    api: Api = "app-server"
    key: Secret = Secret("")
    agents: tuple[str, ...] = ()
    names: dict[str, str] = {}
    conversations: Keeping = "call"
    patience: Annotated[float, Meta(gt=0)] = 900.0

"""The section `gateway.dialect-lettabot`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    """LettaBot's API: the key that its clients have, and calls that are not waited for.

    key_file: where the key is, as `{"apiKey": "…"}`, unless LETTABOT_API_KEY holds it; from where the gateway was
    started. Empty for none. user, role: who comes with that key. keep: seconds for which the result of a call that was
    not waited for can be fetched. most: calls that may run so at once, in each process. directory: where results are
    kept, encrypted, instead of beside the store.
    """

    key_file: str = "lettabot-api.json"
    user: Annotated[str, Meta(min_length=1, max_length=64)] = "lettabot"
    role: Annotated[str, Meta(min_length=1)] = "USER"
    keep: Annotated[float, Meta(gt=0)] = 3600.0
    most: Annotated[int, Meta(ge=0)] = 64
    directory: str = ""

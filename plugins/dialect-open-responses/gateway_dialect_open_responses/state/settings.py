"""`gateway.dialect-open-responses`: what is kept of responses, and for how long."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

DAY = 86_400.0


class StateSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """keep: `asked`: responses whose calls say `store: true` or `background: true`, continue what is kept, or go to an
    upstream that keeps them itself; `always`: all but those that say `store: false`, as OpenAI does; `never`: nothing
    is kept, and nothing is served of what was.
    ttl: seconds that a response or a conversation stays after it was made or continued.
    most: bytes of one response, of its own input and its reply. context: bytes of all that a call may continue.
    silence: seconds without a word of a run in the background after which it is taken for lost.
    """

    keep: Literal["asked", "always", "never"] = "asked"
    ttl: Annotated[float, Meta(gt=0)] = 30 * DAY
    most: Annotated[int, Meta(gt=0)] = 16 * 2**20
    context: Annotated[int, Meta(gt=0)] = 32 * 2**20
    silence: Annotated[float, Meta(ge=2)] = 30.0

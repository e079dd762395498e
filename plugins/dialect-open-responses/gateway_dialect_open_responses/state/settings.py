"""`gateway.dialect-open-responses`: what is kept of responses, and for how long."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

DAY = 86_400.0


class StateSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """keep: `always`: all responses but those whose calls say `store: false`, as OpenAI does; `asked`: those whose
    calls say `store: true` or `background: true`, continue what is kept, or go to an upstream that keeps them itself;
    `never`: nothing is kept, and nothing is served of what was.
    ttl: seconds that a response or a conversation stays after it was made or continued.
    most: bytes of one response, of its own input and its reply. context: bytes of all that a call may continue.
    user_responses, user_bytes: of one user, at most; the oldest go first. null for as many as there are.
    unwritten: bytes of replies that may wait in a worker to be written.
    silence: seconds without a word of a run in the background after which another process goes on with it, or it has
    failed.
    """

    keep: Literal["always", "asked", "never"] = "always"
    ttl: Annotated[float, Meta(gt=0)] = 30 * DAY
    most: Annotated[int, Meta(gt=0)] = 16 * 2**20
    context: Annotated[int, Meta(gt=0)] = 32 * 2**20
    user_responses: Annotated[int, Meta(gt=0)] | None = None
    user_bytes: Annotated[int, Meta(gt=0)] | None = 2**30
    unwritten: Annotated[int, Meta(gt=0)] = 64 * 2**20
    silence: Annotated[float, Meta(ge=2)] = 30.0

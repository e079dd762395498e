"""`gateway.limits-redis`: where Redis is, and how exactly limits are counted in it."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from gateway import Secret


class RedisSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """url: as `redis://:password@host:6379/0`, or `rediss://` for TLS; by default LibreChat's REDIS_URI, where its
    USE_REDIS is true. Without any each machine counts for itself.
    mode: `strict` asks Redis for each request, and no limit is ever exceeded; `lease` takes a slice of a limit at a
    time, and each process may exceed a limit by one slice.
    slice: the part of a limit's burst that a process takes at a time. hold: seconds after which it gives back what it
    has not used of one.
    timeout: seconds that Redis may take for an answer; then each machine counts for itself until Redis answers again.
    lease: seconds after which a request counts as running no more whose process is gone.
    prefix: of all keys.
    """

    url: Secret | None = None
    mode: Literal["strict", "lease"] = "strict"
    slice: Annotated[float, Meta(gt=0, le=1)] = 0.05
    hold: Annotated[float, Meta(gt=0)] = 1.0
    timeout: Annotated[float, Meta(gt=0, le=10)] = 0.25
    lease: Annotated[float, Meta(ge=0.4, le=3600)] = 30.0
    prefix: str = "gateway"

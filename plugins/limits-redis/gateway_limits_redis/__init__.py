"""Limits counted in Redis, for several machines."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import Counters, Section, Settings, hookimpl

from .made import counters
from .settings import RedisSettings


@hookimpl
def register_sections() -> Sequence[Section]:
    return [Section("gateway.limits-redis", RedisSettings, fixed=True)]


@hookimpl
def register_counters(settings: Settings) -> Sequence[Counters]:
    return counters(settings)

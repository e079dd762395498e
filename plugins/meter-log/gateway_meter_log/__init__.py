"""One log line an exchange."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import Lifespan, Meter, Services, Settings, hookimpl

from .writer import AccessLog, Writing, writing


@hookimpl
def register_meters(settings: Settings, services: Services) -> Sequence[Meter]:
    return (AccessLog(writing(services)),)


@hookimpl
def register_lifespans(settings: Settings, services: Services) -> Sequence[Lifespan]:
    return (Writing(writing(services)),)

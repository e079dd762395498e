"""Limits of requests, tokens and concurrency."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import Lifespan, Permission, Section, Services, Settings, hookimpl

from .librechat import Stt, Tts
from .made import lifespans, permissions
from .settings import LimitSettings


@hookimpl
def register_sections() -> Sequence[Section]:
    return [
        Section("gateway.permission-limits", LimitSettings),
        Section("rateLimits.tts", Tts),
        Section("rateLimits.stt", Stt),
    ]


@hookimpl
def register_permissions(settings: Settings, services: Services) -> Sequence[Permission]:
    return permissions(settings, services)


@hookimpl
def register_lifespans(settings: Settings, services: Services) -> Sequence[Lifespan]:
    return lifespans(settings, services)

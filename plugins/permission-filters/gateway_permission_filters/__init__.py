"""LibreChat's messageFilter and filters."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import Permission, Section, Services, Settings, hookimpl

from .made import permissions
from .settings import Filters, MessageFilter


@hookimpl
def register_sections() -> Sequence[Section]:
    return [Section("messageFilter", MessageFilter), Section("filters", Filters)]


@hookimpl
def register_permissions(settings: Settings, services: Services) -> Sequence[Permission]:
    return permissions(settings, services)

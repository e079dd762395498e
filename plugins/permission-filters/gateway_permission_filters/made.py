"""What the settings come to: one permission, or none where nothing is filtered."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import Permission, Services, Settings


def permissions(settings: Settings, services: Services) -> Sequence[Permission]:
    """The engine is loaded only where it is wanted. Raises SettingsError."""
    if not (settings.given("messageFilter.pii") or settings.given("filters")):
        return []
    from .permission import FiltersPermission
    from .policies import policies, refuses_files

    found, refuses = policies(settings), refuses_files(settings)
    return [FiltersPermission(found, refuses, services.log)] if found or refuses else []

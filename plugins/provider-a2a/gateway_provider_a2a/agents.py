"""The entries of `gateway.provider-a2a[]`, each as an endpoint."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import Services, Settings
from gateway.endpoint import Unusable

from .agent import A2aProvider
from .section import A2aAgent


def agents(settings: Settings, services: Services) -> Sequence[A2aProvider]:
    """Unusable ones included."""
    made: dict[str, A2aProvider] = {}
    for number, entry in enumerate(settings.many(A2aAgent)):
        path = f"gateway.provider-a2a[{number}]"
        name = entry.name.strip()
        provider = A2aProvider(path, name, entry, services)
        if not name or "/" in name:
            provider = A2aProvider(path, f"a2a[{number}]", entry, services)
            provider.refuse(Unusable("name", "it is no name for an endpoint", "write a word"))
        elif name in made:
            provider = A2aProvider(path, f"a2a[{number}]", entry, services)
            provider.refuse(Unusable("name", f'"{name}" is taken by an entry above it', "give it another name"))
        else:
            provider.set_up(settings)
        made[provider.endpoint] = provider
    return list(made.values())

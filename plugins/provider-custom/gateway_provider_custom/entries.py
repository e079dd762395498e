"""The entries of `endpoints.custom[]`, each as a provider."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gateway import Services, Settings
from gateway.endpoint import KnownUpstreams, Unusable

from .endpoint import CustomProvider
from .section import CustomEndpoint, Options

UPSTREAMS = Path(__file__).with_name("upstreams.yaml")


def endpoints(settings: Settings, services: Services) -> list[CustomProvider]:
    """A provider for each entry, unusable ones included."""
    entries = settings.many(CustomEndpoint)
    if not entries:
        return []
    options = settings.one(Options)
    upstreams = KnownUpstreams.read(UPSTREAMS, options.upstreams)
    made: dict[str, CustomProvider] = {}
    for index, entry in enumerate(entries):
        provider = CustomProvider(f"endpoints.custom[{index}]", _name(entry) or f"custom[{index}]", entry)
        if provider.endpoint in made:
            what = f'"{provider.endpoint}" is taken by an entry above it'
            provider.endpoint = f"custom[{index}]"
            provider.refuse(Unusable("name", what, "give it another name"))
        else:
            provider.set_up(upstreams, settings, services)
            provider.speak(options.dialects.get(provider.endpoint, ()))
        made[provider.endpoint] = provider
    _report_strangers(options.dialects, made)
    return list(made.values())


def _name(entry: CustomEndpoint) -> str:
    name = entry.name.strip()
    return name.lower() if name.lower() == "ollama" else name


def _report_strangers(dialects: Mapping[str, tuple[str, ...]], made: Mapping[str, CustomProvider]) -> None:
    """Names that no entry has. Any provider may tell of them."""
    for name in dialects.keys() - made.keys():
        if teller := next(iter(made.values()), None):
            path = f"gateway.provider-custom.dialects.{name}"
            teller.warn(path, "no custom endpoint has this name", f"the names are: {', '.join(made)}")

"""Names under `gateway:` that nothing knows: a finding each, and they are left out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from msgspec import inspect

from .contract import Finding, Section
from .convert import Level, nearest
from .core import Core, Plugins
from .keys import KeyFacts
from .paths import Steps, pattern, text
from .reading import Document
from .shape import below, fields, open_mapping

STAGES = frozenset(
    ("auth", "dialect", "import", "limits", "meter", "permission", "provider", "routes", "store", "tools")
)
"""What a plugin's name begins with, and so the key of its own section."""


def strange_names(
    data: Any, kinds: Sequence[inspect.Type], place: Steps, document: Document, others: Sequence[Steps]
) -> tuple[Any, list[Finding]]:
    """The data without them. kinds: all that describe it. others: places that belong to somebody else."""
    findings: list[Finding] = []
    return _clean(data, kinds, place, document, others, findings), findings


def _clean(
    data: Any,
    kinds: Sequence[inspect.Type],
    place: Steps,
    document: Document,
    others: Sequence[Steps],
    findings: list[Finding],
) -> Any:
    if isinstance(data, list):
        return [
            _clean(item, _below(kinds, number), (*place, number), document, others, findings)
            for number, item in enumerate(data)
        ]
    if not isinstance(data, dict):
        return data
    known = {name for kind in kinds for name in fields(kind)}
    free = not known or any(open_mapping(kind) for kind in kinds)
    kept: dict[str, Any] = {}
    for name, value in data.items():
        there = (*place, name)
        if there in others:
            continue
        if name in known or free:
            kept[name] = _clean(value, _below(kinds, name), there, document, others, findings)
        else:
            findings.append(_unknown(there, known, document))
    return kept


def _below(kinds: Sequence[inspect.Type], step: str | int) -> list[inspect.Type]:
    return [found for kind in kinds if (found := below(kind, step)) is not None]


def _unknown(there: Steps, known: set[str], document: Document) -> Finding:
    todo = nearest(str(there[-1]), known) or f"remove it; known here: {', '.join(sorted(known))}"
    return document.finding(there, Finding(text(there), "unknown key", todo), key=True)


def unowned(
    document: Document,
    sections: Sequence[Section],
    core: Core,
    facts: KeyFacts,
    installed: Mapping[str, str | None],
    safe_mode: bool,
) -> Iterator[Finding]:
    """Keys right under `gateway:` that neither the core nor a loaded plugin owns. installed: see `compose`.

    The key of a plugin that we know of and that is not installed stops nothing: the gateway serves what it can.
    """
    block = document.data.get("gateway")
    owned = {*Core.__struct_encode_fields__, *(pattern(section.path)[1] for section in sections if _ours(section))}
    for name in block if isinstance(block, dict) else ():
        if name in owned:
            continue
        plugin = facts.plugins.get(f"gateway.{name}", name)
        off = _off(plugin, core.plugins, installed)
        if off:
            level: Level = "warning"
            what, todo = f"its plugin {plugin} does not serve: {off}", "remove the key, or mend that"
        else:
            what = "no installed plugin understands this"
            todo = nearest(name, owned) or _install(f"gateway.{name}", facts)
            missing = f"gateway.{name}" in facts.plugins or name.partition("-")[0] in STAGES
            level = "warning" if missing or document.embedded or safe_mode else "error"
        yield document.finding(("gateway", name), Finding(f"gateway.{name}", what, todo, level), key=True)


def unknown_plugins(document: Document, core: Core, installed: Collection[str]) -> Iterator[Finding]:
    """Names under `gateway.plugins` that no installed plugin has."""
    for key in ("enable", "disable", "order"):
        for number, name in enumerate(getattr(core.plugins, key) or ()):
            if name not in installed:
                place = ("gateway", "plugins", key, number)
                todo = nearest(name, installed) or "see `gateway plugins` for the names"
                yield document.finding(place, Finding(text(place), f"no plugin {name} is installed", todo, "warning"))


def _ours(section: Section) -> bool:
    return section.path.startswith("gateway.")


def _off(plugin: str, wanted: Plugins, installed: Mapping[str, str | None]) -> str | None:
    """Why a plugin takes no part although nothing is missing: what is off on purpose stops nothing."""
    if plugin in wanted.disable:
        return "gateway.plugins.disable names it"
    if wanted.enable is not None and plugin not in wanted.enable:
        return "gateway.plugins.enable does not name it"
    return installed.get(plugin)


def _install(path: str, facts: KeyFacts) -> str:
    plugin = facts.plugins.get(path)
    return f"install plugins/{plugin}" if plugin else "install its plugin, or remove the key"

"""Names under `gateway:` that nothing knows: a finding each, and they are left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import inspect

from .contract import Finding, Section
from .convert import Level, nearest
from .core import Core, Plugins
from .keys import KeyFacts
from .paths import Steps, pattern, text
from .reading import Document
from .shape import below, fields, open_mapping


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
    document: Document, sections: Sequence[Section], core: Core, facts: KeyFacts, safe_mode: bool
) -> Iterator[Finding]:
    """Keys right under `gateway:` that neither the core nor a loaded plugin owns."""
    block = document.data.get("gateway")
    owned = {*Core.__struct_encode_fields__, *(pattern(section.path)[1] for section in sections if _ours(section))}
    for name in block if isinstance(block, dict) else ():
        if name not in owned:
            what, todo, level = _nobody(name, owned, core.plugins, facts, safe_mode)
            if document.embedded:
                level = "warning"
            yield document.finding(("gateway", name), Finding(f"gateway.{name}", what, todo, level), key=True)


def _ours(section: Section) -> bool:
    return section.path.startswith("gateway.")


def _nobody(name: str, owned: set[str], plugins: Plugins, facts: KeyFacts, safe_mode: bool) -> tuple[str, str, Level]:
    """What is wrong, what to do, and how bad it is: a plugin that is off on purpose stops nothing."""
    plugin = facts.plugins.get(f"gateway.{name}", name)
    if plugin in plugins.disable:
        return (
            f"the plugin {plugin} is disabled",
            "remove the key, or the plugin from gateway.plugins.disable",
            "warning",
        )
    if plugins.enable is not None and plugin not in plugins.enable:
        return f"the plugin {plugin} is not enabled", "remove the key, or add it to gateway.plugins.enable", "warning"
    close = nearest(name, owned)
    what = "no installed plugin understands this"
    if close:
        return what, close, "error"
    level: Level = "warning" if safe_mode else "error"
    known = f"gateway.{name}" in facts.plugins
    return what, f"install plugins/{plugin}" if known else "install its plugin, or remove the key", level

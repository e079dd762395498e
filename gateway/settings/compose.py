"""A Document and the plugins' sections to Settings, and everything that is wrong with them, at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from .contract import Finding, Section, Settings
from .convert import Level, convert
from .core import Core
from .keys import Keys, key_facts
from .overlay import overlaid
from .paths import Steps, at, steps, text
from .reading import Document
from .shape import shape
from .status import Unenforced, Used, status_findings, used_keys
from .strange import strange_names, unknown_plugins, unowned
from .strictness import librechat_findings, unset_variables

T = TypeVar("T")
Kept = dict[Steps, Sequence[int]]
Read = tuple[T, list[Finding], Kept]
"""A value, what is wrong with it, and what is left of its lists (see `Converted`)."""


@dataclass(frozen=True)
class Composed:
    """findings: errors, warnings and notes, in the files' order. document: with flags and variables applied.

    unclaimed: endpoints that no installed plugin provides, by name, with the reason.
    """

    settings: Settings
    findings: tuple[Finding, ...]
    unenforced: tuple[Unenforced, ...]
    unclaimed: Mapping[str, str]
    document: Document
    kept: Mapping[Steps, Sequence[int]]

    @property
    def errors(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.level == "error")

    def unheard(self, found: Iterable[Finding]) -> tuple[Finding, ...]:
        """What plugins found, put in its place; where a key has a finding already, that one counts.

        The embedded defaults are nobody's mistake: what does not fit them, with a plugin missing, stops nothing.
        """
        if self.document.embedded:
            found = [msgspec.structs.replace(one, level="warning") if one.level == "error" else one for one in found]
        told = {(finding.path, finding.level) for finding in self.findings}
        placed = [self._placed(one) for one in found]
        return _ordered([one for one in placed if (one.path, one.level) not in told])

    def _placed(self, finding: Finding) -> Finding:
        """Plugins count the items that are left, and the operator those of the file. A variable stands in none."""
        place = steps(finding.path)
        if finding.path in self.document.environ and place not in self.document.marks:
            return finding
        original: Steps = ()
        for step in place:
            numbers = self.kept.get(original) if isinstance(step, int) else None
            original = (*original, numbers[step] if numbers is not None and isinstance(step, int) else step)
        if original != place:
            finding = msgspec.structs.replace(finding, path=text(original))
        return self.document.finding(original, finding)

    def with_found(self, found: Iterable[Finding]) -> tuple[Finding, ...]:
        """All findings, with those of the plugins."""
        return _ordered((*self.findings, *self.unheard(found)))


def core_of(document: Document, flags: Mapping[str, object]) -> tuple[Core, tuple[Finding, ...]]:
    """The core's own part, which says what plugins to load. What is wrong comes again from `compose`."""
    core, findings, _ = _core(overlaid(document, (), flags), ())
    return core, (*document.findings, *findings)


def compose(
    document: Document,
    sections: Sequence[Section],
    flags: Mapping[str, object],
    installed: Mapping[str, str | None] | None = None,
) -> Composed:
    """The validated whole. flags: as `{"gateway.listen.port": 9000, "upstream": "http://…", "safe_mode": True}`.

    installed: the plugins by name, with the reason why one does not serve, where that is known.
    """
    document = overlaid(document, sections, flags)
    findings = list(document.findings)
    core, wrong, kept = _core(document, sections)
    findings += wrong
    values: dict[type[msgspec.Struct], Any] = {Core: core}
    for section in sections:
        values[section.model], wrong, left = _section(section, document)
        findings += wrong
        kept |= left
    keys = Keys(key_facts(), sections)
    used = used_keys(document, keys)
    findings += unowned(document, sections, core, keys.facts, installed or {}, bool(flags.get("safe_mode")))
    findings += unknown_plugins(document, core, installed) if installed is not None else ()
    findings += _of_librechat(document, keys, used, core)
    return Composed(
        Settings(values, document.environ, _given(document.data), document.written),
        _ordered(findings),
        tuple(Unenforced(text(place), why) for place, why in used.unenforced.items()),
        used.unclaimed,
        document,
        kept,
    )


def _of_librechat(document: Document, keys: Keys, used: Used, core: Core) -> Iterator[Finding]:
    if document.librechat:
        yield from librechat_findings(document, keys.facts)
    yield from status_findings(document, keys, used, core.unenforced == "refuse")
    yield from unset_variables(document, keys.facts, lambda key: keys.has_claim(("endpoints", key)))


def _core(document: Document, sections: Sequence[Section]) -> Read[Core]:
    block = document.data.get("gateway")
    if block is None:
        return Core(), [], {}
    if not isinstance(block, dict):
        shapeless = Finding("gateway", "this is not a mapping", "write its keys under it")
        return Core(), [document.finding(("gateway",), shapeless)], {}
    own = {name: block[name] for name in Core.__struct_encode_fields__ if block.get(name) is not None}
    others = [steps(section.path) for section in sections]
    cleaned, findings = strange_names(own, [shape(Core)], ("gateway",), document, others)
    found = convert(cleaned, Core, ("gateway",), document)
    return found.value or Core(), [*findings, *found.findings], dict(found.kept)


def _section(section: Section, document: Document) -> Read[Any]:
    """The struct of a section, or a tuple of them. Outside `gateway:` nothing of it stops the start.

    An item of which nothing is left becomes its defaults, so that the others keep their numbers.
    """
    place = steps(section.path)
    level: Level = "error" if place[:1] == ("gateway",) else "warning"
    data = at(document.data, place)
    if section.path.endswith("[]"):
        return _items(section.model, data, place, document, level)
    if data is None:
        return _default(section.model), [], {}
    value, findings, kept = _one(section.model, data, place, document, level)
    return value if value is not None else _default(section.model), findings, kept


def _items(
    model: type[msgspec.Struct], data: Any, place: Steps, document: Document, level: Level
) -> Read[tuple[Any, ...]]:
    if data is None:
        return (), [], {}
    if not isinstance(data, list):
        shapeless = Finding(text(place), "this is not a list", "begin each item with `- `", level)
        return (), [document.finding(place, shapeless)], {}
    items: dict[int, Any] = {}
    findings: list[Finding] = []
    kept: Kept = {}
    for number, item in enumerate(data):
        value, wrong, left = _one(model, item, (*place, number), document, level)
        value = _default(model) if value is None else value
        findings += wrong
        if value is not None:
            items[number] = value
            kept |= left
    if len(items) < len(data):
        kept[place] = tuple(items)
    return tuple(items.values()), findings, kept


def _one(model: type[msgspec.Struct], data: Any, place: Steps, document: Document, level: Level) -> Read[Any]:
    findings: list[Finding] = []
    if place[:1] == ("gateway",):
        data, findings = strange_names(data, [shape(model)], place, document, ())
    found = convert(data, model, place, document, level)
    return found.value, [*findings, *found.findings], dict(found.kept)


def _default(model: type[msgspec.Struct]) -> msgspec.Struct | None:
    try:
        return model()
    except TypeError:
        return None


def _given(data: Any, place: Steps = ()) -> frozenset[str]:
    return frozenset(text(found) for found in _places(data, place) if found)


def _places(data: Any, place: Steps) -> Iterator[Steps]:
    """Every path that has something."""
    if data is None:
        return
    yield place
    if isinstance(data, dict):
        for name, value in data.items():
            yield from _places(value, (*place, name))
    elif isinstance(data, list):
        for number, value in enumerate(data):
            yield from _places(value, (*place, number))


def _ordered(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Without repetition, in the order of the files; what stands in no file comes last."""
    files: dict[str, int] = defaultdict(lambda: len(files))
    for finding in findings:
        _ = files[finding.file or "\uffff"]
    unique = dict.fromkeys(findings)
    return tuple(sorted(unique, key=lambda f: (not f.file, files[f.file or "\uffff"], f.line, f.column, f.path)))

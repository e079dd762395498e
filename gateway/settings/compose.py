"""A Document and the plugins' sections to Settings, and everything that is wrong with them, at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from .contract import Finding, Section, Settings
from .convert import Level, convert
from .core import Core
from .overlay import overlaid
from .paths import Steps, at, steps, text
from .reading import Document
from .shape import shape
from .strange import strange_names


class Unenforced(msgspec.Struct, frozen=True, order=True):
    """A key about money, safety, access or tools that stands in the file and that nothing here enforces."""

    path: str
    reason: str


@dataclass(frozen=True)
class Composed:
    """findings: errors, warnings and notes, in the files' order. document: with flags and variables applied."""

    settings: Settings
    findings: tuple[Finding, ...]
    unenforced: tuple[Unenforced, ...]
    document: Document

    @property
    def errors(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.level == "error")


def core_of(document: Document, flags: Mapping[str, object]) -> tuple[Core, tuple[Finding, ...]]:
    """The core's own part, which says what plugins to load. What is wrong comes again from `compose`."""
    core, findings = _core(overlaid(document, (), flags), ())
    return core, (*document.findings, *findings)


def compose(document: Document, sections: Sequence[Section], flags: Mapping[str, object]) -> Composed:
    """The validated whole. flags: as `{"gateway.listen.port": 9000, "upstream": "http://…"}`."""
    document = overlaid(document, sections, flags)
    findings = list(document.findings)
    core, wrong = _core(document, sections)
    findings += wrong
    values: dict[type[msgspec.Struct], Any] = {Core: core}
    for section in sections:
        values[section.model], wrong = _section(section, document)
        findings += wrong
    settings = Settings(values, document.environ, _given(document.data))
    return Composed(settings, _ordered(findings), (), document)


def _core(document: Document, sections: Sequence[Section]) -> tuple[Core, list[Finding]]:
    block = document.data.get("gateway")
    if block is None:
        return Core(), []
    if not isinstance(block, dict):
        shapeless = Finding("gateway", "this is not a mapping", "write its keys under it")
        return Core(), [document.finding(("gateway",), shapeless)]
    own = {name: block[name] for name in Core.__struct_encode_fields__ if block.get(name) is not None}
    others = [steps(section.path) for section in sections]
    cleaned, findings = strange_names(own, [shape(Core)], ("gateway",), document, others)
    core, wrong = convert(cleaned, Core, ("gateway",), document)
    return core or Core(), [*findings, *wrong]


def _section(section: Section, document: Document) -> tuple[Any, list[Finding]]:
    """The struct of a section, or a tuple of them. Outside `gateway:` nothing of it stops the start."""
    place = steps(section.path)
    level: Level = "error" if place[0] == "gateway" else "warning"
    data = at(document.data, place)
    if section.path.endswith("[]"):
        return _items(section.model, data, place, document, level)
    if data is None:
        return _default(section.model), []
    value, findings = _one(section.model, data, place, document, level)
    return value if value is not None else _default(section.model), findings


def _items(
    model: type[msgspec.Struct], data: Any, place: Steps, document: Document, level: Level
) -> tuple[tuple[Any, ...], list[Finding]]:
    if data is None:
        return (), []
    if not isinstance(data, list):
        return (), [
            document.finding(place, Finding(text(place), "this is not a list", "begin each item with `- `", level))
        ]
    pairs = [_one(model, item, (*place, number), document, level) for number, item in enumerate(data)]
    values = tuple(value for value, _ in pairs if value is not None)
    return values, [finding for _, findings in pairs for finding in findings]


def _one(
    model: type[msgspec.Struct], data: Any, place: Steps, document: Document, level: Level
) -> tuple[Any, list[Finding]]:
    findings: list[Finding] = []
    if place[0] == "gateway":
        data, findings = strange_names(data, [shape(model)], place, document, ())
    value, wrong = convert(data, model, place, document, level)
    return value, [*findings, *wrong]


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

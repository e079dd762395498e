"""LibreChat's keys: which of them have no effect here, which are unenforced, and which plugin understands which.

The facts are in librechat_keys.yaml; what plugins implement is what their sections' structs name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from importlib.resources import files
from typing import Any, Literal

import msgspec

from .contract import Section
from .paths import pattern
from .shape import patterns, shape
from .yamlfile import parse

Pattern = tuple[str, ...]
Kind = Literal["none", "unenforced", "implemented", "container"]


class Unmet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """why: the reason. unless: a value that asks for nothing."""

    why: str
    unless: Any = None

    def idle(self, value: Any) -> bool:
        """Whether the value asks for nothing."""
        if isinstance(self.unless, dict) and isinstance(value, dict):
            return all(name in value and value[name] == wanted for name, wanted in self.unless.items())
        return self.unless is not None and bool(self.unless == value)


class KeyFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The data file. Its own comments say what its parts mean."""

    none: Mapping[str, str]
    unenforced: Mapping[str, Unmet]
    over_structs: tuple[str, ...]
    plugins: Mapping[str, str]
    strict: Mapping[str, tuple[str, ...]]
    reserved: tuple[str, ...]
    any_case: tuple[str, ...]
    resolved: tuple[str, ...]
    version: str


class Status(msgspec.Struct, frozen=True):
    """What becomes of a key. pattern: the one that says so. why: for people. over: it counts more than any struct."""

    kind: Kind
    pattern: Pattern
    why: str = ""
    unmet: Unmet | None = None
    over: bool = False


def key_facts() -> KeyFacts:
    source = files(__package__).joinpath("librechat_keys.yaml").read_text("utf-8")
    return msgspec.convert(parse(source, "librechat_keys.yaml").data, KeyFacts)


class Keys:
    """The facts and the installed plugins' sections, looked up together."""

    def __init__(self, facts: KeyFacts, sections: Sequence[Section]) -> None:
        self.facts = facts
        self.claimed = frozenset(claim for section in sections for claim in _claims(section))
        statuses = [Status("implemented", ("version",)), *_stated(facts)]
        for section in sections:
            statuses += _implemented(section)
        self._statuses = sorted(statuses, key=_weight, reverse=True)
        self._known: dict[Pattern, Status | None] = {}

    def status(self, key: Pattern) -> Status | None:
        """The most specific one; None for a key that nothing knows."""
        if key not in self._known:
            self._known[key] = next((one for one in self._statuses if _covers(one, key)), None)
        return self._known[key]

    def names(self, parent: Pattern) -> set[str]:
        """The names known below a key; empty where any may stand there."""
        depth = len(parent)
        return {
            one.pattern[depth]
            for one in self._statuses
            if len(one.pattern) > depth and fits(one.pattern[:depth], parent) and "*" not in one.pattern[depth]
        }

    def leads(self, key: Pattern) -> bool:
        """Whether something known stands at the key or below it."""
        return any(fits(one.pattern[: len(key)], key) for one in self._statuses if len(one.pattern) >= len(key))

    def plugin(self, key: Pattern) -> str | None:
        """The plugin that a key needs and that has not claimed it; None where all is well or nobody knows.

        It is empty where there is no such plugin.
        """
        for path, name in self.facts.plugins.items():
            wanted = pattern(path)
            if fits(wanted, key[: len(wanted)]) and not self.has_claim(wanted):
                return name
        return None

    def has_claim(self, key: Pattern) -> bool:
        return any(fits(claim[: len(key)], key) for claim in self.claimed)


def lacking(plugin: str) -> tuple[str, str]:
    """What is wrong with an endpoint whose plugin is not installed, and what to do."""
    if not plugin:
        return "no plugin provides this", "take it out, or do without it"
    return "no installed plugin provides this", f"install plugins/{plugin}"


def fits(wanted: Iterable[str], key: Sequence[str]) -> bool:
    """Whether a pattern fits a key, step by step; both are of one length."""
    steps = tuple(wanted)
    return len(steps) == len(key) and all(
        one == step or ("*" in one and step != "[]" and fnmatchcase(step, one))
        for one, step in zip(steps, key, strict=True)
    )


def _covers(status: Status, key: Pattern) -> bool:
    if status.kind == "container":
        return fits(status.pattern, key)
    return fits(status.pattern, key[: len(status.pattern)])


def _weight(status: Status) -> tuple[bool, int, bool, int]:
    """Longer ones first; of equal ones structs, then those with fewer wildcards."""
    ours = status.kind in ("implemented", "container")
    return status.over, len(status.pattern), ours, -sum("*" in step for step in status.pattern)


def _stated(facts: KeyFacts) -> Iterable[Status]:
    for path, why in facts.none.items():
        yield Status("none", pattern(path), why, over=path in facts.over_structs)
    for path, unmet in facts.unenforced.items():
        yield Status("unenforced", pattern(path), unmet.why, unmet, path in facts.over_structs)


def _claims(section: Section) -> Iterable[Pattern]:
    if section.path:
        yield pattern(section.path)
    else:
        yield from ((name,) for name in section.model.__struct_encode_fields__)


def _implemented(section: Section) -> Iterable[Status]:
    start = pattern(section.path)
    for found, container in patterns(shape(section.model)):
        yield Status("container" if container else "implemented", start + found)

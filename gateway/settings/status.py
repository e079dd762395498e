"""The keys that a librechat.yaml uses: which are unenforced, without effect, unclaimed or unknown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from .contract import Finding
from .convert import Level, nearest
from .keys import Keys, Pattern, Status, lacking
from .paths import Steps, at, general, text
from .reading import Document

OURS = "gateway"


class Unenforced(msgspec.Struct, frozen=True, order=True):
    """A key about money, safety, access or tools that stands in the file and that nothing here enforces."""

    path: str
    reason: str


@dataclass
class Used:
    """unclaimed: endpoints that no installed plugin provides, with the reason, by endpoint name."""

    unenforced: dict[Steps, str] = field(default_factory=dict)
    without_effect: dict[Pattern, None] = field(default_factory=dict)
    unknown: dict[Steps, None] = field(default_factory=dict)
    unclaimed: dict[str, str] = field(default_factory=dict)
    needs: dict[Steps, str] = field(default_factory=dict)


def used_keys(document: Document, keys: Keys) -> Used:
    used = Used()
    for place in _leaves(document.data):
        if place[0] == OURS:
            _judge_own(place, document, keys, used)
        else:
            _judge(place, document, keys, used)
    return used


def status_findings(document: Document, keys: Keys, used: Used, refuse: bool) -> Iterator[Finding]:
    """refuse: `gateway.unenforced: refuse`, which makes errors of unenforced keys."""
    for place, plugin in used.needs.items():
        yield _placed(document, place, *lacking(plugin), "warning")
    level: Level = "error" if refuse else "warning"
    todo = "remove it, or set `gateway.unenforced: warn`" if refuse else "make sure that you can do without"
    for place, why in used.unenforced.items():
        yield _placed(document, place, f"not enforced: {why}", todo, level)
    for place in used.unknown:
        close = nearest(str(place[-1]), keys.names(general(place[:-1])))
        yield _placed(document, place, "unknown key, without effect here and in LibreChat", close, "warning")
    if used.without_effect:
        names = ", ".join(_shown(pattern) for pattern in used.without_effect)
        yield Finding(
            "", f"keys of LibreChat's own client and server, accepted and without effect here: {names}", level="note"
        )


def _leaves(value: Any, place: Steps = ()) -> Iterator[Steps]:
    """Where values stand that are no collections, or empty ones."""
    if isinstance(value, dict) and value:
        for name, item in value.items():
            yield from _leaves(item, (*place, name))
    elif isinstance(value, list) and value:
        for number, item in enumerate(value):
            yield from _leaves(item, (*place, number))
    elif value is not None and place:
        yield place


def _judge_own(place: Steps, document: Document, keys: Keys, used: Used) -> None:
    """Unknown names under `gateway:` are told elsewhere."""
    status = keys.status(general(place))
    if status is not None and status.kind == "unenforced":
        _unmet(place, status, document, used)


def _judge(place: Steps, document: Document, keys: Keys, used: Used) -> None:
    key = general(place)
    plugin = keys.plugin(key)
    if plugin is not None:
        _unclaimed(place, plugin, document, used)
        return
    status = keys.status(key)
    if status is None or (status.kind == "none" and slip(place, keys)):
        _unknown(place, keys, used)
    elif status.kind == "none":
        used.without_effect[status.pattern] = None
    elif status.kind == "unenforced":
        _unmet(place, status, document, used)


def _unmet(place: Steps, status: Status, document: Document, used: Used) -> None:
    """What is empty asks for nothing."""
    there = place[: len(status.pattern)]
    value = at(document.data, there)
    if value not in ({}, []) and not (status.unmet and status.unmet.idle(value)):
        used.unenforced[there] = status.why


def _unclaimed(place: Steps, plugin: str, document: Document, used: Used) -> None:
    """An endpoint is unavailable; any other key is unenforced, unless it is empty."""
    there = place[:2]
    if there[0] != "endpoints":
        if at(document.data, there) not in ({}, []):
            used.unenforced[there] = f"no installed plugin enforces this; install plugins/{plugin}"
        return
    used.needs[there] = plugin
    what, todo = lacking(plugin)
    for name in _endpoint_names(str(there[1]), at(document.data, there)):
        used.unclaimed[name] = f"{text(there)}: {what}; {todo}"


def _endpoint_names(key: str, value: Any) -> Iterator[str]:
    if not isinstance(value, list):
        yield key
        return
    for entry in value:
        if isinstance(entry, Mapping) and isinstance(entry.get("name"), str):
            yield entry["name"]


def slip(place: Steps, keys: Keys) -> bool:
    """Whether it is nearly the name of another key: what is without effect may have any keys, but hardly such."""
    for depth in range(1, len(place) + 1):
        if not keys.leads(general(place[:depth])):
            return bool(nearest(str(place[depth - 1]), keys.names(general(place[: depth - 1]))))
    return False


def _unknown(place: Steps, keys: Keys, used: Used) -> None:
    """The first name on the way that nothing knows. Where LibreChat is strict it is told as its refusal."""
    for depth in range(1, len(place) + 1):
        if not keys.leads(general(place[:depth])):
            if text_of_parent(place[:depth]) not in keys.facts.strict:
                used.unknown[place[:depth]] = None
            return


def text_of_parent(place: Steps) -> str:
    """The path around a place, as the facts write it."""
    return "".join("[]" if isinstance(step, int) else f".{step}" for step in place[:-1]).removeprefix(".")


def _placed(document: Document, place: Steps, what: str, todo: str, level: Level) -> Finding:
    return document.finding(place, Finding(text(place), what, todo, level), key=True)


def _shown(pattern: Pattern) -> str:
    return "".join("[]" if step == "[]" else f".{step}" for step in pattern).removeprefix(".")

"""What a reload leaves as it is: sockets, processes and the store are there already, and requests use them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from ..secret import Secret
from .contract import Finding, Section, Settings
from .core import Core, Listen
from .variables import substitute

_OF_LISTEN = ("host", "port", "internal_host", "internal_port")
LATER = "a reload does not change it; restart the gateway"


def held(first: Settings, after: Settings, sections: Sequence[Section]) -> tuple[Settings, list[Finding]]:
    """The settings with what counts since the start in its place, and a warning for each key that says otherwise.

    first: those of the start.
    """
    core, findings = _core(first.one(Core), after.one(Core))
    values: dict[type[msgspec.Struct], Any] = {Core: core}
    for section in sections:
        if section.fixed:
            values[section.model] = first.one(section.model)
            findings += _changes(section, first, after)
    return after.replaced(values), findings


def _core(first: Core, after: Core) -> tuple[Core, list[Finding]]:
    findings = [
        _finding(f"gateway.listen.{name}")
        for name in _OF_LISTEN
        if getattr(first.listen, name) != getattr(after.listen, name)
    ]
    listen = msgspec.structs.replace(after.listen, **{name: getattr(first.listen, name) for name in _OF_LISTEN})
    if (first.listen.tls is None) != (after.listen.tls is None):
        findings.append(_finding("gateway.listen.tls"))
        listen = _with_tls_of(first.listen, listen)
    if first.workers != after.workers:
        findings.append(_finding("gateway.workers"))
    return msgspec.structs.replace(after, listen=listen, workers=first.workers), findings


def _with_tls_of(first: Listen, listen: Listen) -> Listen:
    return msgspec.structs.replace(listen, tls=first.tls)


def _changes(section: Section, first: Settings, after: Settings) -> Iterator[Finding]:
    """Variables count: what a text means is compared."""
    was, is_now = first.one(section.model), after.one(section.model)
    for field in msgspec.structs.fields(section.model):
        if _meant(getattr(was, field.name), first) != _meant(getattr(is_now, field.name), after):
            yield _finding(f"{section.path}.{field.encode_name}")


def _meant(value: Any, settings: Settings) -> Any:
    text = value.reveal() if isinstance(value, Secret) else value
    return substitute(text, settings.environ)[0] if isinstance(text, str) else value


def _finding(path: str) -> Finding:
    return Finding(path, "it has changed, and does not count yet", LATER, "warning")

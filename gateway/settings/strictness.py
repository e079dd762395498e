"""What LibreChat itself refuses or skips in a librechat.yaml, told before LibreChat does.

Source: LibreChat `packages/data-provider/src/config.ts` (`configSchema`) and
`api/server/services/Config/loadCustomConfig.js`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .contract import Finding
from .convert import Level, nearest
from .keys import KeyFacts
from .modelspecs import skipped_specs
from .paths import Steps, steps, text
from .reading import Document
from .variables import substitute

NEEDED = ("name", "apiKey", "baseURL", "models")
DEFAULTED = ("apiKey", "baseURL")
"""What a plugin may know for an endpoint that does not give it."""
OURS = "gateway"
SPLIT = "put the whole text into one variable, or other text before or after"


def librechat_findings(document: Document, facts: KeyFacts) -> Iterator[Finding]:
    yield from _version(document, facts)
    for level, names in facts.strict.items():
        for place, mapping in _mappings(document.data, _levels(level)):
            yield from _strict(document, place, mapping, names)
    yield from _own_block(document)
    yield from _endpoints(document, facts)
    yield from skipped_specs(document, facts)


def unset_variables(document: Document, facts: KeyFacts, claimed: Callable[[str], bool]) -> Iterator[Finding]:
    """`${VAR}` without a value, where LibreChat replaces it. claimed: whether a plugin provides an endpoint."""
    endpoints = document.data.get("endpoints")
    for key, value in (endpoints if isinstance(endpoints, dict) else {}).items():
        for place, word in _texts(value, ("endpoints", key)) if claimed(key) else ():
            if set(place[2:4]) & set(facts.resolved):
                yield from _unset(document, place, substitute(word, document.environ)[1])


def _unset(document: Document, place: Steps, names: tuple[str, ...]) -> Iterator[Finding]:
    if not names:
        return
    if "}" in names[0]:
        what, todo = "LibreChat takes all of this for one variable, since it begins with one and ends with one", SPLIT
    elif len(names) == 1:
        what, todo = f"the variable {names[0]} is not set", "set it in the environment or in .env"
    else:
        what, todo = f"the variables {' and '.join(names)} are not set", "set them in the environment or in .env"
    yield _placed(document, place, what, todo, "warning", key=False)


def _version(document: Document, facts: KeyFacts) -> Iterator[Finding]:
    version = document.data.get("version")
    if version is None:
        what = "it is missing, and without it LibreChat refuses the file"
        yield Finding("version", what, f'add `version: "{facts.version}"`', "warning", *(document.marks.get((), ())))
    elif not isinstance(version, str):
        what = "this is not text, so LibreChat refuses the file"
        yield _placed(document, ("version",), what, f'put it in quotes: `version: "{version}"`', "error", key=False)


def _strict(document: Document, place: Steps, mapping: dict[str, Any], names: Sequence[str]) -> Iterator[Finding]:
    for name in mapping:
        if name not in names and not (place == () and name == OURS):
            todo = nearest(name, (*names, OURS) if place == () else names) or "remove it, or move it where it belongs"
            yield _placed(document, (*place, name), "unknown key, for which LibreChat refuses the file", todo, "error")


def _own_block(document: Document) -> Iterator[Finding]:
    mark = document.keys.get((OURS,))
    if mark is not None and document.files and mark.file == str(document.files[0]):
        what = "LibreChat itself refuses a file with this key"
        todo = "where both read this file, move the block to a gateway.yaml beside it"
        yield Finding(OURS, what, todo, "note", *mark)


def _endpoints(document: Document, facts: KeyFacts) -> Iterator[Finding]:
    if "endpoints" not in document.data:
        return
    endpoints = document.data["endpoints"]
    if not isinstance(endpoints, dict) or not endpoints:
        what = "there is nothing in it, so LibreChat refuses the file" if not endpoints else "this is not a mapping"
        yield _placed(document, ("endpoints",), what, "name an endpoint, or remove the key", "error")
        return
    custom = endpoints.get("custom")
    for number, entry in enumerate(custom if isinstance(custom, list) else ()):
        if isinstance(entry, dict):
            yield from _custom(document, ("endpoints", "custom", number), entry, facts)


def _custom(document: Document, place: Steps, entry: dict[str, Any], facts: KeyFacts) -> Iterator[Finding]:
    name = entry.get("name")
    if name in facts.reserved:
        what = f"`{name}` is the name of a built-in endpoint, so LibreChat refuses the file"
        yield _placed(document, (*place, "name"), what, "give it another name", "error", key=False)
    for key in NEEDED:
        if not entry.get(key):
            who = "LibreChat skips" if key in DEFAULTED else "LibreChat and the gateway skip"
            what = f"it is missing, so {who} this endpoint"
            yield _placed(document, (*place, key), what, "give it, or take the endpoint out", "warning")
    models = entry.get("models")
    if isinstance(models, dict) and models and not models.get("fetch") and not models.get("default"):
        what = "it names no models, so LibreChat and the gateway skip this endpoint"
        yield _placed(document, (*place, "models"), what, "give `default`, or set `fetch: true`", "warning")


def _levels(level: str) -> tuple[str, ...]:
    """`endpoints.custom[].customParams` in the parts between lists."""
    return tuple(part.strip(".") for part in level.split("[]"))


def _mappings(data: Any, parts: Sequence[str], place: Steps = ()) -> Iterator[tuple[Steps, dict[str, Any]]]:
    """Every mapping at a level; below lists there are many."""
    for step in steps(parts[0]):
        data = data.get(step) if isinstance(data, dict) and isinstance(step, str) else None
        place = (*place, step)
    if len(parts) == 1:
        if isinstance(data, dict):
            yield place, data
        return
    for number, item in enumerate(data if isinstance(data, list) else ()):
        yield from _mappings(item, parts[1:], (*place, number))


def _texts(value: Any, place: Steps) -> Iterator[tuple[Steps, str]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _texts(item, (*place, name))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _texts(item, (*place, number))
    elif isinstance(value, str) and "${" in value:
        yield place, value


def _placed(document: Document, place: Steps, what: str, todo: str, level: Level, *, key: bool = True) -> Finding:
    return document.finding(place, Finding(text(place), what, todo, level), key=key)

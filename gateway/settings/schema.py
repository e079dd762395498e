"""The JSON Schema of librechat.yaml, composed of the structs of the core and the plugins, for editors.

It is draft-07, which editors' YAML extensions know best. LibreChat's keys that nothing here reads are allowed as they
come, each with a word on what becomes of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from .contract import Section
from .core import Core
from .keys import Keys, Pattern, key_facts, lacking
from .overlay import variables
from .paths import general, pattern
from .structschema import Schema, struct_schema

OURS = "gateway"
TITLE = "librechat.yaml, with librechat-gateway's own settings under `gateway`"
_WORDS = {"none": "Accepted, without effect here", "unenforced": "Not enforced here"}


def schema_text(sections: Sequence[Section]) -> str:
    """As JSON, the same for the same sections."""
    encoded = msgspec.json.encode(schema(sections), order="sorted")
    return msgspec.json.format(encoded, indent=2).decode() + "\n"


def schema(sections: Sequence[Section]) -> Schema:
    """sections: of all plugins; their order does not matter."""
    sections = sorted(sections, key=lambda section: (section.path, section.model.__name__))
    keys = Keys(key_facts(), sections)
    root: Schema = {"type": "object"}
    _add_known(root, keys)
    _add(root, (OURS,), struct_schema(Core))
    for section in sections:
        _add(root, pattern(section.path), struct_schema(section.model))
    root.pop("description", None)  # of a struct of keys at the top; theirs say what they are
    _close(root, keys)
    _say_status(root, keys)
    _say_variables(root, sections)
    return {"$schema": "http://json-schema.org/draft-07/schema#", "title": TITLE, **root}


def _add(root: Schema, place: Pattern, own: Schema) -> None:
    """Put a schema at its place, joined with what stands there."""
    _join(_node(root, place), own)


def _join(node: Schema, own: Schema) -> None:
    for key, value in own.items():
        if key == "properties":
            there = node.setdefault(key, {})
            for name, part in value.items():
                _join(there.setdefault(name, {}), part)
        elif key == "items" and isinstance(node.get(key), dict):
            _join(node[key], value)
        else:
            node[key] = value


def _node(root: Schema, place: Pattern) -> Schema:
    for step in place:
        if step == "[]":
            root.setdefault("type", "array")
            root = root.setdefault("items", {})
        else:
            root = root.setdefault("properties", {}).setdefault(step, {})
    return root


def _add_known(root: Schema, keys: Keys) -> None:
    """Every key of LibreChat that the facts name without wildcards."""
    for level, names in keys.facts.strict.items():
        for name in names:
            _node(root, (*pattern(level), name))
    for path in (*keys.facts.none, *keys.facts.unenforced):
        if "*" not in path:
            _node(root, pattern(path))
    _node(root, ("version",)).update(type="string", description="LibreChat's version of the format, in quotes.")
    _node(root, ("endpoints",)).update(type="object", minProperties=1)


def _close(root: Schema, keys: Keys) -> None:
    """Unknown keys are errors where LibreChat refuses them, and everywhere under `gateway:`."""
    for level in keys.facts.strict:
        _node(root, pattern(level))["additionalProperties"] = False
    for one in _within(_node(root, (OURS,))):
        if "properties" in one:
            one.setdefault("additionalProperties", False)


def _within(node: Any) -> Iterator[Schema]:
    """The schema and all in it."""
    if not isinstance(node, dict):
        return
    yield node
    parts = [*node.get("properties", {}).values(), *node.get("anyOf", ())]
    for part in (*parts, node.get("items"), node.get("additionalProperties")):
        yield from _within(part)


def _say_status(node: Schema, keys: Keys, place: Pattern = ()) -> None:
    """What becomes of a key that the structs do not describe, or describe in vain."""
    for name, own in node.get("properties", {}).items():
        key = (*place, name)
        if key[0] != OURS:
            _say(own, key, keys)
            _say_status(own, keys, key)
    if isinstance(node.get("items"), dict):
        _say_status(node["items"], keys, (*place, "[]"))


def _say(own: Schema, key: Pattern, keys: Keys) -> None:
    plugin, status = keys.plugin(key), keys.status(key)
    if plugin is not None and len(key) == 2:
        what, todo = lacking(plugin)
        own["description"] = f"{what[0].upper()}{what[1:]}; {todo}."
    elif status is not None and status.kind in _WORDS:
        own["description"] = f"{_WORDS[status.kind]}: {status.why}."


def _say_variables(root: Schema, sections: Sequence[Section]) -> None:
    """The variable that sets a key, after what the key is."""
    for name, place, _ in variables(sections):
        node = _find(root, general(place))
        if node is not None:
            node["description"] = f"{node.get('description', '')} Variable: {name}.".strip()


def _find(node: Schema, place: Pattern) -> Schema | None:
    if not place:
        return node
    for one in (node, *node.get("anyOf", ())):
        if place[0] in one.get("properties", {}):
            return _find(one["properties"][place[0]], place[1:])
    return None

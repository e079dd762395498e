"""Every key of LibreChat's schema is implemented, without effect, unenforced, or an endpoint of a plugin to install."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.plugins import load
from gateway.settings.core import Plugins
from gateway.settings.keys import Keys, fits, key_facts
from gateway.settings.paths import pattern
from gateway.settings.shape import patterns, shape
from gateway.settings.status import slip

SHARED = Path(os.environ.get("GATEWAY_SHARED", Path(__file__).parents[2] / "shared"))
SPEC = SHARED / "specs" / "librechat-yaml.schema.json"

Key = tuple[str, ...]


def below(node: dict[str, Any], root: dict[str, Any], place: Key = ()) -> Iterator[Key]:
    """Every key of a JSON Schema, `[]` for items and `*` for any name."""
    while "$ref" in node:
        target: Any = root
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[int(step)] if isinstance(target, list) else target[step]
        node = target
    for name in ("anyOf", "allOf", "oneOf"):
        for part in node.get(name, ()):
            yield from below(part, root, place)
    for name, part in node.get("properties", {}).items():
        yield (*place, name)
        yield from below(part, root, (*place, name))
    if isinstance(node.get("additionalProperties"), dict):
        yield (*place, "*")
        yield from below(node["additionalProperties"], root, (*place, "*"))
    items = node.get("items")
    for part in items if isinstance(items, list) else [items] if isinstance(items, dict) else []:
        yield from below(part, root, (*place, "[]"))


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    if not SPEC.is_file():
        pytest.skip(f"{SPEC} is not there")
    found: dict[str, Any] = json.loads(SPEC.read_text("utf-8"))
    return found


@pytest.fixture(scope="module")
def all_keys(spec: dict[str, Any]) -> list[Key]:
    return list(dict.fromkeys(below(spec["definitions"]["LibreChatConfig"], spec)))


@pytest.fixture(scope="module")
def keys() -> Keys:
    return Keys(key_facts(), load(Plugins()).sections())


def test_every_key_of_librechat_has_a_status(all_keys: list[Key], keys: Keys) -> None:
    assert len(all_keys) > 1000
    nameless = [
        ".".join(key)
        for key in all_keys
        if keys.status(key) is None and keys.plugin(key) is None and not _only_leads(key, all_keys, keys)
    ]
    assert nameless == []


def _only_leads(key: Key, all_keys: list[Key], keys: Keys) -> bool:
    """Whether it only holds others, each of which is judged by itself."""
    return keys.leads(key) and any(len(other) > len(key) and other[: len(key)] == key for other in all_keys)


def test_a_key_that_nobody_has_heard_of_has_none(keys: Keys) -> None:
    assert keys.status(("endpoints", "custom", "[]", "colour")) is None
    assert keys.plugin(("endpoints", "custom", "[]", "colour")) is None


def test_no_pattern_of_the_facts_is_stale(all_keys: list[Key], keys: Keys) -> None:
    facts = keys.facts
    ours = [
        (*pattern(section.path), *found)
        for section in load(Plugins()).sections()
        for found, _ in patterns(shape(section.model))
    ]
    stated = [*facts.none, *facts.unenforced, *(path for path in facts.plugins if not path.startswith("gateway."))]
    stale = [
        path
        for path in stated
        if not any(len(key) == len(pattern(path)) and fits(pattern(path), key) for key in (*all_keys, *ours))
    ]
    assert stale == []
    assert [path for path in facts.over_structs if path not in facts.none and path not in facts.unenforced] == []


def test_what_counts_over_structs_is_named_by_a_struct(keys: Keys) -> None:
    ours = [
        (*pattern(section.path), *found)
        for section in load(Plugins()).sections()
        for found, _ in patterns(shape(section.model))
    ]
    idle = [
        path
        for path in keys.facts.over_structs
        if not any(len(key) == len(pattern(path)) and fits(pattern(path), key) for key in ours)
    ]
    assert idle == []


def test_a_plugin_that_the_facts_give_for_our_own_keys_has_them(keys: Keys) -> None:
    for path, name in keys.facts.plugins.items():
        if path.startswith("gateway."):
            assert keys.has_claim(pattern(path)), f"{name} has no section {path}"


def test_the_strict_levels_are_those_of_the_schema(spec: dict[str, Any], all_keys: list[Key], keys: Keys) -> None:
    for level, names in keys.facts.strict.items():
        place = pattern(level)
        assert sorted(names) == sorted(k[-1] for k in all_keys if len(k) == len(place) + 1 and k[: len(place)] == place)


def test_built_in_endpoints_are_the_reserved_names(keys: Keys) -> None:
    not_endpoints = {"allowedAddresses", "all"}
    assert set(keys.facts.strict["endpoints"]) - not_endpoints == set(keys.facts.reserved)


def test_no_key_of_librechats_is_taken_for_a_slip(all_keys: list[Key], keys: Keys) -> None:
    places = [tuple(0 if step == "[]" else "name" if step == "*" else step for step in key) for key in all_keys]
    assert [place for place in places if slip(place, keys)] == []
    assert slip(("interface", "promts", "use"), keys)

"""What is set over the files: a flag wins over a `GATEWAY_*` variable, that over the file, that over the default.

A variable's name comes from its key's path: `gateway.listen.port` is `GATEWAY_LISTEN_PORT`. Lists are comma separated.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec
from msgspec import inspect

from .contract import Section
from .core import Core
from .paths import Steps, steps
from .reading import Document
from .shape import branches, leaves, scalar, shape

ALIASES = {"GATEWAY_HOST": "gateway.listen.host", "GATEWAY_PORT": "gateway.listen.port"}
COMMAND_LINE = "the command line"
_YES = frozenset(("true", "yes", "on", "1"))
_NO = frozenset(("false", "no", "off", "0"))


def overlaid(document: Document, sections: Sequence[Section], flags: Mapping[str, object]) -> Document:
    """The document with flags and variables in it; `origins` says which value came from where."""
    data, origins = copy.deepcopy(document.data), dict(document.origins)
    for origin, place, value in (*_from_environment(document.environ, sections), *_from_flags(flags)):
        if _put(data, place, value):
            origins[place] = origin
    return replace(_with_upstream(document, data, flags), origins=origins)


def variable(place: Steps) -> str:
    """`("gateway", "auth-keys", "cacheSeconds")` is `GATEWAY_AUTH_KEYS_CACHE_SECONDS`."""
    words = "_".join(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", str(step)) for step in place)
    return re.sub(r"[^A-Za-z0-9]+", "_", words).upper()


def variables(sections: Sequence[Section]) -> Iterator[tuple[str, Steps, inspect.Type]]:
    """Every variable that is read, the key it sets and the key's type. The short ones come first: long ones win."""
    known: list[tuple[str, type[msgspec.Struct]]] = [("gateway", Core)]
    known += [(section.path, section.model) for section in sections if section.path.startswith("gateway.")]
    found = {
        place: kind
        for path, model in known
        if not path.endswith("[]")
        for place, kind in leaves(shape(model), steps(path))
    }
    for name, path in ALIASES.items():
        yield name, steps(path), found[steps(path)]
    for place, kind in found.items():
        yield variable(place), place, kind


def _from_environment(environ: Mapping[str, str], sections: Sequence[Section]) -> Iterator[tuple[str, Steps, Any]]:
    for name, place, kind in variables(sections):
        text = environ.get(name, "")
        if text:
            yield name, place, _value(text, kind)


def _value(text: str, kind: inspect.Type) -> Any:
    """The text as this type has it; where it is none of that, the text itself, which conversion will refuse."""
    form = scalar(kind)
    if form == "list":
        return [part.strip() for part in text.split(",") if part.strip()]
    if form == "flag":
        word = text.strip().lower()
        return word in _YES if word in _YES | _NO else text
    if form in ("whole", "number"):
        try:
            return int(text) if form == "whole" else float(text)
        except ValueError:
            return _switched_off(text, kind)
    return text


def _switched_off(text: str, kind: inspect.Type) -> Any:
    """A number that may be `false`."""
    has_flag = any(isinstance(branch, inspect.BoolType) for branch in branches(kind))
    return False if has_flag and text.strip().lower() in _NO else text


def _from_flags(flags: Mapping[str, object]) -> Iterator[tuple[str, Steps, Any]]:
    for path, value in flags.items():
        if path.startswith("gateway.") and value is not None:
            yield COMMAND_LINE, steps(path), list(value) if isinstance(value, tuple) else value


def _put(data: dict[str, Any], place: Steps, value: Any) -> bool:
    """False where the file has something else than a mapping on the way; that is a finding of its own."""
    for step in place[:-1]:
        if data.get(str(step)) is None:
            data[str(step)] = {}
        data = data[str(step)]
        if not isinstance(data, dict):
            return False
    data[str(place[-1])] = value
    return True


def _with_upstream(document: Document, data: dict[str, Any], flags: Mapping[str, object]) -> Document:
    """`--upstream URL`: one more endpoint; without a file the only thing there is, so the defaults' agent goes."""
    url = flags.get("upstream")
    if flags.get("alone"):
        _alone(document, data)
    if not url:
        return replace(document, data=data)
    entry = {
        "name": "upstream",
        "apiKey": "${UPSTREAM_API_KEY}" if document.environ.get("UPSTREAM_API_KEY") else "none",
        "baseURL": str(url),
        "models": {"default": [], "fetch": True},
    }
    if document.embedded and isinstance(data.get("gateway"), dict):
        data["gateway"].pop("agents", None)
    endpoints = data.setdefault("endpoints", {})
    if isinstance(endpoints, dict) and isinstance(endpoints.setdefault("custom", []), list):
        endpoints["custom"].append(entry)
    return replace(document, data=data)


def _alone(document: Document, data: dict[str, Any]) -> None:
    """Without a file what a flag names is all there is: the defaults' agent goes, and users may call agents."""
    if document.embedded and isinstance(data.get("gateway"), dict):
        data["gateway"].pop("agents", None)
        _put(data, ("interface", "remoteAgents", "use"), True)

"""Values to a Struct: what does not fit is left out and becomes a finding, so that all findings come at once."""

from __future__ import annotations

import copy
import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

import msgspec
from msgspec import inspect

from ..secret import Secret
from .contract import Finding
from .paths import Steps, at, steps, text
from .reading import Document
from .shape import choices, fields, follow, shape

T = TypeVar("T", bound=msgspec.Struct)
Level = Literal["error", "warning", "note"]
MOST_FINDINGS = 200
_AT = re.compile(r"^(?P<what>.*?)(?: - at `(?P<key>key` in `)?\$(?P<path>.*)`)?$", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.*?)`")
_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
    "Secret": "text",
}


@dataclass(frozen=True)
class Converted(Generic[T]):
    """value: None where nothing of it is left. kept: lists of which items were left out, by place in the document: the
    numbers that those which are left have there.
    """

    value: T | None
    findings: list[Finding]
    kept: Mapping[Steps, Sequence[int]]


def convert(data: Any, model: type[T], place: Steps, document: Document, level: Level = "error") -> Converted[T]:
    """place: where the data stands in the document."""
    conversion = _Conversion(data, model, place, document, level)
    value = conversion.run()
    kept = {place + conversion.original(there): numbers for there, numbers in conversion.numbers.items()}
    return Converted(value, conversion.findings, kept)


def nearest(word: str, known: Collection[str]) -> str:
    """`did you mean `x`?`, or nothing."""
    folded = {name.casefold(): name for name in known}
    close = difflib.get_close_matches(word.casefold(), list(folded), n=1, cutoff=0.7)
    return f"did you mean `{folded[close[0]]}`?" if close else ""


def secret_hook(kind: type[Any], value: Any) -> Any:
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    raise ValueError(f"Expected `{kind.__name__}`, got `{_kind(value)}`")


class _Conversion:
    def __init__(self, data: Any, model: type[Any], place: Steps, document: Document, level: Level) -> None:
        self.data = copy.deepcopy(data)
        self.model = model
        self.place = place
        self.document = document
        self.level: Level = level
        self.findings: list[Finding] = []
        self.numbers: dict[Steps, list[int]] = {}
        self._refused: set[Steps] = set()

    def run(self) -> Any:
        while len(self.findings) < MOST_FINDINGS:
            value, message = self._attempt()
            if message is None:
                return value
            steps_there = self._locate(message)
            self._report(message, steps_there)
            if not steps_there:
                break
            self._remove(steps_there)
        return None

    def _attempt(self) -> tuple[Any, str | None]:
        try:
            return msgspec.convert(self.data, self.model, dec_hook=secret_hook), None
        except msgspec.ValidationError as error:
            return None, str(error)

    def _locate(self, message: str) -> Steps:
        """The steps that a message names, within the data as it now is; `[...]` is a name that msgspec does not say."""
        path = (_AT.match(message) or {"path": ""})["path"] or ""
        found: Steps = ()
        for part in path.split("[...]")[:-1]:
            found += steps(part)
            name = self._culprit(found, message)
            if name is None:
                return found
            found = (*found, name)
        found += steps(path.split("[...]")[-1])
        unknown = re.match(r"Object contains unknown field `(.*?)`", message)
        return (*found, unknown[1]) if unknown else found

    def _culprit(self, there: Steps, message: str) -> str | None:
        """The name in a mapping whose value the message is about: the one that still fails when it is alone."""
        mapping = at(self.data, there)
        if not isinstance(mapping, dict):
            return None
        saved = dict(mapping)
        try:
            for name, value in saved.items():
                mapping.clear()
                mapping[name] = value
                if self._attempt()[1] == message:
                    return str(name)
        finally:
            mapping.clear()
            mapping.update(saved)
        return None

    def _remove(self, there: Steps) -> None:
        parent, last = at(self.data, there[:-1]), there[-1]
        if isinstance(parent, list) and isinstance(last, int):
            numbers = self.numbers.setdefault(there[:-1], list(range(len(parent))))
            del numbers[last]
            self.numbers = {key: value for key, value in self.numbers.items() if key[: len(there)] != there}
        del parent[last]

    def original(self, there: Steps) -> Steps:
        """The steps before anything was left out."""
        return tuple(
            self.numbers[there[:depth]][step] if isinstance(step, int) and there[:depth] in self.numbers else step
            for depth, step in enumerate(there)
        )

    def _report(self, message: str, there: Steps) -> None:
        place = self.place + self.original(there)
        missing = _MISSING.match(message)
        if missing and (*place, missing[1]) in self._refused:
            return
        self._refused.add(place)
        what, todo = self._words(message, there)
        origin = self.document.origins.get(place)
        if origin:
            self.findings.append(Finding(text(place), f"{origin} sets it wrongly: {what}", todo, self.level))
            return
        unknown = message.startswith("Object contains unknown field")
        self.findings.append(self.document.finding(place, Finding(text(place), what, todo, self.level), key=unknown))

    def _words(self, message: str, there: Steps) -> tuple[str, str]:
        """What is wrong and what to do, in the operator's words."""
        what = (_AT.match(message) or {"what": message})["what"] or message
        if match := _MISSING.match(what):
            return f"`{match[1]}` is missing", "add it"
        if re.match(r"Object contains unknown field", what):
            parent = follow(shape(self.model), there[:-1])
            return "unknown key", nearest(str(there[-1]), _names(parent)) or "remove it"
        if match := re.match(r"Invalid enum value (.*)", what):
            words = choices(follow(shape(self.model), there) or shape(self.model))
            return f"{match[1]} is none of {', '.join(words)}", nearest(
                match[1].strip("'"), words
            ) or "write one of them"
        if match := re.match(r"Expected `(.*?)`(.*?)(?:, got `(.*?)`)?$", what):
            wanted = f"{_spoken(match[1])}{match[2]}"
            got = f"this is {_spoken(match[3])}" if match[3] else "the value does not fit"
            return f"{got}, expected is {wanted}", f"write {wanted}"
        return what, "mend it"


def _names(kind: inspect.Type | None) -> Collection[str]:
    return fields(kind) if kind is not None else ()


def _spoken(kinds: str) -> str:
    return " or ".join(_WORDS.get(kind, kind) for kind in kinds.split(" | "))


def _kind(value: Any) -> str:
    kinds = {bool: "bool", int: "int", float: "float", list: "array", dict: "object", type(None): "null"}
    return kinds.get(type(value), type(value).__name__)

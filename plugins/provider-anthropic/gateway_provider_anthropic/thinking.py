"""Which models are told how much to think by an effort, by a budget of tokens, or not at all; see `thinking.json`."""

from __future__ import annotations

import re
from fnmatch import translate
from importlib.resources import files

from msgspec import Struct, json

from gateway import Quirks

EFFORT, BUDGET, NOTHING = (Quirks(reasoning_format=form) for form in ("effort", "object", "none"))


class _File(Struct):
    budgets: tuple[str, ...]
    nothing: tuple[str, ...]


class Thinking:
    """The table, ready to be asked for every request."""

    __slots__ = ("_budgets", "_nothing")

    def __init__(self) -> None:
        found = json.decode((files(__package__) / "thinking.json").read_bytes(), type=_File)
        self._budgets, self._nothing = _any(found.budgets), _any(found.nothing)

    def quirks(self, model: str) -> Quirks:
        name = model.lower()
        if self._budgets.match(name):
            return BUDGET
        return NOTHING if self._nothing.match(name) else EFFORT


def _any(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(translate(pattern) for pattern in patterns))

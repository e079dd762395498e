"""Section, Finding, Settings: what plugins know of the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeVar

import msgspec

from ..errors import SettingsError
from ..secret import Secret
from .variables import substitute

T = TypeVar("T", bound=msgspec.Struct)
MOST = 10**9
"""No number of a variable is larger."""


class Section(msgspec.Struct, frozen=True):
    """A part of the YAML that a plugin understands.

    path: as `gateway.auth-keys`, `endpoints.custom[]` (a list of them) or `endpoints.openAI`; "" for a struct of keys
    at the top below which the operator gives the names (`mcpServers`). model: a frozen Struct whose JSON Schema and
    docstring describe it, all fields with defaults unless it is a list's. Text that may hold `${VAR}` or a key is typed
    `Secret` or `str` and resolved at use. fixed: what it says counts from the start to the end of the gateway, whatever
    a reload finds there.
    """

    path: str
    model: type[msgspec.Struct]
    fixed: bool = False


class Finding(msgspec.Struct, frozen=True, order=True):
    """Something to tell the operator. path: as `endpoints.custom[2].apiKey`. what: what is wrong. todo: what to do."""

    path: str
    what: str
    todo: str = ""
    level: Literal["error", "warning", "note"] = "error"
    file: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}: " if self.file else ""
        path = f"{self.path}: " if self.path else ""
        return f"{place}{path}{self.what}" + (f"; {self.todo}" if self.todo else "")


class UnsetVariable(Exception):
    """A `${VAR}` has no value. names: the variables."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(", ".join(names))
        self.names = names


class Settings:
    """The validated whole; read it at startup only. written: when its files were changed last, epoch seconds."""

    def __init__(
        self,
        sections: Mapping[type[msgspec.Struct], Any],
        environ: Mapping[str, str],
        given: frozenset[str],
        written: float = 0.0,
    ) -> None:
        self._sections = sections
        self._environ = environ
        self._given = given
        self.written = written

    @classmethod
    def of(cls, *sections: msgspec.Struct) -> Settings:
        """These alone."""
        return cls({type(one): one for one in sections}, {}, frozenset())

    def one(self, model: type[T]) -> T:
        """The section of this struct; its defaults where the file has none."""
        found: T = self._sections.get(model) or model()
        return found

    def many(self, model: type[T]) -> tuple[T, ...]:
        """The sections of a path that ends in `[]`."""
        found: tuple[T, ...] = self._sections.get(model, ())
        return found

    def given(self, path: str) -> bool:
        """Whether the file has something at this path (`endpoints.openAI`)."""
        return path in self._given

    def env(self, name: str) -> str | None:
        """A variable of the environment or `.env`; an empty one counts as unset."""
        return self._environ.get(name) or None

    def number(self, name: str, default: float) -> float:
        """A variable that is a number above 0. Raises SettingsError."""
        text = self.env(name)
        if text is None:
            return default
        try:
            number = float(text)
        except ValueError:
            number = 0.0
        if not 0 < number <= MOST:
            raise SettingsError(f"{name}: {text!r} is no number above 0; write one, or take the variable out")
        return number

    @property
    def environ(self) -> Mapping[str, str]:
        """The core's own; plugins ask by name."""
        return self._environ

    def replaced(self, sections: Mapping[type[msgspec.Struct], Any]) -> Settings:
        """With other values of these sections."""
        return Settings({**self._sections, **sections}, self._environ, self._given, self.written)

    def resolve(self, text: str) -> str:
        """`${VAR}` replaced, by LibreChat's rules. Raises UnsetVariable."""
        value, unset = substitute(text, self._environ)
        if unset:
            raise UnsetVariable(unset)
        return value

    def secret(self, text: Secret | str) -> Secret:
        """The same for a secret."""
        return Secret(self.resolve(text.reveal() if isinstance(text, Secret) else text))

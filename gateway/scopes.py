"""Scopes: what a key may be used for, of what its owner may do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import msgspec


class Scopes(msgspec.Struct, frozen=True, omit_defaults=True):
    """Each part that is empty leaves everything open; `*` in a pattern is any text.

    agents: patterns of ids. models: patterns of `endpoint/model`, of a model's name alone (at any endpoint), or of
    the name of a route. A key that names agents or models may call these and nothing else of either kind.
    dialects: names. networks: CIDR, where requests may come from.
    """

    agents: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    dialects: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()

    @property
    def limits_calls(self) -> bool:
        """Whether anything is left to ask once it is known where a request comes from."""
        return bool(self.agents or self.models or self.dialects)

    def allow_agent(self, agent: str) -> bool:
        """agent: its id."""
        return fits(agent, self.agents) if self.agents or self.models else True

    def allow_model(self, name: str, endpoint: str) -> bool:
        """name: as lists show it, `endpoint/model` or a route's."""
        if not (self.agents or self.models):
            return True
        return fits(name, self.models) or fits(name.removeprefix(f"{endpoint}/"), self.models)

    def allow_call(self, agent: str, model: str, endpoint: str) -> bool:
        """agent: "" for a raw model."""
        return self.allow_agent(agent) if agent else self.allow_model(model, endpoint)

    def allow_dialect(self, dialect: str) -> bool:
        return not self.dialects or dialect in self.dialects


UNLIMITED = Scopes()


def fits(name: str, patterns: Sequence[str]) -> bool:
    """Whether one of the patterns is the whole name."""
    return any(_pattern(pattern).fullmatch(name) for pattern in patterns)


@lru_cache(maxsize=4096)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, text.split("*"))), re.DOTALL)

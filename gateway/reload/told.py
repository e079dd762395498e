"""Reloads: how the last one went; what logs, GET /status, GET /ready and metrics tell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

_STATE = "reloads"


class Reload(msgspec.Struct, frozen=True):
    """revision: of the configuration that serves, 12 hexadecimal digits of its files' text. ok: whether the last reload
    was applied; a start counts as one. at: when that was, epoch seconds. why: what is wrong with what was refused.
    """

    revision: str
    ok: bool
    at: float
    why: tuple[str, ...] = ()

    @property
    def warning(self) -> str | None:
        if self.ok:
            return None
        return f"the changed configuration was refused and {self.revision} still serves; the log and /status say why"


class Reloads:
    """Of this process. They outlive every reload."""

    def __init__(self) -> None:
        self.last = Reload("", ok=True, at=0.0)
        self._watchers: dict[str, Callable[[Reload], None]] = {}

    @classmethod
    def of(cls, state: dict[str, Any]) -> Reloads:
        """The ones that `Services.state` holds; made where it holds none."""
        found = state.setdefault(_STATE, cls())
        assert isinstance(found, cls)
        return found

    def watch(self, name: str, told: Callable[[Reload], None]) -> None:
        """`told` hears of the last and of every further one. One watcher of a name at a time."""
        self._watchers[name] = told
        told(self.last)

    def tell(self, reload: Reload) -> None:
        self.last = reload
        for told in self._watchers.values():
            told(reload)

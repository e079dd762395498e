"""ToolTraffic: calls of tools that the gateway runs, and connections to their servers, as they are told to metrics."""

from __future__ import annotations

from typing import Any, Literal, Protocol

_STATE = "gateway.tool_traffic"
Ending = Literal["ok", "error", "failed", "cancelled"]
"""Of a call. error: the tool's own. failed: it was not made, or its answer is not known."""
Connected = Literal["up", "down", ""]
"""Of a connection. down: it was lost, or cannot be made. "": nobody wants it."""


class Watcher(Protocol):
    """source: of the tools, as `mcp`. server: by a name of the operator's; those of users have one name together."""

    def called(self, source: str, server: str, ending: Ending, seconds: float) -> None: ...

    def stands(self, source: str, server: str, before: Connected, now: Connected, again: bool) -> None:
        """again: it was up before, whatever it was in between."""


class ToolTraffic:
    """Of this process. It outlives a reload of the configuration."""

    def __init__(self) -> None:
        self._watchers: dict[str, Watcher] = {}

    @classmethod
    def of(cls, state: dict[str, Any]) -> ToolTraffic:
        """The one that `Services.state` holds; made where it holds none."""
        found = state.setdefault(_STATE, cls())
        assert isinstance(found, cls)
        return found

    def watch(self, name: str, watcher: Watcher) -> None:
        """One watcher of a name at a time, so that a reload leaves no second one."""
        self._watchers[name] = watcher

    def called(self, source: str, server: str, ending: Ending, seconds: float) -> None:
        for watcher in self._watchers.values():
            watcher.called(source, server, ending, seconds)

    def stands(self, source: str, server: str, before: Connected, now: Connected, again: bool) -> None:
        for watcher in self._watchers.values():
            watcher.stands(source, server, before, now, again)

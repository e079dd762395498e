"""ToolCalls: which call of a stream the pieces of arguments belong to.

A call begins with the index of its step in the run, and its arguments come with the provider's index, which begins at
0 in each model turn. Of calls in parallel in one step LibreChat announces the first alone. All have run there when
they are told of: they are history, and nothing that a client should run.
Source: LibreChat `packages/api/src/agents/openai/handlers.ts`.
"""

from __future__ import annotations

from msgspec import Struct

from gateway.wire import jsontext

UNPLACED = "choices[0].delta.tool_calls"


class Called(Struct, eq=False):
    """block: the index of its block. arguments: so far."""

    block: int
    arguments: str = ""

    @property
    def whole(self) -> bool:
        return isinstance(jsontext.anything(self.arguments.encode("utf-8", "replace")), dict)


class ToolCalls:
    def __init__(self) -> None:
        self._begun: list[Called] = []
        self._by_index: dict[int, Called] = {}
        self._by_id: dict[str, Called] = {}

    def knows(self, identity: str) -> bool:
        return identity in self._by_id

    def begin(self, block: int, identity: str) -> None:
        called = self._by_id[identity] = Called(block)
        self._begun.append(called)

    def of(self, index: int, arguments: str, identity: str = "") -> Called | None:
        """The call that these arguments go on with; None where it was never announced. Where they name it, that."""
        if (named := self._by_id.get(identity)) is not None:
            if named in self._begun:
                self._begun.remove(named)
            self._by_index[index] = named
            named.arguments += arguments
            return named
        known = self._by_index.get(index)
        if known is None or (self._begun and known.whole):
            if not self._begun:
                return None
            known = self._by_index[index] = self._begun.pop(0)
        known.arguments += arguments
        return known

    def turn(self) -> None:
        """The model speaks anew, and its calls are counted from 0 again."""
        self._begun.clear()
        self._by_index.clear()

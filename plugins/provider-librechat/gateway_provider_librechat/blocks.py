"""Blocks: a reply's blocks, begun and ended in their order; prose is one at a time, tool calls may be several."""

from __future__ import annotations

from gateway import BlockDelta, BlockStart, BlockStop, Event, Reasoning, Started, Text, ToolCall

Prose = type[Text] | type[Reasoning]


class Blocks:
    """server: the label that tools have for clients. started: what the reply begins with. It is told with the first
    block, so that a run that fails before it has said anything can be tried elsewhere.
    """

    def __init__(self, server: str = "") -> None:
        self._server = server
        self.started: Started | None = None
        self._told = False
        self._next = 0
        self._prose: Prose | None = None
        self._at = 0
        self._calls: list[int] = []

    def begin(self, out: list[Event]) -> None:
        if not self._told:
            self._told = True
            out.append(self.started or Started())

    def say(self, kind: Prose, text: str, out: list[Event]) -> None:
        if not text:
            return
        self.begin(out)
        if self._prose is not kind:
            self.close(out)
            self._prose, self._at = kind, self._take()
            out.append(BlockStart(0, self._at, kind()))
        out.append(BlockDelta(0, self._at, text))

    def call(self, identity: str, name: str, out: list[Event]) -> int:
        """LibreChat ran it; the client is told, where its dialect can tell it."""
        self.begin(out)
        self._end_prose(out)
        at = self._take()
        self._calls.append(at)
        out.append(BlockStart(0, at, ToolCall(identity, name, executor="upstream", server=self._server)))
        return at

    def more(self, at: int, arguments: str, out: list[Event]) -> None:
        if arguments and at in self._calls:
            out.append(BlockDelta(0, at, arguments))

    def close(self, out: list[Event]) -> None:
        """All that is open."""
        self._end_prose(out)
        out += [BlockStop(0, at) for at in self._calls]
        self._calls.clear()

    def _end_prose(self, out: list[Event]) -> None:
        if self._prose is not None:
            out.append(BlockStop(0, self._at))
            self._prose = None

    def _take(self) -> int:
        self._next += 1
        return self._next - 1

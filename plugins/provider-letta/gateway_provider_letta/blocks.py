"""Pieces of a reply to events. Whatever tools are called, they ran there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from gateway import BlockDelta, BlockStart, BlockStop, Event, Reasoning, Text, ToolCall, ToolResult

Kind = Literal["text", "thought", "call"]


class Blocks:
    """Texts and thoughts come one after another; calls of tools may be open side by side, until their results come."""

    def __init__(self) -> None:
        self._next = 0
        self._open: dict[tuple[Kind, str], int] = {}

    def text(self, identity: str, text: str) -> Iterator[Event]:
        """identity: the same for all pieces of one message."""
        if text:
            yield from self._more("text", identity, Text(), text)

    def thought(self, identity: str, text: str, summary: bool = False) -> Iterator[Event]:
        if text:
            yield from self._more("thought", identity, Reasoning(summary=summary), text)

    def call(self, identity: str, name: str, arguments: str) -> Iterator[Event]:
        """identity: of the call. name: needed in its first piece alone."""
        yield from self._more("call", identity, ToolCall(identity, name, executor="upstream"), arguments)

    def result(self, call: str, text: str, is_error: bool) -> Iterator[Event]:
        yield from self._close_prose()
        yield from self._close(("call", call))
        yield BlockStart(0, self._next, ToolResult(call, [Text(text)], is_error))
        yield BlockStop(0, self._next)
        self._next += 1

    def close(self) -> Iterator[Event]:
        for key in tuple(self._open):
            yield from self._close(key)

    def _more(self, kind: Kind, identity: str, block: Text | Reasoning | ToolCall, text: str) -> Iterator[Event]:
        key = kind, identity
        if key not in self._open:
            yield from self._close_prose()
            self._open[key] = self._next
            self._next += 1
            yield BlockStart(0, self._open[key], block)
        if text:
            yield BlockDelta(0, self._open[key], text)

    def _close_prose(self) -> Iterator[Event]:
        for key in tuple(self._open):
            if key[0] != "call":
                yield from self._close(key)

    def _close(self, key: tuple[Kind, str]) -> Iterator[Event]:
        if (index := self._open.pop(key, None)) is not None:
            yield BlockStop(0, index)

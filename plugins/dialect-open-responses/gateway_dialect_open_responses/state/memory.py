"""What a client's connection remembers, where it is a WebSocket: the last response, kept elsewhere or not.

A continuation that fails takes what it continued along: it cannot be tried again on this connection.
"""

from __future__ import annotations

from typing import Any, cast

import msgspec

from .history import History, previous_not_found

_LAST, _TRIED = "open-responses last", "open-responses tried"


class Remembered(msgspec.Struct, frozen=True):
    """history: with the response as its latest. kept: whether the store has it, too."""

    history: History
    kept: bool


def recall(memory: dict[str, Any] | None, response_id: str) -> Remembered | None:
    """What is continued, where it is the last response of this connection. Raises BadCall where that was tried before
    and failed.
    """
    if memory is None:
        return None
    tried = cast("set[str]", memory.setdefault(_TRIED, set()))
    if response_id in tried:
        raise previous_not_found(response_id)
    tried.add(response_id)
    last = cast("Remembered | None", memory.get(_LAST))
    if last is None or last.history.latest is None or last.history.latest.id != response_id:
        return None
    del memory[_LAST]
    return last


def remember(memory: dict[str, Any], response: Remembered, continued: str) -> None:
    """A finished response; what it continued may be continued again."""
    memory[_LAST] = response
    memory.setdefault(_TRIED, set()).discard(continued)

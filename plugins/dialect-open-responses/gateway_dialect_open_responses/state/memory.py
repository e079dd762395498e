"""What a client's connection remembers, where it is a WebSocket: each lane's last response, kept elsewhere or not.

A continuation that fails takes what it continued along: it cannot be tried again in its lane. Where that was another
lane's last response, that lane may go on with it.
"""

from __future__ import annotations

from typing import Any, cast

import msgspec

from .history import History, previous_not_found

_LAST, _FAILED = "open-responses last", "open-responses failed"


class Remembered(msgspec.Struct, frozen=True):
    """history: with the response as its latest. kept: whether the store has it, too."""

    history: History
    kept: bool


def recall(memory: dict[str, Any] | None, lane: str, response_id: str) -> Remembered | None:
    """What is continued, where it is the last response of one of this connection's lanes. Raises BadCall where that
    was tried before and failed.
    """
    if memory is None:
        return None
    if (lane, response_id) in _failed(memory):
        raise previous_not_found(response_id)
    return next((one for one in _last(memory).values() if _is(one, response_id)), None)


def remember(memory: dict[str, Any], lane: str, response: Remembered) -> None:
    """A finished response."""
    _last(memory)[lane] = response


def forget(memory: dict[str, Any], lane: str, response_id: str) -> None:
    """It was to be continued, and that failed."""
    if not response_id:
        return
    last = _last(memory)
    if any(name != lane and _is(one, response_id) for name, one in last.items()):
        return
    if lane in last and _is(last[lane], response_id):
        del last[lane]
    _failed(memory).add((lane, response_id))


def _is(one: Remembered, response_id: str) -> bool:
    return one.history.latest is not None and one.history.latest.id == response_id


def _last(memory: dict[str, Any]) -> dict[str, Remembered]:
    return cast("dict[str, Remembered]", memory.setdefault(_LAST, {}))


def _failed(memory: dict[str, Any]) -> set[tuple[str, str]]:
    return cast("set[tuple[str, str]]", memory.setdefault(_FAILED, set()))

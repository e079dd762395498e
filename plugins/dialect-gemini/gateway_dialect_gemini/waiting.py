"""Calls without a result yet, found by id, or by name and order. None is looked for by going through all."""

from __future__ import annotations

from collections import deque

import msgspec


class _Call(msgspec.Struct, gc=False):
    id: str
    answered: bool = False


class Waiting:
    def __init__(self) -> None:
        self._ids: dict[str, deque[_Call]] = {}
        self._names: dict[str, deque[_Call]] = {}
        self._nameless: dict[str, deque[_Call]] = {}

    def add(self, identity: str, name: str, given: str | None) -> None:
        """given: the id that the client wrote, where it did."""
        call = _Call(identity)
        for known in {identity, given or identity}:
            self._ids.setdefault(known, deque()).append(call)
        self._names.setdefault(name, deque()).append(call)
        if given is None:
            self._nameless.setdefault(name, deque()).append(call)

    def answered(self, given: str | None, name: str) -> str | None:
        """The id of the call that a result is of: by its id, else the first of its name, those without an id before."""
        by_name = (self._names,) if given is None else (self._nameless, self._names)
        call = _first(self._ids.get(given)) if given is not None else None
        for names in by_name:
            call = call or _first(names.get(name))
        if call is None:
            return None
        call.answered = True
        return call.id


def _first(calls: deque[_Call] | None) -> _Call | None:
    while calls and calls[0].answered:
        calls.popleft()
    return calls[0] if calls else None

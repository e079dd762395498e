"""The items of an upstream's reply under way, found again whatever an event calls them by.

A reply may have thousands of items, so none is looked for by going through all.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from .reply_items import Tracked

Place = str | int
"""An `output_index`; where an event has none, an id."""


class Items:
    def __init__(self) -> None:
        self._places: dict[Place, Tracked] = {}
        self._calls: dict[str, Tracked] = {}

    def all(self) -> list[Tracked]:
        return list(self._places.values())

    def at(self, place: Place, kind: str, name: str | None) -> Tracked:
        """Servers exist that never announce an item."""
        return self._places.get(place) or self._put(place, Tracked(kind, name))

    def announced(self, place: Place, item: Tracked) -> Tracked:
        """Its deltas may have come before it, and servers exist that give several calls one place."""
        known = self._places.get(place) or self._put(place, item)
        if known.call_id and item.call_id and known.call_id != item.call_id:
            self._places[f"{place} {known.call_id}"] = known
            known = self._put(place, item)
        known.call_id, known.name = known.call_id or item.call_id, known.name or item.name
        known.item = known.item or item.item
        return self._put(place, known)

    def ended(self, place: Place, item: Tracked) -> Tracked:
        same = self._calls.get(item.call_id) if item.call_id else None
        return same or self._places.get(place) or self._put(place, item)

    def final(self) -> Final:
        return Final(self._places)

    def _put(self, place: Place, item: Tracked) -> Tracked:
        self._places[place] = item
        if item.call_id:
            self._calls.setdefault(item.call_id, item)
        return item


class Final:
    """Which item of the stream each one of the final output is, once each."""

    def __init__(self, places: dict[Place, Tracked]) -> None:
        self._places = dict(places)
        self._seen: set[int] = set()
        self._named: dict[tuple[str, str, str], deque[Tracked]] = {}
        self._kinds: dict[str, deque[Tracked]] = {}
        for item in places.values():
            self._kinds.setdefault(item.kind, deque()).append(item)
            for name in _names(item):
                self._named.setdefault(name, deque()).append(item)

    def match(self, n: int, found: Tracked) -> Tracked:
        """Ids may change between events, places may shift."""
        same = (item for name in _names(found) if (item := self._first(self._named.get(name))) is not None)
        item = next(same, None) or self._at(n, found.kind) or self._first(self._kinds.get(found.kind)) or found
        self._seen.add(id(item))
        return item

    def _at(self, n: int, kind: str) -> Tracked | None:
        item = self._places.get(n)
        return item if item is not None and item.kind == kind and id(item) not in self._seen else None

    def _first(self, items: deque[Tracked] | None) -> Tracked | None:
        while items and id(items[0]) in self._seen:
            items.popleft()
        return items[0] if items else None


def _names(item: Tracked) -> Iterable[tuple[str, str, str]]:
    if item.call_id:
        yield item.kind, "call_id", item.call_id
    if item.id:
        yield item.kind, "id", item.id

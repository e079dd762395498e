"""CallerLists: lists of models of an upstream that shows each caller its own."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping

from .listing import Names

KEPT = 500


class CallerLists:
    """make: a list for a URL and headers. Callers with the same two share one; the least used are forgotten."""

    def __init__(self, make: Callable[[str, Mapping[str, str]], Names], kept: int = KEPT) -> None:
        self._make = make
        self._kept = kept
        self._lists: OrderedDict[tuple[str, tuple[tuple[str, str], ...]], Names] = OrderedDict()

    async def names(self, url: str, headers: Mapping[str, str]) -> tuple[str, ...]:
        key = (url, tuple(sorted(headers.items())))
        found = self._lists.pop(key, None) or self._make(url, headers)
        self._lists[key] = found
        if len(self._lists) > self._kept:
            self._lists.popitem(last=False)
        return await found.names()

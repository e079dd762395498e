"""Watch: whether a configuration's files have changed, and rest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..settings.core import Core
from ..settings.sources import Sign, sign

LOOKS = 2
"""Within the seconds of `gateway.reload.watch`: one that sees a change, one that sees that it is over."""
UNWATCHED = 1.0


class Watch:
    """Looked at and not subscribed to: links, renames and network file systems are all the same then.

    signs: of the files when they were read, those that were not there included.
    """

    def __init__(self, signs: Mapping[str, Sign]) -> None:
        self._seen: dict[str, Sign] = dict(signs)
        self._resting: dict[str, Sign] | None = None

    def changed(self) -> bool:
        """Another look. True once for each change: when two looks in a row have seen the same."""
        now = {name: sign(Path(name)) for name in self._seen}
        if now == self._seen:
            self._resting = None
            return False
        if now != self._resting:
            self._resting = now
            return False
        self._seen, self._resting = now, None
        return True

    def follow(self, signs: Mapping[str, Sign]) -> None:
        """Those of a later reading; what was written since then is a change."""
        self._seen = {**self._seen, **signs}


def pause(core: Core) -> float | None:
    """Seconds between two looks; None where nobody looks."""
    watch = core.reload.watch
    if watch is False:
        return None
    return (2.0 if watch is True else watch) / LOOKS

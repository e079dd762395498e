"""Crew: reloads of several workers; all of them apply a configuration, or none does."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import StartupError
from .alone import applied, refused
from .orders import Abort, Begin, Commit, Link, Prepare
from .reloader import certificate_files, is_same, readable, refuse_endless
from .told import Reload
from .watch import Watch, pause

if TYPE_CHECKING:
    from ..cli.context import Context

PATIENCE = 30.0
"""Seconds that all workers together may take to make a configuration ready."""
log = logging.getLogger("gateway.workers")


class Crew:
    """Of the supervisor. context: of its start. links: to the workers by their numbers; the supervisor changes them.

    stopping: true once the gateway is to end, with what serves then.
    """

    def __init__(self, context: Context, links: Mapping[int, Link], stopping: Callable[[], bool]) -> None:
        self._first = context
        self._links = links
        self._stopping = stopping
        self.serving = context
        self.last = Reload(_read(context).sources.revision, ok=True, at=time.time())
        self._watch = Watch(_signs(context))
        self._looked = time.monotonic()
        self._orders = 0

    def begin(self) -> Begin:
        """For a worker that starts: what the others serve, whatever the files hold by now."""
        now = None if self.serving is self._first else dict(self.serving.sources.known)
        return Begin(dict(self._first.sources.known), now, self.last)

    def look(self) -> None:
        """As often as one likes: a reload where files have changed."""
        seconds = pause(self.serving.core)
        if seconds is None or time.monotonic() - self._looked < seconds:
            return
        self._looked = time.monotonic()
        if self._watch.changed():
            self.reload(only_changes=True)

    def reload(self, *, only_changes: bool = False) -> None:
        """Applied by every worker, or refused as a whole and logged."""
        context, before = self.serving.again(), self.serving.sources.revision
        why: Sequence[str]
        try:
            refuse_endless(context)
            self._watch.follow(_read(context).sources.signs)
            if only_changes and self.last.ok and is_same(context, self.serving):
                return
            readable(context)
            why = self._prepare(context)
        except StartupError as error:
            why = str(error).splitlines()
        if self._stopping():
            log.info("the configuration was not reloaded: the gateway stops")
            return
        self.last = Reload(before if why else context.sources.revision, not why, time.time(), tuple(why))
        order = Abort(self.last) if why else Commit(self.last)
        for link in self._links.values():
            link.send(order, PATIENCE)
        if why:
            refused(why)
            return
        self.serving = context
        self._watch.follow(_signs(context))
        applied(context.sources.revision, before)

    def _prepare(self, context: Context) -> Sequence[str]:
        """What any worker says against it."""
        until = time.monotonic() + PATIENCE
        self._orders += 1
        order = Prepare(dict(context.sources.known), self._orders)
        sent = {number: link.send(order, PATIENCE) for number, link in self._links.items()}
        why: dict[str, None] = {}
        for number, link in self._links.items():
            answer = link.answer(order.number, until) if sent[number] else None
            if answer is None:
                why[f"worker {number} ended, or took too long, while it made the configuration ready"] = None
            else:
                why.update(dict.fromkeys(answer.why))
        return tuple(why)


def _read(context: Context) -> Context:
    _ = context.document
    return context


def _signs(context: Context) -> dict[str, tuple[int, int, int, int] | None]:
    for file in certificate_files(context):
        context.sources.note(Path(file))
    return context.sources.signs

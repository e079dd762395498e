"""Alone: reloads of a gateway of one process, on SIGHUP and when a file has changed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence

from ..errors import StartupError
from .reloader import Reloader, certificate_files, is_same, refuse_endless
from .watch import UNWATCHED, Watch, pause

log = logging.getLogger("gateway.reload")


class Alone:
    """asked: set where a reload is wanted, whether or not a file has changed."""

    def __init__(self, reloader: Reloader, asked: asyncio.Event) -> None:
        self._asked = asked
        self._reloader = reloader
        self._watch = Watch(_signs(reloader))
        reloader.tell(ok=True)

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            seconds = pause(self._reloader.serving.assembly.core)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds or UNWATCHED):
                    await self._asked.wait()
            if self._asked.is_set():
                self._asked.clear()
                await self.reload()
            elif seconds and self._watch.changed():
                await self.reload(only_changes=True)

    async def reload(self, *, only_changes: bool = False) -> None:
        """Applied, or refused as a whole and logged. only_changes: nothing is done where all is the same."""
        reloader = self._reloader
        context = reloader.serving.context.again()
        before = reloader.serving.context.sources.revision
        why: Sequence[str]
        try:
            refuse_endless(context)
            await asyncio.to_thread(lambda: context.document)
            self._watch.follow(context.sources.signs)
            if only_changes and reloader.reloads.last.ok and is_same(context, reloader.serving.context):
                return
            why = await reloader.prepare(context)
        except StartupError as error:
            why = str(error).splitlines()
        if why:
            refused(why)
            reloader.tell(ok=False, why=why)
            return
        reloader.commit()
        self._watch.follow(_signs(reloader))
        reloader.tell(ok=True)
        applied(context.sources.revision, before)


def applied(revision: str, before: str) -> None:
    log.info("the configuration %s serves, after %s", revision, before)


def refused(why: Sequence[str]) -> None:
    for line in why:
        log.error("%s", line)
    log.error("the configuration was refused, and nothing has changed; mend it, or send SIGHUP to try again")


def _signs(reloader: Reloader) -> dict[str, tuple[int, int, int, int] | None]:
    context = reloader.serving.context
    for file in certificate_files(context):
        context.sources.note(file)
    return context.sources.signs

"""Reloader: of one process; makes the next configuration ready, and lets it serve."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .. import logs
from ..errors import SettingsError, StartupError
from ..settings import Finding
from ..settings.sources import is_endless, sign
from ..sockets import Certificate
from .generation import Generation
from .told import Reload, Reloads

if TYPE_CHECKING:
    from ..cli.context import Context
    from ..server import HttpServer
    from ..server.serving import Serving
    from ..status import Status

log = logging.getLogger("gateway.reload")
GONE = "the configuration that serves is gone; put it back, or restart the gateway to serve without one"
ENDLESS = "this cannot be read a second time; name a file, or restart the gateway"


class Reloader:
    """machine: whether this process runs what only one of the machine runs, and tells what all of them would."""

    def __init__(
        self,
        generation: Generation,
        server: HttpServer,
        status: Status,
        certificate: Certificate | None,
        machine: bool,
    ) -> None:
        self.serving = generation
        self._server = server
        self._status = status
        self._certificate = certificate
        self._machine = machine
        self._next: Generation | None = None
        self._ending: set[asyncio.Task[None]] = set()

    @property
    def reloads(self) -> Reloads:
        return Reloads.of(self.serving.assembly.services.state)

    async def prepare(self, context: Context) -> Sequence[str]:
        """A line for each thing that is wrong; none once it is ready to serve."""
        try:
            await asyncio.to_thread(readable, context)
            made = Generation(context, self._status.routes(), self._machine, self.serving)
            refuse_failed(made, self.serving)
            if self._certificate is not None:
                self._certificate.check(context.core.listen.tls, context.document.environ)
            await made.start()
        except StartupError as error:
            return str(error).splitlines()
        except Exception as error:
            log.exception("the new configuration could not be made ready")
            return [f"{type(error).__name__}: {error}"]
        self._next = made
        return []

    def commit(self) -> None:
        """What is ready serves. What served until now ends with its last request."""
        assert self._next is not None
        before, self.serving, self._next = self.serving, self._next, None
        self._tell_findings(before)
        self._renew_certificate()
        if self.serving.assembly.core.log != before.assembly.core.log:
            logs.set_up(self.serving.assembly.core.log)
        self._status.serve(self.serving.assembly, self.serving.context.composed.unenforced)
        self.serving.assembly.apply()
        ending = asyncio.create_task(self._end(before, self._server.swap(self.serving.assembly)))
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)

    async def abort(self) -> None:
        """What is ready is not wanted."""
        made, self._next = self._next, None
        if made is not None:
            try:
                await made.stop()
            except Exception:
                log.exception("what ran beside a configuration that is not wanted could not be undone")
            if made.upstream is not self.serving.upstream:
                await made.upstream.close()

    async def close(self) -> None:
        """Once no request runs."""
        await self.abort()
        if self._ending:
            await asyncio.wait(self._ending)
        try:
            await self.serving.stop()
        finally:
            await self.serving.upstream.close()

    def tell(self, ok: bool, why: Sequence[str] = ()) -> None:
        revision = self.serving.context.sources.revision
        self.reloads.tell(Reload(revision, ok, time.time(), tuple(why)))

    async def _end(self, before: Generation, serving: Serving) -> None:
        await serving.ended()
        try:
            await before.stop()
        except Exception:
            log.exception("what ran beside the configuration before could not be stopped")
        if before.upstream is not self.serving.upstream:
            await before.upstream.close()

    def _renew_certificate(self) -> None:
        """Its files may have changed since they were checked; others have applied the rest by then."""
        if self._certificate is None:
            return
        try:
            self._certificate.renew(self.serving.assembly.core.listen.tls, self.serving.context.document.environ)
        except StartupError as error:
            log.error("%s; the certificate of before serves until the next reload", error)

    def _tell_findings(self, before: Generation) -> None:
        """Those that are new."""
        known = {(one.path, one.what) for one in before.told}
        for finding in self.serving.told if self._machine else ():
            if (finding.path, finding.what) not in known:
                log.log(logging.INFO if finding.level == "note" else logging.WARNING, "%s", finding)


def readable(context: Context) -> None:
    """Everything about the files; plugins say the rest. Raises SettingsError with a line for each finding."""
    if context.first is not None and context.document.embedded and not context.first.document.embedded:
        raise SettingsError(str(Finding("", GONE)))
    context.settings()


def refuse_endless(context: Context) -> None:
    """Before any file is read."""
    if context.config is not None and is_endless(context.config):
        raise SettingsError(str(Finding("", ENDLESS, file=str(context.config), line=1, column=1)))


def refuse_failed(made: Generation, before: Generation) -> None:
    """A plugin that fails costs a start nothing but itself; a reload would take it away from requests."""
    failed = {plugin.name for plugin in before.context.registry.plugins if plugin.error}
    lines = [
        f"plugin {plugin.name} ({plugin.distribution} {plugin.version}): {plugin.error}"
        for plugin in made.context.registry.plugins
        if plugin.error and plugin.name not in failed
    ]
    if lines:
        raise SettingsError("\n".join(lines))


def is_same(context: Context, serving: Context) -> bool:
    """Whether it is that which serves, its certificate included, which is no part of the revision."""
    if context.sources.revision != serving.sources.revision:
        return False
    return all(serving.sources.signs.get(str(file)) == sign(file) for file in certificate_files(context))


def certificate_files(context: Context) -> Sequence[Path]:
    tls = context.core.listen.tls
    return () if tls is None else (Path(tls.cert), Path(tls.key))

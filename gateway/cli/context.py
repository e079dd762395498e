"""Context: what every command of `gateway` gets as `ctx.obj`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from .. import plugins
from ..errors import PluginError, SettingsError, StartupError
from ..settings import Core, Settings
from ..settings.compose import Composed, compose, core_of
from ..settings.fixed import held
from ..settings.reading import Document, read
from ..settings.sources import Sources
from ..store import Store

T = TypeVar("T")


class Context:
    """Reads the configuration when first asked and keeps it.

    config: the file named on the command line. flags: overrides by path, as `{"gateway.listen.port": 9000}`, and
    `upstream`, and `alone` where they name all that is served. safe_mode: without third-party plugins. sources: where
    files are read. first: the context of the gateway's start, where this is a later one of the same process; what a
    reload does not change stays as it says.
    """

    def __init__(
        self,
        config: Path | None = None,
        environ: Mapping[str, str] | None = None,
        flags: Mapping[str, object] | None = None,
        safe_mode: bool = False,
        sources: Sources | None = None,
        first: Context | None = None,
    ) -> None:
        self.config = config
        self.environ: Mapping[str, str] = dict(os.environ) if environ is None else environ
        self.flags: Mapping[str, object] = {**(flags or {}), "safe_mode": safe_mode}
        self.safe_mode = safe_mode
        self.sources = sources or Sources()
        self.first = first

    def again(self, sources: Sources | None = None) -> Context:
        """Of the same start: the files as they are now, or as they were when somebody else read them."""
        return Context(self.config, self.environ, self.flags, self.safe_mode, sources, self.first or self)

    @cached_property
    def document(self) -> Document:
        return read(self.config, self.environ, sources=self.sources)

    @cached_property
    def core(self) -> Core:
        """The core's own part; its findings come with `composed`."""
        core = core_of(self.document, self.flags)[0]
        return core if self.first is None else held(self.first.settings(), Settings.of(core), ())[0].one(Core)

    @cached_property
    def registry(self) -> plugins.Registry:
        return plugins.load(self.core.plugins, self.safe_mode)

    @cached_property
    def composed(self) -> Composed:
        """Settings with their findings, errors included."""
        sections = self.registry.sections()
        installed = {plugin.name: plugin.disabled or plugin.error for plugin in self.registry.plugins}
        composed = compose(self.document, sections, self.flags, installed)
        if self.first is None:
            return composed
        settings, findings = held(self.first.settings(), composed.settings, sections)
        return replace(composed, settings=settings, findings=composed.with_found(findings))

    def settings(self) -> Settings:
        """Raises SettingsError with a line for each error."""
        errors = self.composed.errors
        if errors:
            raise SettingsError("\n".join(str(error) for error in errors))
        return self.composed.settings

    @asynccontextmanager
    async def store(self) -> AsyncIterator[Store]:
        """The first plugin's store, open. Raises StartupError."""
        stores = self.registry.collect("register_stores", settings=self.settings())
        if not stores:
            raise StartupError(
                "No store plugin is installed or enabled, so nothing is kept; install plugins/store-sql."
            )
        store = stores[0]
        if not isinstance(store, Store):
            raise PluginError(f"register_stores returned {type(store).__name__} instead of a Store; mend that plugin.")
        await store.open()
        try:
            yield store
        finally:
            await store.close()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run(coroutine)

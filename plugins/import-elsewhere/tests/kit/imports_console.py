"""The console: one `gateway import` after another on one store."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

from click.testing import CliRunner, Result
from gateway_import_elsewhere.commands import import_

from gateway import Store
from gateway.cli.context import Context


class Console:
    """Runs one `gateway import` after another, each on a context of its own, as the shell does."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = dict(environ)

    def __call__(self, *words: object) -> Result:
        """In a thread, since a command runs a loop of its own."""
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(
                CliRunner().invoke, import_, [str(word) for word in words], obj=self.context()
            ).result()

    def json(self, *words: object) -> Any:
        result = self(*words, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def objects(self, *words: object) -> list[tuple[str, str, str]]:
        """What, id and verdict of all."""
        return [(one["what"], one["id"], one["verdict"]) for one in self.json(*words)["objects"]]

    def context(self) -> Context:
        return Context(environ=self.environ)

    @asynccontextmanager
    async def store(self) -> AsyncIterator[Store]:
        async with self.context().store() as store:
            yield store

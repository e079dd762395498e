"""Toolbox: the tools that one run has, by the names that the model calls them by."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from typing import Any

from gateway import Asker, Offer, ServerTool, ServerTools, Tool, ToolSource

Entry = tuple[ToolSource, ServerTool]


def owned(sources: Sequence[ToolSource], entries: Iterable[Any]) -> tuple[str, ...]:
    """Entries of an agent's `tools` that somebody here runs."""
    return tuple(entry for entry in entries if isinstance(entry, str) and any(one.owns(entry) for one in sources))


class Toolbox:
    """missing: entries that are not there now, and why. instructions: of the tools' servers, for the model."""

    def __init__(self, offers: Sequence[tuple[ToolSource, Offer]]) -> None:
        self._tools: dict[str, Entry] = {}
        self._shown: dict[tuple[str, str], str] = {}
        for source, offer in offers:
            for tool in offer.tools:
                self._tools.setdefault(tool.name, (source, tool))
                self._shown.setdefault(shown(tool), tool.name)
        self.missing = {name: why for _, offer in offers for name, why in offer.missing.items()}
        self.instructions = "\n\n".join(offer.instructions for _, offer in offers if offer.instructions)

    def within(self, wishes: Sequence[ServerTools]) -> Toolbox:
        """Of servers that the client names, with those of their tools alone that it wants."""
        narrow = [one for one in wishes if one.only is not None]
        if not narrow:
            return self
        left = [(source, Offer([tool])) for source, tool in self._tools.values() if _wanted(tool, narrow)]
        found = Toolbox(left)
        found.missing, found.instructions = self.missing, self.instructions
        return found

    def has(self, label: str) -> bool:
        """Whether it has tools of a server of this label."""
        return any(server == label for server, _ in self._shown)

    def get(self, name: str) -> Entry | None:
        return self._tools.get(name)

    def name_of(self, server: str, name: str) -> str | None:
        """What the model calls a tool that clients were shown so."""
        return self._shown.get((server, name))

    @property
    def declared(self) -> list[Tool]:
        return [Tool(tool.name, tool.description or None, tool.parameters) for _, tool in self._tools.values()]


def shown(tool: ServerTool) -> tuple[str, str]:
    """The server's label and the tool's name, as clients are shown them."""
    return tool.label, tool.original or tool.name


def _wanted(tool: ServerTool, wishes: Sequence[ServerTools]) -> bool:
    filters = [one.only for one in wishes if one.only is not None and one.label == tool.label]
    return all(one.fits(tool.original or tool.name, tool.read_only) for one in filters)


async def fill(sources: Sequence[ToolSource], entries: Sequence[str], asker: Asker, log: logging.Logger) -> Toolbox:
    """Asks every source for its own at once; one that fails has none."""
    wanted = [(source, [entry for entry in entries if source.owns(entry)]) for source in sources]
    asked = [(source, names) for source, names in wanted if names]
    offers = await asyncio.gather(*(_offer(source, names, asker, log) for source, names in asked))
    return Toolbox([(source, offer) for (source, _), offer in zip(asked, offers, strict=True)])


async def _offer(source: ToolSource, names: Sequence[str], asker: Asker, log: logging.Logger) -> Offer:
    try:
        return await source.offer(names, asker)
    except Exception:
        log.exception("The tools of %s cannot be offered.", source.name)
        return Offer(missing=dict.fromkeys(names, f"{source.name} failed"))

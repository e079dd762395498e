"""Drift: where agents of the store are other than a file, or the configuration, says."""

from __future__ import annotations

import difflib
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec
from msgspec import Struct

from gateway import Agent

from .agent_files import Declared
from .fields import members, with_own_id
from .library import Library
from .shapes import content
from .versions import normal, said

State = Literal["same", "differs", "not in the store", "only in the store"]


class Difference(Struct, frozen=True):
    """One member. store, wanted: JSON values, null where it is not there."""

    member: str
    store: Any = None
    wanted: Any = None


class Drift(Struct, frozen=True):
    """One agent. notes: what was not compared."""

    id: str
    name: str
    state: State
    differences: Sequence[Difference] = ()
    notes: Sequence[str] = ()


class Outcome(Struct, frozen=True):
    """What was done with one agent. version: which one it is now."""

    id: str
    name: str
    done: Literal["created", "updated", "unchanged"]
    version: int


Named = Callable[[str], Awaitable[str]]
"""A user's id to what the user is called."""


async def drift(wanted: Sequence[Declared], library: Library, named: Named, *, all_: bool = False) -> list[Drift]:
    """In the order of what is wanted; then, where all is asked for, what the store has besides. Raises NotFound for an
    author who is not here.
    """
    there = {agent.id: agent async for agent in library.all()}
    found = []
    for one in wanted:
        agent = there.pop(one.id, None)
        author = None if one.author is None else await library.author(one.author)
        if agent is None:
            found.append(Drift(one.id, str(one.document.get("name") or ""), "not in the store", (), one.notes))
            continue
        differing = list(_differences(agent, one))
        if author is not None and author != agent.author:
            differing.append(Difference("author", await named(agent.author), one.author))
        found.append(Drift(one.id, agent.name, "differs" if differing else "same", differing, one.notes))
    if all_:
        found += [Drift(agent.id, agent.name, "only in the store") for agent in there.values()]
    return found


async def apply(wanted: Sequence[Declared], library: Library, by: str) -> list[Outcome]:
    """Each agent becomes what is wanted of it, and nothing else. Raises before anything is done: NotFound for an author
    who is not here, Wrong for agents that are not.
    """
    library = library.beside(one.id for one in wanted)
    authors = [None if one.author is None else await library.author(one.author) for one in wanted]
    for one in wanted:
        await library.check_named(one.document, one.id)
    done = []
    for one, author in zip(wanted, authors, strict=True):
        agent, changed, is_new = await library.put(one.id, one.document, author, by)
        word: Literal["created", "updated", "unchanged"] = "created" if is_new else "updated"
        done.append(Outcome(agent.id, agent.name, word if changed else "unchanged", agent.version))
    return done


def lines(one: Difference) -> Iterator[tuple[str, str]]:
    """For people: `-` and what the store has, `+` and what is wanted; of long texts what is around, too."""
    if isinstance(one.store, str) and isinstance(one.wanted, str) and "\n" in one.store + one.wanted:
        compared = list(difflib.unified_diff(one.store.splitlines(), one.wanted.splitlines(), lineterm="", n=2))
        for number, line in enumerate(compared[2:]):
            if not line.startswith("@@"):
                yield line[0], line[1:]
            elif number:
                yield " ", "…"
        return
    for sign, value in (("-", one.store), ("+", one.wanted)):
        if value is not None:
            yield sign, value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _differences(agent: Agent, one: Declared) -> Iterator[Difference]:
    servers = agent.extra.get("mcpServerNames")
    wanted = normal(with_own_id(members(one.document, admin=True), agent.id), servers)
    before, after = _flat(content(agent), one.members), _flat(wanted, one.members)
    for name in sorted({*before, *after}):
        store, told = before.get(name), after.get(name)
        if msgspec.json.encode(store, order="sorted") != msgspec.json.encode(told, order="sorted"):
            yield Difference(name, store, told)


def _flat(document: Mapping[str, Any], counting: frozenset[str] | None) -> dict[str, Any]:
    """Parameters each by itself."""
    found = {name: value for name, value in said(document).items() if counting is None or name in counting}
    for name, value in found.pop("model_parameters", {}).items():
        found[f"model_parameters.{name}"] = value
    return found

"""Files of agents: LibreChat's documents as YAML or JSON, to be kept beside other configuration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import yaml
from msgspec import Struct

from gateway import Agent, BadCall

from .fields import OURS, Wrong, checked, required
from .section import AgentSettings
from .shapes import Document, content

PRESET = ("name", "description", "instructions", "provider", "model", "model_parameters", "tools")
"""What an agent of the configuration says of what a document holds."""
FOLLOWING = ("edges", "agent_ids", "hide_sequential_outputs", "end_after_tools")


class Declared(Struct, frozen=True):
    """What an agent is to be. author: a user, None where nothing is said. members: those that count; None for all."""

    id: str
    document: Mapping[str, Any]
    author: str | None = None
    members: frozenset[str] | None = None
    notes: tuple[str, ...] = ()


def read_file(path: Path) -> list[Declared]:
    """Raises BadCall, and Wrong for a document that is none."""
    try:
        text = path.read_bytes()
        found = _parsed(text)
    except (OSError, yaml.YAMLError, UnicodeError, RecursionError) as error:
        raise BadCall(f"{path} cannot be read as YAML or JSON: {error}") from error
    if isinstance(found, dict) and "agents" in found:
        found = found["agents"]
    if isinstance(found, dict):
        found = [found]
    if not isinstance(found, list):
        raise BadCall(f"{path} holds no agents; write a list of documents, as `gateway agents export` does.")
    return declared(found)


def declared(documents: Iterable[Any]) -> list[Declared]:
    """Of LibreChat's documents. Raises Wrong, which says which one it is."""
    made: list[Declared] = []
    for number, document in enumerate(documents):
        try:
            one = _declared(document)
            if any(one.id == other.id for other in made):
                raise Wrong(f"another one has the id {one.id!r}, too", ["id"])
        except Wrong as wrong:
            detail = wrong.details[0]
            raise Wrong(detail["message"], [number, *detail["path"]], detail["code"]) from wrong
        made.append(one)
    return made


def of_configuration(agents: Sequence[AgentSettings]) -> list[Declared]:
    """What `gateway.agents` says, as far as documents can say it."""
    return [_preset(agent) for agent in agents]


def exported(agent: Agent, author: str) -> Document:
    """What `declared` makes the same agent of."""
    said = {name: value for name, value in content(agent).items() if name not in OURS}
    head = {"id": agent.id, **({"author": author} if author else {})}
    required = {"provider": agent.provider, "model": agent.model}
    return head | {name: said[name] for name in PRESET if name in said} | required | said


def as_yaml(documents: Sequence[Document]) -> str:
    """Texts of several lines as they stand."""
    return yaml.dump(list(documents), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


class _Dumper(yaml.SafeDumper):
    pass


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def _parsed(text: bytes) -> Any:
    """JSON before YAML, whose reader takes its time; what YAML knows and JSON does not becomes text."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError):
        return msgspec.json.decode(msgspec.json.encode(yaml.safe_load(text)))


def _declared(document: Any) -> Declared:
    if not isinstance(document, dict):
        raise Wrong("Expected object", (), "invalid_type")
    agent_id, author = document.get("id"), document.get("author")
    if not isinstance(agent_id, str) or not agent_id.strip():
        raise Wrong("an agent of a file needs an id, as `agent_support`", ["id"])
    if author is not None and not isinstance(author, str):
        raise Wrong("Expected string", ["author"], "invalid_type")
    checked(document)
    required(document)
    return Declared(agent_id, document, author)


def _preset(agent: AgentSettings) -> Declared:
    notes = [f"{name}: the store's agents have none" for name in ("route", "locked") if getattr(agent, name)]
    notes += [f"{name}: it is not compared" for name in FOLLOWING if getattr(agent, name)]
    notes += ["subagents: it is not compared"] if agent.asks else []
    if agent.access is not None:
        notes.append("access: with whom an agent of the store is shared is not compared")
    document = {
        "name": agent.name,
        "description": agent.description,
        "instructions": agent.instructions.reveal(),
        "provider": agent.endpoint,
        "model": agent.model,
        "model_parameters": agent.model_parameters,
        "tools": [tool for tool in agent.tools if isinstance(tool, str)],
    }
    return Declared(agent.id, document, None, frozenset(PRESET), tuple(notes))

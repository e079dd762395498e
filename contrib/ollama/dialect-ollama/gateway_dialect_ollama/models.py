"""Lists of models, and what is known of one. Source: Ollama, `api/types.go`: ListResponse, ShowResponse."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from msgspec import Struct

from gateway import Model, ModelFacts
from gateway.wire import jsontext

from . import dates

_ABILITIES = {"vision": "vision", "tools": "tools", "reasoning": "thinking", "audio": "audio"}


class Details(Struct, omit_defaults=True):
    parent_model: str
    format: str
    family: str
    families: list[str]
    parameter_size: str
    quantization_level: str
    context_length: int = 0


class Listed(Struct):
    name: str
    model: str
    modified_at: str
    size: int
    digest: str
    details: Details
    capabilities: list[str]


class Tags(Struct):
    models: list[Listed]


class Shown(Struct):
    details: Details
    model_info: dict[str, str | int]
    capabilities: list[str]
    modified_at: str


def tags(models: Sequence[Model]) -> bytes:
    return jsontext.encode(Tags([_listed(model) for model in models]))


def show(model: Model) -> bytes:
    family = model.owner or "gateway"
    info: dict[str, str | int] = {"general.architecture": family, "general.basename": model.id}
    if model.name:
        info["general.name"] = model.name
    if model.facts is not None and model.facts.context:
        info[f"{family}.context_length"] = model.facts.context
    return jsontext.encode(Shown(_details(model), info, _abilities(model.facts), dates.text(model.created)))


def _listed(model: Model) -> Listed:
    """Clients cut twelve characters off the digest, so there has to be one."""
    return Listed(
        name=model.id,
        model=model.id,
        modified_at=dates.text(model.created),
        size=0,
        digest=hashlib.sha256(model.id.encode("utf-8", "replace")).hexdigest(),
        details=_details(model),
        capabilities=_abilities(model.facts),
    )


def _details(model: Model) -> Details:
    context = model.facts.context if model.facts is not None else None
    return Details("", "", model.owner, [model.owner] if model.owner else [], "", "", context or 0)


def _abilities(facts: ModelFacts | None) -> list[str]:
    known = facts.abilities if facts is not None else ()
    return ["completion", *(word for ability, word in _ABILITIES.items() if ability in known)]

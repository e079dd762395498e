"""Facts about families of models that decide where a call's members go; the data is in families.json."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.resources import files
from typing import Literal

import msgspec


class Family(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """match: found in the model's id. top_k: where it stands in `additionalModelRequestFields`; nowhere where empty.

    sampling: whether temperature and the like are taken. both: temperature together with top_p. stop_field: whether it
    tells which stop string it met. caches: where cache points may stand. hour: whether they may last one. structured:
    whether a schema for the reply and strict tools are taken. reasoning: `budget` and `adaptive` are Claude's
    `thinking`, `nova` is a `reasoningConfig` with an effort, `effort` a `reasoning_effort`, `config` a
    `reasoning_config` that is a word.
    """

    match: str = ""
    top_k: tuple[str, ...] = ()
    sampling: bool = True
    both: bool = True
    stop_field: bool = False
    caches: frozenset[Literal["messages", "system", "tools"]] = frozenset()
    hour: bool = False
    structured: bool = False
    reasoning: Literal["none", "budget", "adaptive", "nova", "effort", "config"] = "none"


class _Data(msgspec.Struct):
    source: str
    families: list[Family]


UNKNOWN = Family()


def load() -> Sequence[Family]:
    return msgspec.json.decode(files(__package__).joinpath("families.json").read_bytes(), type=_Data).families


def of(model: str, families: Sequence[Family]) -> Family:
    """The first that matches; ids of inference profiles hold the model's."""
    return next((family for family in families if re.search(family.match, model)), UNKNOWN)

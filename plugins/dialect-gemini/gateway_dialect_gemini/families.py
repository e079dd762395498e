"""What differs between families of models; the facts are in `families.json`.

Models before Gemini 3 are told how long to think in tokens and refuse a level; later ones take a level, and refuse
function calls of the model that come back without a signature.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import msgspec


class Families(msgspec.Struct, frozen=True):
    """older: how names of models before Gemini 3 begin. budgets: tokens for an effort. levels: for later models."""

    older: tuple[str, ...]
    budgets: Mapping[str, int]
    levels: Mapping[str, str]


@cache
def families() -> Families:
    return msgspec.json.decode(files(__package__).joinpath("families.json").read_bytes(), type=Families)


def is_older(model: str) -> bool:
    return model.rpartition("/")[2].lower().startswith(families().older)

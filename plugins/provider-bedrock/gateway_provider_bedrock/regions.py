"""Which region serves a model: that of its ARN, else one of the geography in its id, else the default.

A region becomes part of a host's name, so nothing that a caller writes is taken for one unless it looks like one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib.resources import files

import msgspec

from gateway import BadCall

_REGION = re.compile(r"[a-z]{2,4}(?:-[a-z]{2,12}){1,3}-[0-9]{1,2}")
_ARN = re.compile(r"arn:aws[a-z-]*:(?:bedrock|sagemaker):([^:]*):.*", re.DOTALL)


class _Data(msgspec.Struct):
    source: str
    geographies: dict[str, tuple[str, ...]]


class Regions:
    """default: for models that name none. available: all that may be used, where the operator says so."""

    def __init__(self, default: str, available: Sequence[str]) -> None:
        self.default = default
        self._available = tuple(dict.fromkeys((default, *available)))
        self._closed = bool(available)
        self._geographies: Mapping[str, tuple[str, ...]] = msgspec.json.decode(
            files(__package__).joinpath("regions.json").read_bytes(), type=_Data
        ).geographies

    def of(self, model: str) -> str:
        """Raises BadCall where an ARN names a region that is none, or not among those available."""
        if model.startswith("arn:"):
            return self._of_arn(model)
        beginnings = self._geographies.get(model.partition(".")[0])
        if beginnings is None:
            return self.default
        return next((region for region in self._available if region.startswith(beginnings)), self.default)

    def _of_arn(self, arn: str) -> str:
        match = _ARN.fullmatch(arn)
        if match is None or not is_region(match[1]):
            raise BadCall("The model's ARN names no region of Bedrock.", param="model", code="invalid_value")
        if self._closed and match[1] not in self._available:
            raise BadCall(f"The region {match[1]} is not available here.", param="model", code="region_not_available")
        return match[1]


def is_region(text: str) -> bool:
    return _REGION.fullmatch(text) is not None

"""ConfiguredProvider: an HttpProvider that says what is wrong with its settings."""

from __future__ import annotations

from collections.abc import Sequence

from ..provider import HttpProvider
from ..settings import Finding
from .unusable import Unusable


class ConfiguredProvider(HttpProvider):
    """path: where it is configured, as `endpoints.openAI`. Call `__init__` before all else."""

    path: str

    def __init__(self) -> None:
        self._findings: list[Finding] = []

    def findings(self) -> Sequence[Finding]:
        return self._findings

    def refuse(self, unusable: Unusable) -> None:
        """It answers 503 from now on, with the reason."""
        self.unavailable = str(unusable)
        self._findings.append(unusable.of(self.path))

    def warn(self, path: str, what: str, todo: str) -> None:
        """It can be called in spite of that."""
        self._findings.append(Finding(path, what, todo, "warning"))

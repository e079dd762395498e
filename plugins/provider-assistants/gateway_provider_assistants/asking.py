"""Which of the two endpoints are asked for. Where none is, nothing else is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway import Settings

if TYPE_CHECKING:
    from .kinds import Kind


def kinds_of(settings: Settings) -> list[Kind]:
    from .kinds import AZURE, OPENAI, asked_for

    return [kind for kind in (OPENAI, AZURE) if asked_for(kind, settings)]

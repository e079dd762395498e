"""What users, keys, agents, money and settings were elsewhere is taken over: from LibreChat and LiteLLM."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import hookimpl

from .commands import import_


@hookimpl
def register_commands() -> Sequence[object]:
    return [import_]

"""Open Responses, spoken by clients (`server.py`) and to upstreams (`client.py`)."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import ClientDialect, ServerDialect, Settings, hookimpl

from .client import OpenResponsesClient
from .server import OpenResponsesServer


@hookimpl
def register_dialects(settings: Settings) -> Sequence[ServerDialect | ClientDialect]:
    return [OpenResponsesServer(), OpenResponsesClient()]

"""The keys of `endpoints.assistants` and `endpoints.azureAssistants`, as LibreChat has them."""

from __future__ import annotations

from typing import Any

from msgspec import field

from gateway import EndpointFields, Secret


class Assistants(EndpointFields, frozen=True, kw_only=True, rename="camel"):
    """Assistants of OpenAI's API. supported_ids, excluded_ids: which of them are offered. private_assistants: each
    user's own alone, which cannot be told here, so that none is offered. timeout_ms: for which a run may be silent.
    """

    api_key: Secret = Secret("")
    supported_ids: tuple[str, ...] = ()
    excluded_ids: tuple[str, ...] = ()
    private_assistants: bool = False
    timeout_ms: float = 180_000
    poll_interval_ms: float = 3000
    disable_builder: bool = False
    version: str | int = 2
    retrieval_models: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    models: dict[str, Any] = field(default_factory=dict)


class AzureAssistants(Assistants, frozen=True, kw_only=True, rename="camel"):
    """The same of Azure's."""

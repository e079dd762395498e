"""The keys of `endpoints.bedrock`, as LibreChat has them."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from gateway import EndpointFields

PATH = "endpoints.bedrock"


class GuardrailFields(Struct, frozen=True, kw_only=True, rename="camel"):
    """A guardrail that every call goes through. The first two may hold ${VARIABLE}."""

    guardrail_identifier: str = ""
    guardrail_version: str = ""
    trace: Literal["enabled", "disabled", "enabled_full", ""] = ""
    stream_processing_mode: Literal["sync", "async", ""] = ""


class BedrockFields(EndpointFields, frozen=True, kw_only=True, rename="camel"):
    """Amazon Bedrock. Acted on: availableRegions, models, guardrailConfig, inferenceProfiles, headers, and baseURL
    where BEDROCK_REVERSE_PROXY is not set.
    """

    available_regions: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    guardrail_config: GuardrailFields | None = None
    inference_profiles: dict[str, str] = field(default_factory=dict)

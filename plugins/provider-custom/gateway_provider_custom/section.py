"""The keys of `endpoints.custom[]`, as LibreChat has them, and this plugin's own."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from gateway import EndpointFields, Secret


class NamedModel(Struct, frozen=True):
    """A model with words about it."""

    name: str
    description: str = ""


class ModelSettings(Struct, frozen=True, kw_only=True, rename="camel"):
    """default: the models. fetch: ask the upstream for its list instead, `default` standing in where that fails."""

    default: tuple[str | NamedModel, ...] = ()
    fetch: bool = False
    user_id_query: bool = False


class CustomParams(Struct, frozen=True, kw_only=True, rename="camel"):
    """How LibreChat's client shows and keeps parameters. Nothing of it is acted on."""

    default_params_endpoint: str = "custom"
    reasoning_format: str = ""
    reasoning_key: str = ""
    include_reasoning_content: bool = False
    include_reasoning_history: bool = False
    param_definitions: tuple[dict[str, Any], ...] = ()


class TokenPrices(Struct, frozen=True, kw_only=True, rename="camel"):
    """USD per million tokens, and the window in tokens."""

    prompt: float = 0
    completion: float = 0
    context: float = 0
    cache_read: float | None = None
    cache_write: float | None = None


class CustomEndpoint(EndpointFields, frozen=True, kw_only=True, rename="camel"):
    """An endpoint that speaks OpenAI's API.

    Acted on: name, apiKey, baseURL, models, headers, addParams, dropParams, directEndpoint.
    """

    name: str = ""
    api_key: Secret = Secret("")
    api_key_preview: str = ""
    models: ModelSettings = ModelSettings()
    icon_url: str = field(name="iconURL", default="")
    model_display_label: str = ""
    provider: str = ""
    add_params: dict[str, Any] = field(default_factory=dict)
    drop_params: tuple[str, ...] = ()
    custom_params: CustomParams = CustomParams()
    direct_endpoint: bool = False
    title_message_role: str = ""
    token_config: dict[str, TokenPrices] = field(default_factory=dict)


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    """dialects: for an endpoint's name, what its upstream speaks, best first; `[openai-chat]` where it is not named."""

    dialects: dict[str, tuple[str, ...]] = {}

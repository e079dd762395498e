"""The keys of `endpoints.custom[]`, as LibreChat has them, and this plugin's own."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct, field

from gateway import EndpointFields, Secret
from gateway.endpoint import Known


class NamedModel(Struct, frozen=True):
    """A model with words about it."""

    name: str
    description: str = ""


class ModelSettings(Struct, frozen=True, kw_only=True, rename="camel"):
    """default: the models. fetch: ask the upstream for its list instead, `default` standing in where that fails.

    user_id_query: each caller gets its own list, asked for with `?user=` and its id.
    """

    default: tuple[str | NamedModel, ...] = ()
    fetch: bool = False
    user_id_query: bool = False


class CustomParams(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """How thoughts are asked for and sent back; the rest is for LibreChat's panel of parameters.

    reasoning_format: effort as `reasoning_effort`, as `reasoning: {effort}`, or not at all. reasoning_key: the member
    in which thoughts go back. include_reasoning_content, include_reasoning_history: send them back.
    """

    default_params_endpoint: str = "custom"
    reasoning_format: Literal["", "disabled", "reasoning_effort", "reasoning_object"] = ""
    reasoning_key: str = ""
    include_reasoning_content: bool | None = None
    include_reasoning_history: bool | None = None
    param_definitions: tuple[dict[str, Any], ...] = ()


class TokenPrices(Struct, frozen=True, kw_only=True, rename="camel"):
    """USD per million tokens, and the window in tokens."""

    prompt: float | None = None
    completion: float | None = None
    context: float | None = None
    cache_read: float | None = None
    cache_write: float | None = None


class CustomEndpoint(EndpointFields, frozen=True, kw_only=True, rename="camel"):
    """An endpoint that speaks OpenAI's API, or Anthropic's.

    provider: `anthropic` where it speaks that vendor's API. api_key, base_url: `user_provided` where callers bring
    theirs.
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
    """dialects: for an endpoint's name, what its upstream speaks, best first; what is known of it where not named.

    upstreams: rows of known upstreams, new ones or columns over those that come with this plugin.
    """

    dialects: dict[str, tuple[str, ...]] = {}
    upstreams: dict[str, Known] = {}

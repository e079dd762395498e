"""The keys that LibreChat has on every endpoint, and how `endpoints.all` and `ENDPOINTS` bear on them."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from ..secret import Secret
from ..settings import Settings
from .names import listed


class BaseFields(Struct, frozen=True, kw_only=True, rename="camel"):
    """Keys of every kind of endpoint. Only `headers` is acted on; the others steer LibreChat's own client."""

    headers: dict[str, Secret] = {}
    stream_rate: float = 0
    title_convo: bool = False
    title_model: str = ""
    title_method: str = ""
    title_prompt: str = ""
    title_prompt_template: str = ""
    title_endpoint: str = ""
    title_timing: str = ""
    activity_label: bool = False
    activity_model: str = ""
    activity_endpoint: str = ""
    activity_prompt: str = ""
    activity_max_per_run: int = 0
    activity_char_limit: int = 0
    activity_phase_label: bool = False
    activity_phase_model: str = ""
    activity_phase_endpoint: str = ""
    activity_phase_prompt: str = ""
    activity_phase_max_per_run: int = 0
    reasoning_label: bool = False
    reasoning_label_model: str = ""
    reasoning_label_endpoint: str = ""
    reasoning_label_prompt: str = ""
    reasoning_label_min_chars: int = 0
    reasoning_label_update_chars: int = 0
    reasoning_label_update_interval_ms: int = 0
    reasoning_label_max_per_run: int = 0
    max_tool_result_chars: float = 0


class EndpointFields(BaseFields, frozen=True, kw_only=True, rename="camel"):
    """The same with `baseURL`: where the upstream is."""

    base_url: str = field(name="baseURL", default="")


class AllEndpoints(BaseFields, frozen=True, kw_only=True, rename="camel"):
    """`endpoints.all`: what holds for every endpoint. Only `headers` is acted on."""


def endpoint_headers(settings: Settings, own: Mapping[str, Secret]) -> dict[str, Secret]:
    """An endpoint's headers with those of `endpoints.all`; of two with one name its own counts, as in LibreChat.

    Names become lower-case. Source: LibreChat `api/server/services/Config/loadDefaultModels.js`, `mergeHeaders`.
    """
    shared = settings.one(AllEndpoints).headers
    return {name.lower(): value for name, value in (*shared.items(), *own.items())}


def endpoint_enabled(settings: Settings, endpoint: str) -> bool:
    """Whether `ENDPOINTS` offers this built-in endpoint: unset, it offers all; custom ones it only orders.

    Source: LibreChat `packages/data-provider/src/parsers.ts`, `orderEndpointsConfig`.
    """
    names = listed(settings.env("ENDPOINTS"))
    return not names or endpoint in names

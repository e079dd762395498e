"""The keys of `endpoints.anthropic`, as LibreChat has them."""

from __future__ import annotations

from msgspec import Struct

from gateway import EndpointFields


class VertexModel(Struct, frozen=True, rename="camel"):
    """deployment_name: what Vertex AI calls the model."""

    deployment_name: str = ""


class Vertex(Struct, frozen=True, kw_only=True, rename="camel"):
    """Anthropic's models on Google Cloud; where this is here, they are called there.

    enabled: false turns it off. project_id: the key's own project where it is not given. region: a region, `us`, `eu`
    or `global`; us-east5 where neither it nor ANTHROPIC_VERTEX_REGION is given. service_key_file: a file, its JSON or
    base64 of it; GOOGLE_SERVICE_KEY_FILE where it is not given. deployment_name: for models that have none of their
    own. models: names, or names with what Vertex AI calls them.
    """

    enabled: bool = True
    project_id: str = ""
    region: str = ""
    service_key_file: str = ""
    deployment_name: str = ""
    models: tuple[str, ...] | dict[str, VertexModel | bool] = ()


class AnthropicFields(EndpointFields, frozen=True, kw_only=True, rename="camel"):
    """Anthropic. Acted on: headers, models, vertex, and baseURL where ANTHROPIC_REVERSE_PROXY is not set.

    models: the models, where ANTHROPIC_MODELS is not set.
    """

    models: tuple[str, ...] = ()
    vertex: Vertex | None = None

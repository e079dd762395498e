"""The keys of `endpoints.azureOpenAI`, as LibreChat has them."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from gateway import BaseFields, Secret


class AzureModel(Struct, frozen=True, kw_only=True, rename="camel"):
    """deployment_name, version: instead of the group's."""

    deployment_name: str = ""
    version: str = ""
    assistants: bool = False


class AzureGroup(Struct, frozen=True, kw_only=True, rename="camel"):
    """Models of one resource.

    group: its name. api_key: `user_provided` where callers bring theirs. instance_name: the resource, or its whole
    host. deployment_name, version: of its models, where they have none of their own; `v1`, `preview` or `latest` for
    the paths that have no deployment in them. base_url: where to send instead, with `${INSTANCE_NAME}` and
    `${DEPLOYMENT_NAME}` for these. serverless: base_url is all there is. models: names that callers write, each
    `true` or what is its own.
    """

    group: str = ""
    api_key: Secret = Secret("")
    instance_name: str = ""
    deployment_name: str = ""
    version: str = ""
    base_url: str = field(name="baseURL", default="")
    additional_headers: dict[str, Secret] = {}
    serverless: bool = False
    assistants: bool = False
    add_params: dict[str, Any] = {}
    drop_params: tuple[str, ...] = ()
    models: dict[str, bool | AzureModel] = {}


class AzureFields(BaseFields, frozen=True, kw_only=True, rename="camel"):
    """Azure OpenAI. Acted on: groups."""

    groups: tuple[AzureGroup, ...] = ()
    assistants: bool = False

"""The keys of `gateway.tools-actions`, and LibreChat's `actions`.

Words for auth are those of LibreChat's stored actions: `packages/data-provider/src/types/assistants.ts`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from gateway import Secret

PATH = "gateway.tools-actions"


class Auth(Struct, frozen=True, kw_only=True):
    """What an API wants to be proved.

    type: `service_http` for a key, `oauth` for a token: with `authorization_url` of the user, who logs in there, else
    one that the gateway gets by client credentials. api_key: the key; for basic, `user:password`. authorization_type:
    how it is sent; `custom` in the header `custom_auth_header`, `query` in the URL as `query_parameter`. token_url,
    client_id, client_secret, scope: of the token server. token_exchange_method: whether the client's secret goes in the
    body or in a header there.
    """

    type: Literal["none", "service_http", "oauth"] = "none"
    api_key: Secret = Secret("")
    authorization_type: Literal["bearer", "basic", "custom", "query"] = "bearer"
    custom_auth_header: str = ""
    query_parameter: str = ""
    authorization_url: str = ""
    token_url: str = ""
    client_id: Secret = Secret("")
    client_secret: Secret = Secret("")
    scope: str = ""
    token_exchange_method: Literal["default_post", "basic_auth_header"] = "default_post"  # noqa: S105


class ActionFields(Struct, frozen=True, kw_only=True):
    """An API whose operations agents have as tools.

    name: what it is called here. document: its OpenAPI 3 document, as YAML or JSON, or as text of either. file: where
    that is instead. url: where the API is; without it the document's first server. operations: by operationId, those
    that are tools; all without it. auth: what the API wants to be proved. timeout: seconds that a call may take.
    largest_result: bytes of a result that models are shown; what is beyond is cut off, with a word about it.
    largest_image: bytes of a picture that models are shown.
    """

    name: str
    document: dict[str, Any] | str = ""
    file: str = ""
    url: str = ""
    operations: tuple[str, ...] = ()
    auth: Auth = Auth()
    timeout: Annotated[float, Meta(gt=0, le=3600)] = 60.0
    largest_result: Annotated[int, Meta(ge=1000, le=16777216)] = 400_000
    largest_image: Annotated[int, Meta(ge=1000, le=67108864)] = 5_000_000


class ActionsSettings(Struct, frozen=True, rename="camel"):
    """allowedDomains: where actions may be: `example.com`, `*.example.com`, `https://example.com:8443`; anywhere
    without it. allowedAddresses: without allowedDomains, the private places where actions may be, as `name:port`; where
    neither is given they may be anywhere.
    """

    allowed_domains: tuple[str, ...] = ()
    allowed_addresses: tuple[str, ...] = ()

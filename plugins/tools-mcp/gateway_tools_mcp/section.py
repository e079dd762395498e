"""The keys of librechat.yaml about MCP servers, and the gateway's own beside them.

Source: LibreChat `packages/data-provider/src/mcp.ts`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from gateway import Secret

ALL_PATH = "mcpServers"
SETTINGS_PATH = "mcpSettings"
OWN_PATH = "gateway.tools-mcp"
PREFIX = "mcp_"
"""Before a server's name: what users keep for it."""
OWN_KEY = "MCP_API_KEY"
"""The variable that holds a user's own key, for `apiKey.source: user`."""
Milliseconds = Annotated[int, Meta(ge=0, le=86_400_000)]
Era = Literal["auto", "2026-07-28", "2025"]


class OAuth(Struct, frozen=True, kw_only=True):
    """How users log in to a server; what is left out the server's own metadata say.

    authorization_url, token_url: of the authorization server. client_id, client_secret: what it knows this gateway as;
    without them the gateway registers itself. scope: what is asked for. redirect_uri: this gateway's
    `/api/mcp/{name}/oauth/callback`, as browsers reach it.
    """

    authorization_url: str = ""
    token_url: str = ""
    client_id: str = ""
    client_secret: Secret = Secret("")
    scope: str = ""
    redirect_uri: str = ""
    token_exchange_method: str = ""
    grant_types_supported: tuple[str, ...] = ()
    token_endpoint_auth_methods_supported: tuple[str, ...] = ()
    response_types_supported: tuple[str, ...] = ()
    code_challenge_methods_supported: tuple[str, ...] = ()
    skip_code_challenge_check: bool = False
    audience: str = ""
    forward_audience_on_refresh: bool = False
    send_resource_parameter: bool = True
    revocation_endpoint: str = ""
    revocation_endpoint_auth_methods_supported: tuple[str, ...] = ()


class ApiKey(Struct, frozen=True):
    """A key that goes with each request. source: `admin` where it stands here as `key`; `user` where each user keeps
    one as the variable MCP_API_KEY. authorization_type: how it is sent. custom_header: its header's name for `custom`.
    """

    source: Literal["admin", "user"]
    authorization_type: Literal["basic", "bearer", "custom"]
    key: Secret = Secret("")
    custom_header: str = ""


class UserVariable(Struct, frozen=True):
    """Something that each user has an own value for. title, description: what users are told of it."""

    title: str = ""
    description: str = ""
    sensitive: bool | None = None


class McpServer(Struct, frozen=True, kw_only=True, rename="camel"):
    """type: how it is reached; without it, by `command` or `url`. command, args, env, cwd: a program that is started
    here and spoken to by its standard input and output; it gets HOME, LOGNAME, PATH, SHELL, TERM, USER and
    `env`. stderr: `ignore`, or anything else for the log. url, headers: of a server elsewhere; `${VARIABLE}`,
    `{{LIBRECHAT_USER_ID}}` and the like, and `{{NAME}}` of customUserVars are replaced, in `args` and `env`, too.
    timeout: milliseconds for an answer, 60000 without it. initTimeout: to be connected, 30000 without it.
    sseReadTimeout: how long an event stream may be silent. startup: whether it is connected to as soon as the gateway
    serves, and missed in `/ready`. serverInstructions: true to tell models what the server says of itself, or a text.
    chatMenu, iconPath: for LibreChat's web client. requiresOAuth, oauth: users log in to it. apiKey: a key for it.
    customUserVars: what each user has an own value for.
    """

    type: Literal["stdio", "websocket", "sse", "streamable-http", "http"] | None = None
    title: str = ""
    description: str = ""
    startup: bool = True
    icon_path: str = ""
    timeout: Milliseconds = 0
    sse_read_timeout: Milliseconds = 0
    init_timeout: Milliseconds = 0
    oauth_refresh_wait_timeout: Milliseconds = 0
    oauth_refresh_coordination: bool = True
    oauth_persistence_wait_timeout: Milliseconds = 0
    chat_menu: bool = True
    server_instructions: bool | str = False
    requires_oauth: bool = field(name="requiresOAuth", default=False)
    oauth: OAuth | None = None
    oauth_headers: Mapping[str, Secret] = field(name="oauth_headers", default={})
    api_key: ApiKey | None = None
    custom_user_vars: Mapping[str, UserVariable] = {}
    command: str = ""
    args: tuple[Secret, ...] = ()
    env: Mapping[str, Secret] = {}
    stderr: Literal["pipe", "ignore", "inherit"] | int = "pipe"
    cwd: str = ""
    url: Secret = Secret("")
    headers: Mapping[str, Secret] = {}


class McpServers(Struct, frozen=True, rename="camel"):
    """mcpServers: MCP servers by name; agents list their tools as `<tool>_mcp_<name>`, or all of them as
    `sys__all__sys_mcp_<name>`.
    """

    mcp_servers: Mapping[str, McpServer] = {}


class McpSettings(Struct, frozen=True, rename="camel"):
    """allowedDomains: where MCP servers may be: `example.com`, `*.example.com`, `https://example.com:8443`; anywhere
    without it. allowedAddresses: exemptions from it, as `name:port`.
    """

    allowed_domains: tuple[str, ...] = ()
    allowed_addresses: tuple[str, ...] = ()


class Options(Struct, frozen=True):
    """protocol: for a server by its name, the era that it speaks, `2026-07-28` or `2025`; found out without it.
    list_seconds: for how long a list of tools is kept where the server does not say.
    largest_message: bytes of one message of a server at most. largest_result: characters of text in a tool's result;
    what is beyond is cut off, with a word about it. most_connections: of one server for different users at once.
    """

    protocol: Mapping[str, Era] = {}
    list_seconds: Annotated[float, Meta(ge=1, le=86400)] = 60.0
    largest_message: Annotated[int, Meta(ge=65536, le=268435456)] = 8 * 2**20
    largest_result: Annotated[int, Meta(ge=1000, le=16777216)] = 400_000
    most_connections: Annotated[int, Meta(ge=1, le=100000)] = 200

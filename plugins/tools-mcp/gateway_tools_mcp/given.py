"""What users may say of an MCP server that they add: where it is and what is shown there, and nothing of this machine.

Source: LibreChat `packages/data-provider/src/mcp.ts` (`MCPServerUserInputSchema`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct, field, structs

from gateway import Address, BadCall, Secret, revealed_hook, secret_hook

from .section import OWN_KEY, ApiKey, McpServer, OAuth, UserVariable

LARGEST = 64 * 2**10
"""Bytes of it as JSON: those of all users are kept in memory."""
HIDDEN = "***"
OPERATORS = frozenset(
    [
        "startup",
        "timeout",
        "sseReadTimeout",
        "initTimeout",
        "chatMenu",
        "serverInstructions",
        "requiresOAuth",
        "oauth_headers",
    ]
)
"""Members that LibreChat leaves out, since operators alone say them."""
PROGRAM = frozenset(["command", "args", "env", "cwd", "stderr"])
_PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
_PLACE = re.compile(r" - at `\$\.?(.*)`$")


class Wrong(BadCall):
    """It cannot be added."""


class Given(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True):
    """As `mcpServers.<name>`, without what is an operator's to say."""

    type: Literal["sse", "streamable-http", "http"]
    url: str
    title: str = ""
    description: str = ""
    icon_path: str = ""
    headers: dict[str, Secret] = {}
    api_key: ApiKey | None = None
    oauth: OAuth | None = None
    custom_user_vars: dict[str, UserVariable] = {}
    requires_oauth: bool = field(name="requiresOAuth", default=False)

    @property
    def server(self) -> McpServer:
        return McpServer(
            type=self.type,
            url=Secret(self.url),
            title=self.title,
            description=self.description,
            icon_path=self.icon_path,
            headers=self.headers,
            api_key=self.api_key,
            oauth=self.oauth,
            custom_user_vars=self.custom_user_vars,
            requires_oauth=self.requires_oauth,
            startup=False,
        )

    @property
    def written(self) -> Secret:
        """As it is kept."""
        return Secret(msgspec.json.encode(self, enc_hook=revealed_hook).decode())

    @property
    def shown(self) -> Mapping[str, Any]:
        """To whose it is, without its secrets."""
        found: dict[str, Any] = msgspec.to_builtins(self, enc_hook=_hidden)
        for part, name in (("oauth", "client_secret"), ("apiKey", "key")):
            if part in found:
                found[part] = {one: value for one, value in found[part].items() if value and one != name}
        return found


def read(text: Secret) -> Given:
    """What was kept. Raises ValueError."""
    return msgspec.json.decode(text.reveal(), type=Given, dec_hook=secret_hook)


def given(config: object, before: Given | None = None) -> Given:
    """before: what it takes the place of; a secret that is left out stays, where the server stays where it is. Raises
    Wrong.
    """
    if not isinstance(config, dict):
        raise Wrong("The configuration of the server is missing.", param="config")
    if program := sorted(PROGRAM & set(config)) or config.get("type") == "stdio":
        what = program[0] if isinstance(program, list) else "type"
        raise Wrong(
            "Nobody but the operator has programs started here; add a server over HTTP.", param=f"config.{what}"
        )
    try:
        found = msgspec.convert(
            {name: value for name, value in config.items() if name not in OPERATORS and value is not None},
            Given,
            dec_hook=secret_hook,
        )
    except msgspec.ValidationError as error:
        place = _PLACE.search(str(error))
        words = str(error)[: place.start()] if place else str(error)
        raise Wrong(f"{words}.", param=f"config.{place[1]}" if place else "config") from error
    found = _with_secrets(found, before)
    _check(found)
    return found


def origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme.lower(), parts.netloc.lower()


def _with_secrets(found: Given, before: Given | None) -> Given:
    """An address that changes gets none of the secrets of the one before: whoever changes it may not know them."""
    wants = _left_out(found, before)
    if not wants or before is None:
        return found
    if origin(found.url) != origin(before.url):
        raise Wrong(f"The server is elsewhere now; give {wants[0]} again.", param=f"config.{wants[0]}")
    if "oauth.client_secret" in wants and found.oauth is not None and before.oauth is not None:
        found = structs.replace(found, oauth=structs.replace(found.oauth, client_secret=before.oauth.client_secret))
    if "apiKey.key" in wants and found.api_key is not None and before.api_key is not None:
        found = structs.replace(found, api_key=structs.replace(found.api_key, key=before.api_key.key))
    kept = {name: before.headers[name] for name in found.headers if f"headers.{name}" in wants}
    return structs.replace(found, headers={**found.headers, **kept})


def _left_out(found: Given, before: Given | None) -> list[str]:
    """Secrets that were there and are wanted still."""
    if before is None:
        return []
    wants = [f"headers.{name}" for name, value in found.headers.items() if _is_kept(name, value, before)]
    if found.oauth and not found.oauth.client_secret and before.oauth and before.oauth.client_secret:
        wants.append("oauth.client_secret")
    ours, theirs = found.api_key, before.api_key
    if ours and ours.source == "admin" and not ours.key and theirs and theirs.key:
        wants.append("apiKey.key")
    return wants


def _is_kept(name: str, value: Secret, before: Given) -> bool:
    return value.reveal() == HIDDEN and name in before.headers


def _check(found: Given) -> None:
    if len(found.written.reveal().encode("utf-8", "surrogatepass")) > LARGEST:
        raise Wrong(f"The configuration has more than {LARGEST} bytes.", param="config")
    _check_url("url", found.url)
    for name in ("authorization_url", "token_url"):
        if found.oauth is not None and (url := getattr(found.oauth, name)):
            _check_url(f"oauth.{name}", url)
    own = found.api_key is not None and found.api_key.source == "user"
    known = {*found.custom_user_vars, *((OWN_KEY,) if own else ())}
    for place, text in _texts(found):
        if "${" in text:
            raise Wrong("The operator's variables are not for servers that users add.", param=f"config.{place}")
        if strange := sorted(set(_PLACEHOLDER.findall(text)) - known):
            words = f"{{{{{strange[0]}}}}} is no variable of this server; name it in customUserVars."
            raise Wrong(words, param=f"config.{place}")


def _check_url(place: str, url: str) -> None:
    try:
        Address(url)
        parts = urlsplit(url)
        if not parts.hostname or "@" in parts.netloc or "{" in parts.netloc:
            raise ValueError("it names no host, or more than that")
    except ValueError as error:
        raise Wrong(f"The URL cannot be used: {error}.", param=f"config.{place}") from error


def _texts(found: Given) -> Iterator[tuple[str, str]]:
    yield "url", found.url
    for name, value in found.headers.items():
        yield f"headers.{name}", value.reveal()
    if found.api_key is not None:
        yield "apiKey.key", found.api_key.key.reveal()
    if found.oauth is not None:
        for name, value in structs.asdict(found.oauth).items():
            if isinstance(value, str | Secret):
                yield f"oauth.{name}", value.reveal() if isinstance(value, Secret) else value


def _hidden(value: object) -> object:
    """A placeholder alone is no secret."""
    if isinstance(value, Secret):
        text = value.reveal()
        return text if not _PLACEHOLDER.sub("", text).strip() else HIDDEN
    raise NotImplementedError(type(value))

"""Target: where a configured server is and what is shown there, filled for each caller."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct

from gateway import Address, Asker, Secret, Settings

from .domains import is_allowed, is_named
from .failures import Down
from .section import OWN_KEY, ApiKey, McpServer, McpSettings
from .stdio import Program
from .templates import Template, Values, in_header, in_program, in_url

Kind = Literal["stdio", "http", "sse"]
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_OURS = re.compile(
    r"accept|connection|content-(?:length|type)|host|keep-alive|last-event-id|mcp-.*|te|transfer-encoding|upgrade"
)
_CREDENTIAL = re.compile(r"authorization|api-?key|token|secret|cookie|credential")
_EMPTY = re.compile(r"\s*(?:bearer|basic|token)?\s*", re.IGNORECASE)
_HOST = re.compile(r"[a-z]+://[^/?#]*", re.IGNORECASE)


class Unusable(Exception):
    """key: what of the server's settings is wrong. `str`: how."""

    def __init__(self, key: str, what: str, todo: str) -> None:
        super().__init__(what)
        self.key, self.todo = key, todo


class Filled(Struct, frozen=True):
    """A target for one caller. key: the same for all who get the same connection. program: of a stdio server."""

    key: str
    url: str = ""
    headers: Mapping[str, str] = {}
    program: Program | None = None
    trust: Literal["operator", "user"] = "operator"


class Target(Struct, frozen=True):
    """names: of all variables of users that are used somewhere in it. trust: `user` where a user added the server: it
    must be at a public address, but where the operator named the very place.
    """

    kind: Kind
    url: Template
    headers: Mapping[str, Template]
    command: str
    args: Sequence[Template]
    env: Mapping[str, Template]
    cwd: str
    quiet: bool
    names: frozenset[str]
    domains: McpSettings = McpSettings()
    trust: Literal["operator", "user"] = "operator"

    @property
    def is_personal(self) -> bool:
        parts = (self.url, *self.headers.values(), *self.args, *self.env.values())
        return any(part.is_personal for part in parts)

    @property
    def shown(self) -> str:
        """For operators, without what may be a key."""
        if self.kind == "stdio":
            return self.command
        text = self.url.text.reveal()
        found = _HOST.match(text)
        return found[0].rpartition("@")[2] if found else "?"

    def fill(self, asker: Asker, values: Values) -> Filled:
        """Raises Down where what comes out is no address, or not an allowed one."""
        if self.kind == "stdio":
            return self._program(asker, values)
        url = self.url.fill(asker, values, in_url)
        try:
            Address(url)
        except ValueError as error:
            raise Down(f"the server's URL cannot be used: {error}") from error
        if not is_allowed(url, self.domains.allowed_domains, self.domains.allowed_addresses):
            raise Down("the server's host is not in mcpSettings.allowedDomains")
        headers = self._headers(asker, values, of_connection=True)
        key = _key([url, *(f"{name}: {value}" for name, value in headers.items())])
        return Filled(key, url, headers, trust="user" if self._is_elsewhere else self._trust(url))

    def of_call(self, asker: Asker, values: Values) -> Mapping[str, str]:
        """Headers that are another's with each call."""
        if not any(template.changes for template in self.headers.values()):
            return {}
        return self._headers(asker, values, of_connection=False)

    def _trust(self, url: str) -> Literal["operator", "user"]:
        if self.trust == "operator" or is_named(url, self.domains.allowed_domains, self.domains.allowed_addresses):
            return "operator"
        return "user"

    @property
    def _is_elsewhere(self) -> bool:
        """Whether what a user supplies could name the host."""
        found = _HOST.match(self.url.text.reveal())
        return found is None or "{{" in found[0]

    def _headers(self, asker: Asker, values: Values, *, of_connection: bool) -> Mapping[str, str]:
        asker = Asker(asker.principal) if of_connection else asker
        filled = {name: template.fill(asker, values, in_header) for name, template in self.headers.items()}
        return {
            name: value for name, value in filled.items() if not (_CREDENTIAL.search(name) and _EMPTY.fullmatch(value))
        }

    def _program(self, asker: Asker, values: Values) -> Filled:
        args = [template.fill(asker, values, in_program) for template in self.args]
        env = {name: template.fill(asker, values, in_program) for name, template in self.env.items()}
        program = Program(self.command, args, env, self.cwd or None, self.quiet)
        return Filled(_key([*args, *(f"{name}={value}" for name, value in env.items())]), program=program)


def target(server: McpServer, settings: Settings, trust: Literal["operator", "user"] = "operator") -> Target:
    """Raises Unusable and UnsetVariable."""
    kind = _kind(server)
    variables: dict[str, object] = dict(server.custom_user_vars)
    headers = dict(server.headers)
    if server.api_key is not None:
        variables.setdefault(OWN_KEY, None)
        name, text = _api_key(server.api_key)
        headers[name] = text

    def of(text: Secret) -> Template:
        return Template.of(settings, text, variables)

    templates = {_header(name): of(text) for name, text in headers.items()} if kind != "stdio" else {}
    for name, template in templates.items():
        if _CONTROL.search(template.text.reveal()):
            raise Unusable("headers", f"the value of the header {name} has a control character in it", "take it out")
    parts = [of(server.url), *templates.values()]
    args, env = [of(text) for text in server.args], {name: of(text) for name, text in server.env.items()}
    used = frozenset[str]().union(*(part.names for part in (*parts, *args, *env.values())))
    return Target(
        kind=kind,
        url=parts[0],
        headers={name: template for name, template in templates.items() if not _OURS.fullmatch(name)},
        command=settings.resolve(server.command) if server.command else "",
        args=args,
        env=env,
        cwd=settings.resolve(server.cwd) if server.cwd else "",
        quiet=server.stderr == "ignore",
        names=used & frozenset(variables),
        domains=settings.one(McpSettings),
        trust=trust,
    )


def _kind(server: McpServer) -> Kind:
    url = server.url.reveal()
    if server.type == "websocket" or (server.type is None and url.lower().startswith(("ws:", "wss:"))):
        raise Unusable("type", "MCP over WebSockets is not spoken here", "write the server's http URL, with its type")
    if server.type == "stdio" or (server.type is None and server.command):
        if not server.command:
            raise Unusable("command", "it is missing", "write the program that is to be started")
        return "stdio"
    if not url:
        raise Unusable("url", "there is neither `command` nor `url`", "write one of them")
    return "http" if server.type in ("http", "streamable-http") else "sse"


def _api_key(api_key: ApiKey) -> tuple[str, Secret]:
    """The header that it is sent in."""
    if api_key.source == "admin" and not api_key.key:
        raise Unusable("apiKey.key", "it is missing", "write the key, as ${VARIABLE}")
    if api_key.authorization_type == "custom" and not api_key.custom_header:
        raise Unusable("apiKey.custom_header", "it is missing", "write the name of the header")
    text = api_key.key.reveal() if api_key.source == "admin" else "{{" + OWN_KEY + "}}"
    if api_key.authorization_type == "custom":
        return api_key.custom_header, Secret(text)
    return "authorization", Secret(f"{api_key.authorization_type.capitalize()} {text}")


def _header(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise Unusable("headers", f"{name!r} is no name of a header", "write it as HTTP has it")
    return name.lower()


def _key(parts: Sequence[str]) -> str:
    """Secrets are in it, so that only a digest is kept."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()

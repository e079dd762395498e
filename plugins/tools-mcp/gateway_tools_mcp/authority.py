"""Authority: the authorization server of an MCP server, found by what that says of itself.

Source: RFC 9728 (protected resource metadata), RFC 8414 (authorization server metadata), and "Authorization" of
https://modelcontextprotocol.io/specification/2026-07-28.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from gateway import GatewayError, Upstream
from gateway.oauth import Authority, Lacking, Trust, is_protected, origin
from gateway.oauth.site import LARGEST, TIMES
from gateway.wire.jsontext import UNREADABLE

from .section import OAuth

T = TypeVar("T", bound=Struct)
_PARAMETER = re.compile(r'(resource_metadata|scope|error)="([^"]{1,2000})"')


class _Resource(Struct, frozen=True):
    resource: str = ""
    authorization_servers: tuple[str, ...] = ()
    scopes_supported: tuple[str, ...] = ()


class _Metadata(Struct, frozen=True):
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    registration_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] | None = None
    code_challenge_methods_supported: tuple[str, ...] | None = None
    authorization_response_iss_parameter_supported: bool = False


class Finder:
    """headers: LibreChat's `oauth_headers`, for the server's own origin alone. trust: as the server has it."""

    def __init__(
        self, upstream: Upstream, url: str, oauth: OAuth, headers: Mapping[str, str], trust: Trust = "operator"
    ) -> None:
        self._upstream, self._url, self._oauth, self._headers, self._trust = upstream, url, oauth, headers, trust

    async def find(self, challenge: str) -> Authority:
        """challenge: of the server's 401. Raises Lacking."""
        said = dict(_PARAMETER.findall(challenge))
        oauth = self._oauth
        if oauth.authorization_url and oauth.token_url:
            methods = oauth.token_endpoint_auth_methods_supported
            scope = oauth.scope or said.get("scope", "")
            return Authority("", oauth.authorization_url, oauth.token_url, self._url, "", methods, scope)
        resource = await self._resource(said.get("resource_metadata", ""))
        issuer = (resource.authorization_servers or (origin(self._url),))[0]
        metadata = await self._metadata(issuer)
        if metadata is None:
            raise Lacking("the server's authorization server does not say where users log in (RFC 8414)")
        self._check(metadata, issuer)
        scope = oauth.scope or said.get("scope", "") or " ".join(resource.scopes_supported)
        return Authority(
            metadata.issuer,
            metadata.authorization_endpoint,
            metadata.token_endpoint,
            resource.resource or self._url,
            metadata.registration_endpoint or "",
            oauth.token_endpoint_auth_methods_supported or metadata.token_endpoint_auth_methods_supported or (),
            scope,
            metadata.authorization_response_iss_parameter_supported,
        )

    async def _resource(self, named: str) -> _Resource:
        """Nothing where the server publishes none, as before 2025-06-18."""
        for url in filter(None, (named, *_resource_urls(self._url))):
            found = await self._json(url, _Resource)
            if found is not None and (not found.resource or _covers(found.resource, self._url)):
                return found
        return _Resource()

    async def _metadata(self, issuer: str) -> _Metadata | None:
        for url in _metadata_urls(issuer):
            found = await self._json(url, _Metadata)
            if found is not None and found.issuer.rstrip("/") == issuer.rstrip("/"):
                return found
        return None

    def _check(self, metadata: _Metadata, issuer: str) -> None:
        """Raises Lacking where what it answers could be somebody else's, or codes could be taken by somebody else."""
        for url in (issuer, metadata.authorization_endpoint, metadata.token_endpoint):
            if not is_protected(url):
                raise Lacking("the server's authorization server is not reached over https")
        methods = metadata.code_challenge_methods_supported or ()
        if "S256" not in methods and not self._oauth.skip_code_challenge_check:
            raise Lacking("the server's authorization server does not protect codes by PKCE with S256")

    async def _json(self, url: str, kind: type[T]) -> T | None:
        is_own = origin(url) == origin(self._url)
        try:
            reply = await self._upstream.send(
                "GET",
                url,
                {"accept": "application/json", **(self._headers if is_own else {})},
                trust=self._trust if is_own else "user",
                timeouts=TIMES,
            )
            if reply.status != 200:
                reply.close()
                return None
            body = await reply.read(LARGEST)
            reply.close()
            return msgspec.json.decode(body, type=kind)
        except (GatewayError, *UNREADABLE):
            return None


def _resource_urls(url: str) -> Iterator[str]:
    path = urlsplit(url).path.rstrip("/")
    known = f"{origin(url)}/.well-known/oauth-protected-resource"
    if path:
        yield known + path
    yield known


def _metadata_urls(issuer: str) -> Iterator[str]:
    path = urlsplit(issuer).path.rstrip("/")
    start = f"{origin(issuer)}/.well-known"
    yield f"{start}/oauth-authorization-server{path}"
    yield f"{start}/openid-configuration{path}"
    if path:
        yield f"{origin(issuer)}{path}/.well-known/openid-configuration"


def _covers(resource: str, url: str) -> bool:
    """A token for something else must not be asked for in the name of this server."""
    if origin(resource) != origin(url):
        return False
    path, wanted = urlsplit(url).path.rstrip("/") + "/", urlsplit(resource).path.rstrip("/") + "/"
    return path.startswith(wanted)

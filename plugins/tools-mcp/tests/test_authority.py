"""Authorization servers that lie, or would have tokens taken by somebody else."""

from __future__ import annotations

from typing import Any

import pytest
from gateway_tools_mcp.authority import Finder
from gateway_tools_mcp.section import OAuth
from nasty import Nasty, Request

from gateway import Egress
from gateway.oauth import Authority, Lacking
from gateway.provider import Timeouts
from gateway.upstream import HttpUpstream

RESOURCE, SERVER = "/.well-known/oauth-protected-resource", "/.well-known/oauth-authorization-server"


async def found(pages: Any, challenge: str = "", oauth: OAuth | None = None) -> Authority:
    """pages: by path, made with the server's origin."""

    async def behave(request: Request) -> None:
        page = pages(f"http://127.0.0.1:{server.port}").get(request.path)
        if page is None:
            await request.send(b"", 404)
        else:
            await request.json(page)

    async with Nasty(behave) as server:
        upstream = HttpUpstream(Egress(), Timeouts())
        try:
            oauth = oauth or OAuth()
            return await Finder(upstream, server.url, oauth, {}).find(challenge.replace("URL", server.url[:-4]))
        finally:
            await upstream.close()


def metadata(origin: str, **more: Any) -> dict[str, Any]:
    return {
        "issuer": origin,
        "authorization_endpoint": f"{origin}/authorize",
        "token_endpoint": f"{origin}/token",
        "code_challenge_methods_supported": ["S256"],
        **more,
    }


async def test_it_is_found_by_the_servers_own_metadata() -> None:
    def pages(origin: str) -> Any:
        resource = {"resource": f"{origin}/mcp", "authorization_servers": [origin], "scopes_supported": ["a", "b"]}
        return {f"{RESOURCE}/mcp": resource, SERVER: metadata(origin)}

    authority = await found(pages)
    assert authority.scope == "a b"
    assert authority.resource.endswith("/mcp")


async def test_a_server_of_2025_is_its_own_authorization_server() -> None:
    authority = await found(lambda origin: {SERVER: metadata(origin)})
    assert authority.token_endpoint.endswith("/token")


async def test_the_challenge_says_where_and_what_for() -> None:
    def pages(origin: str) -> Any:
        resource = {"resource": origin, "authorization_servers": [f"{origin}/tenant"]}
        return {"/here": resource, f"{SERVER}/tenant": metadata(origin, issuer=f"{origin}/tenant")}

    authority = await found(pages, 'Bearer error="invalid_token", resource_metadata="URL/here", scope="s1 s2"')
    assert authority.issuer.endswith("/tenant")
    assert authority.scope == "s1 s2"


async def test_what_is_configured_needs_no_metadata() -> None:
    oauth = OAuth(authorization_url="https://as.example/a", token_url="https://as.example/t", client_id="c")
    authority = await found(lambda origin: {}, oauth=oauth)
    assert authority.authorization_endpoint == "https://as.example/a"


LIES: dict[str, Any] = {
    "another_issuer": lambda origin: {SERVER: metadata("https://evil.example")},
    "no_pkce": lambda origin: {SERVER: metadata(origin, code_challenge_methods_supported=["plain"])},
    "pkce_unsaid": lambda origin: {SERVER: metadata(origin, code_challenge_methods_supported=None)},
    "plain_http": lambda origin: {SERVER: metadata(origin, token_endpoint="http://as.example/token")},
    "no_endpoints": lambda origin: {SERVER: {"issuer": origin}},
    "no_json": lambda origin: {SERVER: "nothing"},
    "foreign_resource": lambda origin: {
        RESOURCE: {"resource": "https://bank.example", "authorization_servers": ["https://as.example"]},
    },
    "private_network": lambda origin: {
        RESOURCE: {"resource": origin, "authorization_servers": ["http://10.0.0.1:9"]},
    },
}


@pytest.mark.parametrize("lie", LIES)
async def test_one_that_cannot_be_trusted_gets_nobody(lie: str) -> None:
    with pytest.raises(Lacking):
        await found(LIES[lie])


async def test_pkce_that_is_unsaid_is_taken_where_the_operator_says_so() -> None:
    pages = LIES["pkce_unsaid"]
    assert (await found(pages, oauth=OAuth(skip_code_challenge_check=True))).issuer

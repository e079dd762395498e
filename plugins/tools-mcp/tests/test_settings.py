"""What mcpServers and mcpSettings say, what is wrong with them, and who may use servers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from gateway_tools_mcp.domains import is_allowed
from gateway_tools_mcp.section import McpServer, McpSettings
from gateway_tools_mcp.target import target
from mcp_servers import ADA, ADMIN, call, said, tools
from nasty import Nasty, Request, modern

from gateway import Asker, Principal, Secret, Settings

GOOD = {"content": [{"type": "text", "text": "well"}], "resultType": "complete"}


async def well(request: Request) -> None:
    await request.result(GOOD)


async def seen(request: Request) -> None:
    await request.result({"content": [{"type": "text", "text": json.dumps([request.path, request.headers])}]})


@pytest.mark.parametrize(
    ("server", "path", "what"),
    [
        ({"type": "websocket", "url": "ws://h"}, "type", "WebSockets is not spoken here"),
        ({"url": "wss://h"}, "type", "WebSockets is not spoken here"),
        ({"type": "stdio"}, "command", "it is missing"),
        ({"title": "x"}, "url", "neither `command` nor `url`"),
        ({"type": "http", "url": "http://h", "headers": {"a b": "c"}}, "headers", "no name of a header"),
        ({"type": "http", "url": "http://h", "headers": {"a": "b\nc"}}, "headers", "control character"),
        ({"type": "http", "url": "${NOT_SET}"}, "", "the variable NOT_SET is not set"),
        ({"type": "http", "url": "http://h", "headers": {"a": "${CREDS_KEY}"}}, "", "CREDS_KEY is not set"),
        (
            {"type": "http", "url": "http://h", "apiKey": {"source": "admin", "authorization_type": "bearer"}},
            "apiKey.key",
            "it is missing",
        ),
    ],
    ids=range(9),
)
async def test_a_server_that_cannot_be_used_is_told_and_missing(server: Any, path: str, what: str) -> None:
    async with tools({"bad": server}, {"CREDS_KEY": "x"}) as source:
        [finding] = source.findings()
        assert finding.path == f"mcpServers.bad.{path}".rstrip(".")
        assert what in finding.what
        assert finding.level == "warning"
        offer = await source.offer(["t_mcp_bad"], ADA)
        assert what in offer.missing["t_mcp_bad"]


async def test_a_protocol_for_nobody_is_told() -> None:
    own = {"gateway": {"tools-mcp": {"protocol": {"tyop": "2025"}}}}
    async with tools({"a": {"command": "x", "args": []}}, **own) as source:
        assert [finding.path for finding in source.findings()] == ["gateway.tools-mcp.protocol.tyop"]


@pytest.mark.parametrize(
    ("kind", "header", "value"),
    [
        ("bearer", "authorization", "Bearer s3cret"),
        ("basic", "authorization", "Basic s3cret"),
        ("custom", "x-key", "s3cret"),
    ],
)
async def test_an_api_key_goes_with_each_request(kind: str, header: str, value: str) -> None:
    key = {"source": "admin", "authorization_type": kind, "key": "${KEY}", "custom_header": "X-Key"}
    async with (
        Nasty(modern(seen)) as server,
        tools({"n": {"type": "http", "url": server.url, "apiKey": key}}, {"KEY": "s3cret"}) as source,
    ):
        await said(source, "t_mcp_n")
        assert {request.headers[header] for request in server.asked} == {value}


async def test_what_a_user_supplies_cannot_leave_its_part_of_the_url_or_the_header() -> None:
    evil = Asker(Principal(user_id="../../admin?x=#", email="a\r\nX-Evil: 1", name="Zoë 漢"))
    async with Nasty(modern(seen)) as server:
        given = {
            "type": "http",
            "url": server.url + "/{{LIBRECHAT_USER_ID}}/end",
            "headers": {"X-Email": "{{LIBRECHAT_USER_EMAIL}}", "X-Name": "{{LIBRECHAT_USER_NAME}}", "Host": "evil"},
        }
        async with tools({"n": given}) as source:
            path, headers = json.loads(await said(source, "t_mcp_n", evil))
    assert path == "/mcp/..%2F..%2Fadmin%3Fx%3D%23/end"
    assert "x-evil" not in headers
    assert headers["x-email"].startswith("b64:")
    assert headers["x-name"].startswith("b64:")
    assert headers["host"] != "evil"


async def test_a_host_that_a_user_supplies_must_be_public() -> None:
    somebody = Asker(Principal(user_id="127.0.0.1"))
    async with tools({"n": {"type": "http", "url": "http://{{LIBRECHAT_USER_ID}}:9/mcp"}}) as source:
        offer = await source.offer(["t_mcp_n"], somebody)
        assert "is not a public one" in offer.missing["t_mcp_n"]


async def test_a_server_outside_of_the_allowed_domains_is_not_asked() -> None:
    async with Nasty(modern(well)) as server:
        given = {"n": {"type": "http", "url": server.url}}
        async with tools(given, mcpSettings={"allowedDomains": ["example.com"]}) as source:
            offer = await source.offer(["t_mcp_n"], ADA)
            assert "allowedDomains" in offer.missing["t_mcp_n"]
            assert server.asked == []
        settings = {"allowedDomains": ["example.com"], "allowedAddresses": [f"127.0.0.1:{server.port}"]}
        async with tools(given, mcpSettings=settings) as source:
            assert await said(source, "t_mcp_n") == "well"


@pytest.mark.parametrize(
    ("url", "entry", "allowed"),
    [
        ("https://a.example.com/mcp", "*.example.com", True),
        ("https://example.com/mcp", "*.example.com", True),
        ("https://badexample.com/mcp", "*.example.com", False),
        ("https://example.com/mcp", "example.com", True),
        ("https://a.example.com/mcp", "example.com", False),
        ("http://example.com/mcp", "https://example.com", False),
        ("https://example.com:8443/mcp", "https://example.com:8443", True),
        ("https://example.com/mcp", "https://example.com:8443", False),
        ("https://example.com.evil.org/mcp", "example.com", False),
        ("https://example.com@evil.org/mcp", "example.com", False),
        ("https://WWW.Example.com/mcp", "example.com", True),
    ],
    ids=range(11),
)
def test_domains_are_compared_as_a_whole(url: str, entry: str, allowed: bool) -> None:
    assert is_allowed(url, [entry], ()) is allowed


async def test_where_users_may_not_use_servers_only_admins_do() -> None:
    async with Nasty(modern(well)) as server:
        given = {"n": {"type": "http", "url": server.url}}
        async with tools(given, interface={"mcpServers": {"use": False}}) as source:
            offer = await source.offer(["t_mcp_n"], ADA)
            assert "may not use MCP servers" in offer.missing["t_mcp_n"]
            assert await source.listed(ADA) == ()
            [tool] = (await source.offer(["t_mcp_n"], ADMIN)).tools
            assert (await source.call(tool, {}, ADA)).is_error
            assert await said(source, "t_mcp_n", ADMIN) == "well"
            assert len(server.asked) == 3


async def test_entries_that_mean_nothing_are_missing_with_a_reason() -> None:
    async with Nasty(modern(well)) as server, tools({"n": {"type": "http", "url": server.url}}) as source:
        wanted = ["t_mcp_n", "u_mcp_n", "t_mcp_other", "sys__server__sys_mcp_n"]
        assert all(source.owns(one) for one in wanted)
        assert not any(source.owns(one) for one in ("web_search", "read_mcp_x_action_example"))
        offer = await source.offer(wanted, ADA)
        assert [tool.name for tool in offer.tools] == ["t_mcp_n"]
        assert set(offer.missing) == {"u_mcp_n", "t_mcp_other"}
        assert (await call(source, "t_mcp_n")).blocks


async def test_a_text_of_the_operators_takes_the_place_of_the_servers_instructions() -> None:
    async with Nasty(modern(well)) as server:
        given = {"type": "http", "url": server.url, "title": "Notes", "serverInstructions": "Be careful."}
        async with tools({"n": given}) as source:
            assert (await source.offer(["t_mcp_n"], ADA)).instructions == "## Notes\n\nBe careful."


def test_a_users_server_is_at_a_public_address_but_where_the_operator_named_the_very_place() -> None:
    server = McpServer(type="http", url=Secret("http://inner.example.com:81/mcp"))

    def trust(**said: tuple[str, ...]) -> str:
        settings = Settings.of(McpSettings(**said))
        return target(server, settings, "user").fill(Asker(Principal("u1")), {}).trust

    assert trust() == "user"
    assert trust(allowed_domains=("*.example.com",)) == "user"
    assert trust(allowed_domains=("inner.example.com",)) == "operator"
    assert trust(allowed_addresses=("inner.example.com:81",)) == "operator"
    assert trust(allowed_addresses=("inner.example.com:82",)) == "user"

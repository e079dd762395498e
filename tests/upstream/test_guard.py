"""What a user named reaches no private network through a proxy, either: the gateway says which address."""

from __future__ import annotations

import pytest
from byway import HOST, Client
from byway.certificates import Authority
from byway.proxy import ByWay

from gateway import UpstreamUnreachable
from gateway.testing.fake_upstream import FakeUpstream
from gateway.testing.fake_upstream import json as whole

PUBLIC, PUBLIC_6 = "93.184.216.34", "2606:4700:4700::1111"


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_the_proxy_is_given_the_number_that_was_checked(
    client: Client, names: dict[str, list[str]], authority: Authority, scheme: str
) -> None:
    names[HOST] = [PUBLIC_6, PUBLIC]
    tls = authority.server(HOST) if scheme == "https" else None
    async with FakeUpstream(tls=tls) as far, ByWay({f"{PUBLIC}:8080": far.port}) as proxy:
        far.answer("/x", whole(b"{}"))
        upstream = client(proxy.url)
        for _ in range(2):
            reply = await upstream.send("POST", f"{scheme}://{HOST}:8080/x", {}, b"q", trust="user")
            assert await reply.read() == b"{}"
            reply.close()
        assert proxy.tunnels == [f"{PUBLIC}:8080"]
        assert far.arrived[1].reused
        assert (far.arrived[0].target, far.arrived[0].headers["Host"]) == ("/x", f"{HOST}:8080")
        if tls is not None:
            assert authority.names[-1] == HOST


async def test_a_name_that_has_an_ipv6_address_alone_is_given_as_that(
    client: Client, names: dict[str, list[str]]
) -> None:
    names[HOST] = [PUBLIC_6]
    async with FakeUpstream() as far, ByWay({f"[{PUBLIC_6}]:80": far.port}) as proxy:
        far.answer("/x", whole(b"{}"))
        reply = await client(proxy.url).send("POST", f"http://{HOST}/x", {}, b"q", trust="user")
        assert await reply.read() == b"{}"
        reply.close()


PRIVATE = [["10.0.0.1"], ["127.0.0.1"], ["169.254.169.254"], ["::1"], ["fd00::1"], [PUBLIC, "192.168.0.1"]]


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("addresses", PRIVATE, ids=" ".join)
async def test_a_name_that_leads_to_something_private_is_not_given_to_the_proxy(
    client: Client, names: dict[str, list[str]], addresses: list[str], scheme: str
) -> None:
    names[HOST] = addresses
    async with ByWay({}) as proxy:
        with pytest.raises(UpstreamUnreachable) as refused:
            await client(proxy.url).send("POST", f"{scheme}://{HOST}/x", {}, b"q", trust="user")
        assert refused.value.code == "address_not_allowed"
        assert proxy.talks == 0


@pytest.mark.parametrize(
    "host", ["10.0.0.1", "169.254.169.254", "[fd00::1]", "127.1", "2130706433", "[::ffff:10.0.0.1]"]
)
async def test_a_private_number_is_not_given_to_the_proxy(client: Client, host: str) -> None:
    async with ByWay({}) as proxy:
        with pytest.raises(UpstreamUnreachable) as refused:
            await client(proxy.url).send("POST", f"https://{host}/x", {}, b"q", trust="user")
        assert refused.value.code == "address_not_allowed"
        assert proxy.talks == 0


async def test_this_machine_and_what_goes_directly_are_guarded_as_ever(
    client: Client, names: dict[str, list[str]]
) -> None:
    names[HOST] = ["127.0.0.1"]
    async with FakeUpstream() as far, ByWay({}) as proxy:
        upstream = client(proxy.url, direct=[HOST])
        for host in (HOST, "localhost", "127.0.0.1"):
            with pytest.raises(UpstreamUnreachable) as refused:
                await upstream.send("POST", f"http://{host}:{far.port}/x", {}, b"q", trust="user")
            assert refused.value.code == "address_not_allowed"
        assert (far.arrived, proxy.talks) == ([], 0)


async def test_an_address_that_is_allowed_is_open_through_the_proxy(
    client: Client, names: dict[str, list[str]]
) -> None:
    names[HOST] = ["10.0.0.5"]
    async with FakeUpstream() as far, ByWay({"10.0.0.5:8080": far.port}) as proxy:
        far.answer("/x", whole(b"{}"))
        upstream = client(proxy.url, allowed=["10.0.0.5:8080"])
        reply = await upstream.send("POST", f"http://{HOST}:8080/x", {}, b"q", trust="user")
        assert await reply.read() == b"{}"
        reply.close()
        with pytest.raises(UpstreamUnreachable):
            await upstream.send("POST", f"http://{HOST}:8081/x", {}, b"q", trust="user")


async def test_what_the_operator_named_is_looked_up_by_the_proxy_alone(client: Client) -> None:
    """And may be private: behind a proxy names may be known to it only."""
    name = "known-to-the-proxy.invalid"
    async with FakeUpstream() as far, ByWay({f"{name}:8080": far.port}) as proxy:
        far.answer("/x", whole(b"{}"))
        reply = await client(proxy.url).send("POST", f"http://{name}:8080/x", {}, b"q")
        assert await reply.read() == b"{}"
        reply.close()


async def test_a_users_connection_does_not_serve_the_operator_nor_the_other_way(
    client: Client, names: dict[str, list[str]], authority: Authority
) -> None:
    names[HOST] = [PUBLIC]
    leads: dict[str, int] = {}
    async with FakeUpstream(tls=authority.server(HOST)) as far, ByWay(leads) as proxy:
        leads |= {f"{PUBLIC}:443": far.port, f"{HOST}:443": far.port}
        far.answer("/x", whole(b"{}"))
        upstream = client(proxy.url)
        for trust in ("operator", "user", "operator", "user"):
            reply = await upstream.send("POST", f"https://{HOST}/x", {}, b"q", trust=trust)  # type: ignore[arg-type]
            assert await reply.read() == b"{}"
            reply.close()
        assert [one.partition(b" HTTP")[0] for one in proxy.asked] == [
            f"CONNECT {HOST}:443".encode(),
            f"CONNECT {PUBLIC}:443".encode(),
        ]

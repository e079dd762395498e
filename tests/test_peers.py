from __future__ import annotations

import pytest

from gateway.peers import Peers, is_loopback


@pytest.mark.parametrize(
    ("trusted", "remote", "forwarded", "client"),
    [
        ((), "10.0.0.9", "1.2.3.4", "10.0.0.9"),
        (("10.0.0.0/8",), "10.0.0.9", "1.2.3.4", "1.2.3.4"),
        (("10.0.0.0/8",), "10.0.0.9", "6.6.6.6, 1.2.3.4, 10.1.1.1", "1.2.3.4"),
        (("10.0.0.0/8",), "11.0.0.9", "1.2.3.4", "11.0.0.9"),
        (("10.0.0.0/8",), "10.0.0.9", "", "10.0.0.9"),
        (("10.0.0.0/8",), "10.0.0.9", "nonsense", "10.0.0.9"),
        (("10.0.0.0/8",), "10.0.0.9", "10.2.2.2", "10.2.2.2"),
        (("::1",), "::1", "2001:db8::7", "2001:db8::7"),
    ],
)
def test_the_client_is_the_last_address_that_a_trusted_proxy_names(
    trusted: tuple[str, ...], remote: str, forwarded: str, client: str
) -> None:
    assert Peers(trusted).client(remote, {"X-Forwarded-For": forwarded}) == client


def test_a_forwarded_header_from_an_untrusted_peer_means_a_proxy_is_in_between() -> None:
    assert Peers(()).is_direct({})
    assert not Peers(()).is_direct({"X-Forwarded-For": "1.2.3.4"})
    assert not Peers(()).is_direct({"Forwarded": "for=1.2.3.4"})


@pytest.mark.parametrize(
    ("address", "loopback"), [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("10.0.0.1", False), ("", False)]
)
def test_loopback(address: str, loopback: bool) -> None:
    assert is_loopback(address) is loopback

"""Where `gateway status` asks."""

from __future__ import annotations

import pytest

from gateway.cli.status import address
from gateway.settings.core import Listen, Tls


@pytest.mark.parametrize(
    ("listen", "url"),
    [
        (Listen(), "http://127.0.0.1:8080"),
        (Listen(host="0.0.0.0", port=1), "http://127.0.0.1:1"),
        (Listen(host="::"), "http://[::1]:8080"),
        (Listen(host="chat.example.com", tls=Tls("c", "k"), port=443), "https://chat.example.com:443"),
        (Listen(tls=Tls("c", "k"), internal_port=9090), "http://127.0.0.1:9090"),
    ],
)
def test_the_port_for_machines_comes_first_and_is_without_tls(listen: Listen, url: str) -> None:
    assert address(listen) == url

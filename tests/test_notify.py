"""The service manager hears when the gateway serves, and when it stops."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from gateway import notify
from gateway.testing.running import RunningGateway


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_gateway_tells_that_it_is_ready_and_that_it_stops(tmp_path: Path, workers: str) -> None:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        manager.settimeout(20)
        with RunningGateway(tmp_path, None, "--workers", workers, environ={notify.VARIABLE: address}) as gateway:
            assert manager.recv(100) == b"READY=1"
            assert gateway.stop() == 0
            assert manager.recv(100) == b"STOPPING=1"


def test_an_abstract_address_is_told_and_one_where_nobody_listens_is_no_fault() -> None:
    name = f"gateway-test-{id(object())}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + name)
        manager.settimeout(5)
        notify.tell(notify.READY, {notify.VARIABLE: f"@{name}"})
        assert manager.recv(100) == b"READY=1"
    notify.tell(notify.READY, {notify.VARIABLE: "/nowhere/at/all"})
    notify.tell(notify.READY, {})

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from gateway.server import acceptor
from gateway.server.acceptor import Acceptor
from gateway.shares import Shares, lay_out


class Greeter(asyncio.Protocol):
    """Says who it is to each client."""

    def __init__(self, name: bytes, made: list[Acceptor]) -> None:
        self._name = name
        self._made = made

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(self._name)

    def connection_lost(self, exc: Exception | None) -> None:
        self._made[0].gone()


class Full:
    """A listening socket of a process that has no file left, until `sock` is let through."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.full = True

    def dup(self) -> Full:
        return self

    def fileno(self) -> int:
        return self._sock.fileno()

    def accept(self) -> tuple[socket.socket, Any]:
        if self.full:
            raise OSError(errno.EMFILE, "Too many open files")
        return self._sock.accept()

    def close(self) -> None:
        """The fixture's."""


@pytest.fixture
async def listening() -> AsyncIterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as sock:
        sock.setblocking(False)
        yield sock


def accepting(sock: Any, name: bytes, shares: Shares) -> Acceptor:
    """On a file descriptor of its own, as other processes have them."""
    made: list[Acceptor] = []
    made.append(Acceptor(sock.dup(), None, lambda: Greeter(name, made), shares))
    return made[0]


async def greeted(sock: socket.socket) -> tuple[bytes, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection(*sock.getsockname())
    return await reader.readexactly(1), writer


async def until(check: Callable[[], bool]) -> None:
    for _ in range(1000):
        if check():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it did not come to that")


async def ended(clients: Sequence[tuple[bytes, asyncio.StreamWriter]], *acceptors: Acceptor) -> None:
    """Both ends of all connections are closed, then the acceptors stopped."""
    for _, writer in clients:
        writer.close()
        await writer.wait_closed()
    await until(lambda: not any(one.connections for one in acceptors))
    for one in acceptors:
        await one.stop()
        one.sock.close()


async def test_two_on_one_socket_take_as_many_each(listening: socket.socket, tmp_path: Path) -> None:
    lay_out(tmp_path / "connections", 2)
    both = [accepting(listening, b"%d" % index, Shares(tmp_path / "connections", index)) for index in range(2)]
    for one in both:
        one.start()
    clients = [await greeted(listening) for _ in range(20)]
    assert sorted(name for name, _ in clients) == [b"0"] * 10 + [b"1"] * 10
    await ended(clients, *both)


async def test_where_the_others_do_not_come_one_takes_all(listening: socket.socket, tmp_path: Path) -> None:
    """The second worker says that it is there, and is frozen."""
    lay_out(tmp_path / "connections", 2)
    Shares(tmp_path / "connections", 1).tell(0)
    one = accepting(listening, b"0", Shares(tmp_path / "connections", 0))
    one.start()
    clients = [await greeted(listening) for _ in range(5)]
    assert [name for name, _ in clients] == [b"0"] * 5
    await ended(clients, one)


async def test_what_has_ended_counts_no_more(listening: socket.socket, tmp_path: Path) -> None:
    file = tmp_path / "connections"
    lay_out(file, 1)
    one = accepting(listening, b"0", Shares(file, 0))
    one.start()
    clients = [await greeted(listening) for _ in range(3)]
    assert int.from_bytes(file.read_bytes(), "little") == 3
    for _, writer in clients:
        writer.close()
    await until(lambda: file.read_bytes() == bytes(4))
    await ended([], one)


async def test_without_a_file_left_it_waits_and_goes_on(
    listening: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(acceptor, "OUT_OF_FILES", 0.01)
    lay_out(tmp_path / "connections", 1)
    full = Full(listening)
    one = accepting(full, b"0", Shares(tmp_path / "connections", 0))
    one.start()
    asking = asyncio.create_task(greeted(listening))
    await until(lambda: "Too many open files" in caplog.text)
    full.full = False
    client = await asking
    assert client[0] == b"0"
    await ended([client], one)


async def test_after_its_stop_it_takes_none_and_nobody_waits_for_it(listening: socket.socket, tmp_path: Path) -> None:
    lay_out(tmp_path / "connections", 2)
    stopped, going = (
        accepting(listening, b"%d" % index, Shares(tmp_path / "connections", index)) for index in range(2)
    )
    stopped.start()
    await ended([], stopped)
    going.start()
    clients = [await greeted(listening) for _ in range(4)]
    assert [name for name, _ in clients] == [b"1"] * 4
    await ended(clients, going)

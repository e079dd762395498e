"""What the supervisor and its workers say arrives whole, or is known not to."""

from __future__ import annotations

import socket
import threading
import time

from gateway.reload.orders import Abort, Begin, Commit, Link, Prepare, Prepared, Serving, begin, line, order_of
from gateway.reload.told import Reload, Reloads
from gateway.settings.sources import Source

LAST = Reload("0123456789ab", ok=True, at=1.0)
FILES = {"librechat.yaml": Source(b"a: \xff\n" * 100_000), ".env": Source(None, "Permission denied")}


def test_a_worker_takes_its_first_order_and_leaves_the_next_ones() -> None:
    link = Link()
    first = Begin(FILES, None, LAST)
    sending = threading.Thread(target=lambda: [link.send(first, 10), link.send(Commit(LAST), 10)])
    sending.start()
    assert begin(link.theirs) == first
    sending.join()
    assert order_of(link.theirs.recv(65536)) == Commit(LAST)
    link.close()


def test_answers_come_one_by_one() -> None:
    link = Link()
    link.theirs.sendall(line(Prepared(1, ("no",))) + line(Prepared(2)))
    until = time.monotonic() + 10
    assert [link.answer(1, until), link.answer(2, until)] == [Prepared(1, ("no",)), Prepared(2)]
    link.close()


def test_an_answer_that_came_too_late_is_not_taken_for_that_to_the_next_order() -> None:
    """Otherwise every later one would be one behind, and what a worker has refused would be applied by the others."""
    link = Link()
    assert link.answer(1, time.monotonic()) is None
    link.theirs.sendall(line(Prepared(1)) + line(Prepared(2, ("no",))))
    assert link.answer(2, time.monotonic() + 10) == Prepared(2, ("no",))
    link.close()


def test_that_a_worker_serves_is_heard_before_its_answers_and_after_its_end() -> None:
    for ended in (False, True):
        link = Link()
        link.look()
        assert not link.served
        link.theirs.sendall(line(Serving()) + line(Prepared(1, ("no",))))
        if ended:
            link.theirs.close()
        link.look()
        assert link.served
        assert link.answer(1, time.monotonic()) == Prepared(1, ("no",))
        link.close()
    link = Link()
    link.theirs.sendall(line(Serving()) + line(Prepared(1)))
    assert link.answer(1, time.monotonic()) == Prepared(1)
    assert link.served
    link.close()


def test_a_worker_that_is_silent_or_gone_has_no_answer() -> None:
    link = Link()
    assert link.answer(1, time.monotonic()) is None
    link.theirs.shutdown(socket.SHUT_RDWR)
    link.theirs.close()
    assert link.answer(1, time.monotonic() + 10) is None
    assert not link.send(Prepare(FILES, 1), 10)
    link.close()


def test_an_order_that_was_half_sent_is_whole_before_the_next_one() -> None:
    """A line that is torn would be the worker's last: no configuration would be reloaded any more."""
    link = Link()
    large = Prepare({"librechat.yaml": Source(b"a" * 8_000_000)}, 1)
    assert not link.send(large, 0.0)
    heard = bytearray()
    reading = threading.Thread(target=lambda: read_to(link.theirs, heard, 2))
    reading.start()
    assert link.send(Commit(LAST), 30)
    reading.join()
    assert [order_of(bytes(text)) for text in heard.splitlines()] == [large, Commit(LAST)]
    link.close()


def test_the_rest_of_an_order_goes_out_as_soon_as_it_is_read() -> None:
    link = Link()
    large = Prepare({"librechat.yaml": Source(b"a" * 8_000_000)}, 1)
    assert not link.send(large, 0.0)
    heard = bytearray()
    reading = threading.Thread(target=lambda: read_to(link.theirs, heard, 1))
    reading.start()
    while reading.is_alive():
        link.look()
    assert order_of(bytes(heard)) == large
    link.close()


def test_an_order_that_has_no_room_is_not_sent_later() -> None:
    link = Link()
    large = Prepare({"librechat.yaml": Source(b"a" * 8_000_000)}, 1)
    assert not link.send(large, 0.0)
    assert not link.send(Commit(LAST), 0.0)
    heard = bytearray()
    reading = threading.Thread(target=lambda: read_to(link.theirs, heard, 2))
    reading.start()
    assert link.send(Abort(LAST), 30)
    reading.join()
    assert [order_of(bytes(text)) for text in heard.splitlines()] == [large, Abort(LAST)]
    link.close()


def read_to(sock: socket.socket, heard: bytearray, lines: int) -> None:
    """Until so many have come."""
    while heard.count(b"\n") < lines and (part := sock.recv(65536)):
        heard += part


def test_whoever_watches_hears_of_the_last_reload_and_of_further_ones() -> None:
    heard: list[Reload] = []
    reloads = Reloads.of({})
    reloads.tell(LAST)
    reloads.watch("meter", heard.append)
    refused = Reload(LAST.revision, ok=False, at=2.0, why=("it is no YAML",))
    reloads.tell(refused)
    assert heard == [LAST, refused]
    assert LAST.warning is None
    assert "0123456789ab still serves" in (refused.warning or "")

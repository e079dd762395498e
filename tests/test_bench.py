"""What the benchmark's figures rest on: framing taken off wherever reads end, and verdicts."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

BENCH = Path(__file__).parent.parent / "contrib" / "bench"


@pytest.fixture(autouse=True)
def _no_names_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its modules have short names, which are theirs for a test only."""
    monkeypatch.syspath_prepend(str(BENCH))
    for file in BENCH.glob("*.py"):
        monkeypatch.delitem(sys.modules, file.stem, raising=False)


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"bench_{name}", BENCH / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_chunks_are_taken_off_wherever_reads_end() -> None:
    client = load("client")
    framed = b"5\r\nhello\r\n1\r\n \r\nb\r\nworld 1@22@\r\n0\r\n\r\n"
    for first in range(len(framed)):
        for second in range(first, len(framed)):
            chunks = client.Chunks()
            parts = [chunks.feed(part) for part in (framed[:first], framed[first:second], framed[second:])]
            assert b"".join(data for _, data in parts) == b"hello world 1@22@", (first, second)
            assert any(over for over, _ in parts)


def test_a_body_that_is_only_counted_ends_wherever_reads_end() -> None:
    client = load("client")
    framed = b"5\r\nhello\r\n0\r\n\r\n"
    for first in range(1, len(framed)):
        whole = client.Whole()
        assert not whole.feed(framed[:first])[0]
        assert whole.feed(framed[first:])[0]


@pytest.mark.parametrize(
    ("nginx", "least", "reached"),
    [(100.0, True, True), (300.0, True, False), (100.0, False, False), (300.0, False, True), (None, True, None)],
)
def test_a_line_is_reached_missed_or_not_judged(nginx: float | None, least: bool, reached: bool | None) -> None:
    lines = load("lines")
    figures = {"bare": {"x, /s": 40.0}, "gateway": {"x, /s": 50.0}} | ({"nginx": {"x, /s": nginx}} if nginx else {})
    line = lines.against("what", figures, "x, /s", "nginx", "of nginx", 0.25, least)
    assert line.reached is reached
    assert line.value == 50.0 / (nginx or 40.0)
    assert ("bare" in line.unit) == (nginx is None), "it says what it was compared with"


def test_a_slope_is_told_with_the_noise_around_it() -> None:
    memory = load("memory")
    slope, noise = memory.trend([(float(at), 60 + 0.01 * at + (0.1 if at % 2 else -0.1)) for at in range(100)])
    assert slope == pytest.approx(0.01, abs=0.001)
    assert noise == pytest.approx(0.2, abs=0.01)


def test_connections_are_counted_to_the_process_that_has_them() -> None:
    import os
    import socket

    accounting = load("accounting")
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        accepted, _ = server.accept()
        with accepted:
            port = str(client.getsockname()[1])
            assert accounting.shares([os.getpid()], {port: 7, "1": 5}) == {os.getpid(): 7}


def _events(words: list[str], calls: int) -> list[dict[str, object]]:
    done = {"type": "response.output_item.done", "item": {"type": "mcp_call", "output": "42"}}
    said: list[dict[str, object]] = [{"type": "response.output_text.delta", "delta": word} for word in words]
    events = [*said, *[done] * calls, {"type": "response.completed"}]
    return [{**event, "sequence_number": number} for number, event in enumerate(events)]


def test_what_a_run_loses_is_counted() -> None:
    runs, wire = load("runs"), load("wire")
    words = [word for turn in range(3) for word in wire.turn_words("7", turn)]
    whole = _events(words, 2)

    def wrong(events: list[dict[str, object]]) -> dict[str, int]:
        run = runs.Run(7, 3)
        run.pieces += [b"data: %b\n\n" % json.dumps(event).encode() for event in events]
        run.took = 1.0
        return {kind: int(times) for kind, times in run.wrong().items() if times}

    assert wrong(whole) == {}
    assert wrong(_events(words[1:], 2)) == {"lost": 1, "disordered": 1}
    assert wrong(_events(words, 1)) == {"calls lost": 1}
    assert wrong([*whole[1:2], *whole[:1], *whole[2:]]) == {"disordered": 1}
    assert wrong(whole[:-1]) == {"unfinished": 1}
    assert runs.Run(7, 3).wrong() == {"unfinished": 1}


def test_the_guard_judges_by_what_was_recorded() -> None:
    guard = load("guard")
    recorded = json.loads((BENCH / "guard.json").read_text())
    assert set(recorded) == {"ratio", "date", "machine"}
    assert guard.judged(recorded["ratio"] * 1.39, recorded, recorded["ratio"] * guard.WORSE) == 0
    assert guard.judged(recorded["ratio"] * 1.41, recorded, recorded["ratio"] * guard.WORSE) == 1

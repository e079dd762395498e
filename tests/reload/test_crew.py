"""What the supervisor does with a configuration, and with workers that do not answer."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from gateway.cli.context import Context
from gateway.reload import crew
from gateway.reload.crew import Crew
from gateway.reload.orders import Link


def test_a_gateway_that_is_to_stop_waits_for_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be killed with its requests while it waits, where whoever starts it has less patience."""
    monkeypatch.setattr(crew, "PATIENCE", 3600.0)
    file = tmp_path / "librechat.yaml"
    file.write_text("version: 1.3.17\n")
    stopping = threading.Event()
    context, link = Context(file, {}), Link(stopping.is_set)
    own = Crew(context, {0: link}, stopping.is_set)
    file.write_text("version: 1.3.17\ngateway: {workers: 1}\n")

    def worker() -> None:
        """Has the order, answers never; meanwhile the signal comes."""
        while not link.theirs.recv(65536).endswith(b"\n"):
            pass
        stopping.set()

    listening = threading.Thread(target=worker)
    listening.start()
    own.reload()
    listening.join()
    assert own.serving is context
    assert own.last.ok
    link.close()

"""Golden exchanges: one case, one file."""

from __future__ import annotations

from pathlib import Path

import pytest
from gateway_dialect_ollama.client import OllamaClient
from gateway_dialect_ollama.server import OllamaServer

from gateway.testing import golden, installed


@pytest.mark.parametrize("path", golden.files(__file__), ids=lambda path: path.stem)
def test_golden_exchange(path: Path) -> None:
    servers = [*installed.servers(), OllamaServer()]
    clients = [*installed.clients(), OllamaClient()]
    try:
        golden.run_case(golden.load(path), servers, clients)
    except golden.NotInstalled as missing:
        pytest.skip(str(missing))

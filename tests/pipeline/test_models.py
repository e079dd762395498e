"""One model that is asked about: by the path, or by a body."""

from __future__ import annotations

from typing import Any

import pytest

from gateway import Operation
from gateway.testing.toy import ToyServer

SHOW = Operation("models", "POST", "/show")


@pytest.fixture
async def running(start: Any, at: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(ToyServer, "operations", (*ToyServer.operations, SHOW))
    return await start(at("http://127.0.0.1:9", models=("m", "n")))


async def answered(running: Any, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    async with running.client.request(method, running.url + path, json=body) as response:
        return response.status, await response.json()


async def test_without_a_name_all_are_listed(running: Any) -> None:
    assert await answered(running, "GET", "/v1/toys") == (200, ["far/m", "far/n"])


async def test_a_paths_id_names_one(running: Any) -> None:
    assert await answered(running, "GET", "/v1/toys/far/n") == (200, ["far/n"])


async def test_a_body_names_one(running: Any) -> None:
    assert await answered(running, "POST", "/v1/show", {"model": "far/n", "text": ""}) == (200, ["far/n"])


async def test_one_that_is_not_there_is_not_found(running: Any) -> None:
    status, said = await answered(running, "POST", "/v1/show", {"model": "near/n", "text": ""})
    assert (status, said["error"]["code"]) == (404, "model_not_found")

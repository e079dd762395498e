"""What the gateway's routes tell of a run once it is over: its records, and its state."""

from __future__ import annotations

import time
from typing import Any

Json = dict[str, Any]


def records(caller: Any, exchange: str, children: int) -> tuple[Json, list[Json]]:
    """The record of a run and those of its turns, oldest first, once they are there."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        page = caller.get("/api/admin/usage/records?limit=100").json["data"]
        own = [one for one in page if one["id"] == exchange]
        turns = [one for one in page if one.get("parent") == exchange]
        if own and len(turns) >= children:
            return own[0], sorted(turns, key=lambda one: str(one["id"]))
        time.sleep(0.05)
    raise AssertionError(f"no records of {exchange}: {page}")


def run_of(caller: Any, name: str, *states: str) -> Json:
    """What is told of a run, once its state is one of these."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        came = caller.get(f"/api/runs/{name}")
        if came.status == 200 and came.json["state"] in states:
            found: Json = came.json
            return found
        time.sleep(0.05)
    raise AssertionError(f"{name} is not {states}: {came.status} {came.body!r}")

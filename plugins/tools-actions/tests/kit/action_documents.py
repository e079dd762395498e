"""Documents with one operation, `it`, and what came of calling it."""

from __future__ import annotations

from typing import Any

from gateway import Asker, Principal, ToolOutcome

ADA = Asker(Principal(user_id="u1", name="Ada"))


def api(*operations: tuple[str, str, dict[str, Any]], **more: Any) -> dict[str, Any]:
    """A document with these: method, path and what else is said of it."""
    paths: dict[str, Any] = {}
    for method, path, said in operations:
        paths.setdefault(path, {})[method] = {"operationId": "it", **said}
    return {"openapi": "3.1.0", "info": {"title": "T", "version": "1"}, "paths": paths, **more}


def takes(name: str, place: str = "query", **more: Any) -> dict[str, Any]:
    """A parameter that is a text."""
    return {"name": name, "in": place, "schema": {"type": "string"}, **more}


def sends(schema: dict[str, Any], kind: str = "application/json", **more: Any) -> dict[str, Any]:
    return {"requestBody": {"content": {kind: {"schema": schema}}, **more}}


def text(outcome: ToolOutcome) -> str:
    [block] = outcome.blocks
    return block.text

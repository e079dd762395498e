"""Calls of the routes of admins, and what they tell."""

from __future__ import annotations

import json
import secrets
from typing import Any

Json = dict[str, Any]


class Admin:
    """With the operator's key."""

    def __init__(self, caller: Any) -> None:
        self._caller = caller

    def send(self, method: str, path: str, body: Any = None, status: int = 200, **headers: str) -> Any:
        raw = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        came = self._caller.send(method, f"/api/admin{path}", raw, **headers)
        assert came.status == status, (came.status, came.body)
        assert came.headers["content-type"] == "application/json"
        return came.json

    def get(self, path: str) -> Any:
        return self.send("GET", path)

    def wrong(self, method: str, path: str, body: Any = None, status: int = 400, **headers: str) -> tuple[str, str]:
        """Where it is, and what."""
        error = self.send(method, path, body, status, **headers)["error"]
        assert error.keys() == {"message", "type", "param", "code"}
        return error["param"], error["message"]

    def user(self, **more: Any) -> Json:
        made: Json = self.send("POST", "/users", {"name": f"user-{secrets.token_hex(6)}", **more}, 201)
        return made

    def key(self, **more: Any) -> Json:
        made: Json = self.send("POST", "/keys", more, 201)
        return made

    def all(self, path: str, limit: int) -> list[Json]:
        """Page by page."""
        found: list[Json] = []
        cursor: str | None = ""
        while cursor is not None:
            page = self.get(f"{path}{'&' if '?' in path else '?'}limit={limit}&cursor={cursor}")
            assert page.keys() >= {"data", "next_cursor"}
            assert len(page["data"]) <= limit
            found, cursor = found + page["data"], page["next_cursor"]
        return found

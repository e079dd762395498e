"""A client of LettaBot's API, which has no SDK: its JSON, and its events."""

from __future__ import annotations

import http.client
import json
from typing import Any

from conversing import QUESTION, Finish, Heard

from gateway import sse

Json = dict[str, Any]
PATH = "/api/v1/chat"
FINISHES: dict[str, Finish] = {"stop": "stop", "length": "length", "tool_calls": "calls"}


class Refused(Exception):
    """status: of HTTP, or of a stream's end where it is 200."""

    def __init__(self, status: int, told: Any) -> None:
        super().__init__(str(told))
        self.status_code = status


class LettaBot:
    def __init__(self, url: str, key: str) -> None:
        self._connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=20)
        self._key = key

    def began(self) -> str:
        return QUESTION

    def reply(self, model: str, message: str, streamed: bool) -> list[Json]:
        """The events of a stream, or the one JSON. Raises Refused."""
        accept = "text/event-stream" if streamed else "application/json"
        headers = {"x-api-key": self._key, "content-type": "application/json", "accept": accept}
        self._connection.request("POST", PATH, json.dumps({"agent": model, "message": message}), headers)
        came = self._connection.getresponse()
        body = self._read(came)
        found = [json.loads(data) for event in sse.events(body) if (data := sse.data(event))] if streamed else []
        if came.status != 200:
            raise Refused(came.status, body)
        found = found or [json.loads(body)]
        if not found[-1]["success"]:
            raise Refused(came.status, found[-1])
        return found

    def _read(self, came: http.client.HTTPResponse) -> bytes:
        """What there is, where it is cut."""
        try:
            return came.read()
        except http.client.IncompleteRead as cut:
            self._connection.close()
            return cut.partial

    def heard(self, reply: list[Json]) -> Heard:
        last = reply[-1]
        said = [event["content"] for event in reply if event.get("type") == "assistant"] or [last.get("response", "")]
        thoughts = "".join(event["content"] for event in reply if event.get("type") == "reasoning")
        return Heard(
            "".join(said),
            thoughts,
            [],
            FINISHES.get(last.get("stopReason", ""), "other"),
            last["usage"]["completionTokens"],
        )

    def close(self) -> None:
        self._connection.close()

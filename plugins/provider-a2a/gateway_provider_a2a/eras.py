"""How 1.0 and 0.3 write the same: methods, roles, parts, members.

Source: A2A 1.0, section 9 "JSON-RPC"; 0.3, section 7.
"""

from __future__ import annotations

from msgspec import Struct

from gateway.wire import jsontext
from gateway.wire.jsontext import Members

from .card import Era

MODES = ("text/plain", "text/markdown", "application/json", "image/png", "image/jpeg")
"""What an agent is told that its caller reads."""


class Attached(Struct, frozen=True):
    """A file of a message: `url`, or `data` in base64."""

    data: str | None = None
    url: str | None = None
    media_type: str | None = None
    name: str | None = None


class Words(Struct, frozen=True):
    """One era's. headers: with every request."""

    send: str
    stream: str
    get: str
    cancel: str
    headers: dict[str, str]


WORDS: dict[Era, Words] = {
    "1.0": Words("SendMessage", "SendStreamingMessage", "GetTask", "CancelTask", {"a2a-version": "1.0"}),
    "0.3": Words("message/send", "message/stream", "tasks/get", "tasks/cancel", {}),
}


def part(era: Era, piece: str | Attached) -> Members:
    """Text, or a file."""
    if isinstance(piece, str):
        return {"text": piece} if era == "1.0" else {"kind": "text", "text": piece}
    if era == "1.0":
        return jsontext.given(
            {"raw": piece.data, "url": piece.url, "mediaType": piece.media_type, "filename": piece.name}
        )
    file = {"bytes": piece.data, "uri": piece.url, "mimeType": piece.media_type, "name": piece.name}
    return {"kind": "file", "file": jsontext.given({**file})}


def message(era: Era, identity: str, parts: list[Members], context: str | None, task: str | None) -> Members:
    said: Members = {"messageId": identity, "parts": parts, "contextId": context, "taskId": task}
    if era == "1.0":
        said["role"] = "ROLE_USER"
    else:
        said |= {"kind": "message", "role": "user"}
    return jsontext.given(said)


def asking(era: Era, said: Members, tenant: str) -> Members:
    """The parameters of a question. It is answered once the task has ended or waits for its caller."""
    configuration: Members = {"acceptedOutputModes": MODES}
    if era == "0.3":
        configuration["blocking"] = True
    return _with_tenant({"message": said, "configuration": configuration}, tenant)


def about(task: str, tenant: str) -> Members:
    return _with_tenant({"id": task}, tenant)


def _with_tenant(members: Members, tenant: str) -> Members:
    return {**members, "tenant": tenant} if tenant else members

"""What an agent tells: tasks, messages and updates, of both eras in one shape.

1.0 wraps each in a member of its name, and its states and roles are enums; 0.3 has `kind`, and lower case.
"""

from __future__ import annotations

from msgspec import UNSET, Struct, UnsetType, field

from gateway.wire.shapes import Shape

ENDED = frozenset(("completed", "failed", "canceled", "rejected"))
WAITING = frozenset(("input-required", "auth-required"))


class FileContent(Struct, rename="camel"):
    bytes: str | None = None
    uri: str | None = None
    mime_type: str | None = None
    name: str | None = None


class Part(Struct, rename="camel"):
    """file: of 0.3. raw, url, media_type, filename: of 1.0. data: any JSON."""

    text: str | None = None
    data: object | UnsetType = UNSET
    file: FileContent | None = None
    raw: str | None = None
    url: str | None = None
    media_type: str | None = None
    filename: str | None = None


class Message(Struct, rename="camel"):
    role: str = ""
    parts: list[Part] = []
    context_id: str | None = None
    task_id: str | None = None


class Status(Struct):
    state: str = ""
    message: Message | None = None

    @property
    def word(self) -> str:
        """`TASK_STATE_INPUT_REQUIRED` as 0.3 has it: `input-required`."""
        word = self.state.removeprefix("TASK_STATE_").lower().replace("_", "-")
        return "canceled" if word == "cancelled" else word


class Artifact(Struct, rename="camel"):
    artifact_id: str = ""
    name: str | None = None
    parts: list[Part] = []


class Task(Struct, rename="camel"):
    id: str = ""
    context_id: str | None = None
    status: Status = field(default_factory=Status)
    artifacts: list[Artifact] | None = None
    history: list[Message] | None = None


class Update(Struct, rename="camel"):
    """Of a task's status, or of an artifact."""

    task_id: str = ""
    context_id: str | None = None
    status: Status | None = None
    artifact: Artifact | None = None
    append: bool = False


class Result(Struct, rename="camel"):
    """All members of all of them; which there are tells what it is."""

    task: Task | None = None
    message: Message | None = None
    status_update: Update | None = None
    artifact_update: Update | None = None
    kind: str = ""
    id: str = ""
    task_id: str = ""
    context_id: str | None = None
    status: Status | None = None
    artifacts: list[Artifact] | None = None
    history: list[Message] | None = None
    artifact: Artifact | None = None
    append: bool = False
    role: str = ""
    parts: list[Part] = []

    def told(self) -> Told | None:
        """None for what no version knows."""
        wrapped = self.task or self.message or self.status_update or self.artifact_update
        if wrapped is not None:
            return wrapped
        if self.kind in ("status-update", "artifact-update"):
            return Update(self.task_id, self.context_id, self.status, self.artifact, self.append)
        if self.kind == "message" or (not self.kind and self.role and self.parts):
            return Message(self.role, self.parts, self.context_id, self.task_id or None)
        if self.kind == "task" or (not self.kind and self.id and self.status is not None):
            return Task(self.id, self.context_id, self.status or Status(), self.artifacts, self.history)
        return None


Told = Task | Message | Update


class Reply(Struct):
    """A JSON-RPC response."""

    result: Result | None = None
    error: object = None


REPLY = Shape(Reply, "an answer of A2A")

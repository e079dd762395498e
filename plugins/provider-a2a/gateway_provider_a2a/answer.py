"""Answer: what an agent tells, as events.

The words of a reply are in artifacts, in a message, or in the message of the status that a task ends or waits with;
what a task says while it works is its thoughts. An artifact that is told again goes on where it was told up to.
"""

from __future__ import annotations

from msgspec import UNSET

from gateway import BlockDelta, BlockStart, BlockStop, Event, Finished, Image, Reasoning, Started, Text, UpstreamBroken
from gateway.wire import jsontext
from gateway.wire.losses import Loss

from . import failures
from .conversation import Thread
from .told import ENDED, WAITING, Artifact, Message, Part, Task, Told, Update

MOST_ARTIFACTS = 1000
Kind = type[Text] | type[Reasoning]


class Answer:
    """thread: as far as it is known. state: of its task, "" without one. done: nothing more is awaited."""

    def __init__(self, model: str) -> None:
        self.thread = Thread()
        self.state = ""
        self.done = False
        self.loss = Loss()
        self._model = model
        self._began = False
        self._spoke = False
        self._next = 0
        self._kind: Kind | None = None
        self._in = ""
        self._texts: dict[str, list[str]] = {}
        self._seen: dict[str, int] = {}

    @property
    def runs(self) -> str | None:
        """The task that goes on, and is to be canceled where nobody waits for it."""
        return None if self.done or self.state in ENDED | WAITING else self.thread.task

    def take(self, told: Told, identity: str | None) -> list[Event]:
        """identity: of the reply, for its first event. Raises UpstreamError where the task was not done."""
        out: list[Event] = []
        if isinstance(told, Message):
            self._say_message(told, out)
            self.done = True
        elif isinstance(told, Task):
            for artifact in told.artifacts or ():
                self._artifact(artifact, False, out)
            self._status(told.status.word, told.status.message, out, told.history)
        else:
            self._update(told, out)
        if (out or self.state == "working") and not self._began:
            self._began = True
            out.insert(0, Started(identity, self._model))
        return out

    def note(self, told: Told) -> None:
        """Whose it is. An agent may not change that in the middle of a reply."""
        context, task = told.context_id, told.id if isinstance(told, Task) else told.task_id
        known = self.thread
        self.thread = Thread(known.context or context, known.task or task or None)

    def finish(self, identity: str | None) -> list[Event]:
        """What ends a reply, whose task waits or has ended well."""
        out: list[Event] = [] if self._began else [Started(identity, self._model)]
        self._close(out)
        detail = self.state if self.state in WAITING else None
        return [*out, Finished(0, "stop", detail)]

    def _update(self, update: Update, out: list[Event]) -> None:
        if update.artifact is not None:
            self._artifact(update.artifact, update.append, out)
        if update.status is not None:
            self._status(update.status.word, update.status.message, out, None)

    def _status(self, state: str, message: Message | None, out: list[Event], history: list[Message] | None) -> None:
        self.state = state
        if state in ("failed", "rejected", "canceled"):
            self.done = True
            raise failures.of_task(state, _words(message))
        if state in ENDED | WAITING:
            self.done = True
            self._last_words(message, history, out)
        elif message is not None and (words := _words(message)):
            self._say(Reasoning, "", words, out)

    def _last_words(self, message: Message | None, history: list[Message] | None, out: list[Event]) -> None:
        """Those of the status, where they are not what the artifacts have said; without either, the last in history."""
        if message is None and not self._spoke and history:
            message = next((one for one in reversed(history) if "agent" in one.role.lower()), None)
        if message is not None and _words(message) not in map("".join, self._texts.values()):
            self._say_message(message, out)

    def _say_message(self, message: Message, out: list[Event]) -> None:
        self._parts(message.parts, "message", out)

    def _artifact(self, artifact: Artifact, append: bool, out: list[Event]) -> None:
        """Not appended, it is told from its beginning: of what is known only what is new is said."""
        name = artifact.artifact_id
        if name not in self._texts:
            if len(self._texts) >= MOST_ARTIFACTS:
                raise UpstreamBroken("The agent sends more artifacts than can be told.")
            self._texts[name], self._seen[name] = [], 0
        if append:
            self._seen[name] += len(artifact.parts)
            self._parts(artifact.parts, name, out)
            return
        known, whole = "".join(self._texts[name]), "".join(_text(part) or "" for part in artifact.parts)
        if known and whole.startswith(known):
            others = [part for part in artifact.parts[self._seen[name] :] if _text(part) is None]
            self._parts([Part(text=whole[len(known) :]), *others], name, out)
        elif not known or whole != known:
            self._texts[name] = []
            self._close(out)
            self._parts(artifact.parts, name, out)
        self._seen[name] = len(artifact.parts)

    def _parts(self, parts: list[Part], name: str, out: list[Event]) -> None:
        for part in parts:
            text = _text(part)
            if text is not None:
                self._say(Text, name, text, out)
            elif (picture := _picture(part)) is not None:
                self._close(out)
                out += [BlockStart(0, self._next, picture), BlockStop(0, self._next)]
                self._next += 1
                self._spoke = True
            else:
                self.loss.add("artifacts.parts.file")

    def _say(self, kind: Kind, name: str, text: str, out: list[Event]) -> None:
        """Each artifact, and each message, is a block of its own."""
        if not text:
            return
        if self._kind is not kind or self._in != name:
            self._close(out)
            self._kind, self._in = kind, name
            out.append(BlockStart(0, self._next, kind()))
            self._next += 1
        if kind is Text:
            self._spoke = True
            self._texts.setdefault(name, []).append(text)
        out.append(BlockDelta(0, self._next - 1, text))

    def _close(self, out: list[Event]) -> None:
        if self._kind is not None:
            out.append(BlockStop(0, self._next - 1))
            self._kind = None


def _words(message: Message | None) -> str:
    return "".join(_text(part) or "" for part in message.parts) if message is not None else ""


def _text(part: Part) -> str | None:
    """Data is told as its JSON, a file elsewhere as a link; None for a file that is here, and for a picture."""
    if part.text is not None:
        return part.text
    if part.data is not UNSET:
        return jsontext.encode(part.data).decode("utf-8", "replace")
    url, kind, name = _linked(part)
    if url and not kind.startswith("image/"):
        return f"[{name or url}]({url})"
    return None


def _picture(part: Part) -> Image | None:
    url, kind, _ = _linked(part)
    raw = part.raw or (part.file.bytes if part.file else None)
    if not kind.startswith("image/"):
        return None
    return Image(data=raw, media_type=kind) if raw else Image(url=url) if url else None


def _linked(part: Part) -> tuple[str, str, str]:
    """URL, media type, name; of the web alone, since clients show what they are given."""
    file = part.file
    url = part.url or (file.uri if file else None) or ""
    kind = part.media_type or (file.mime_type if file else None) or ""
    name = part.filename or (file.name if file else None) or ""
    return url if url.startswith(("https://", "http://")) else "", kind, name

"""Answer: a run's events as a reply's."""

from __future__ import annotations

from gateway import (
    BlockDelta,
    BlockStart,
    BlockStop,
    Event,
    Finished,
    Principal,
    Reason,
    Started,
    Text,
    ToolCall,
    UpstreamBroken,
    UpstreamRefused,
    Usage,
)
from gateway.wire import jsontext, refusals
from gateway.wire.losses import Loss

from . import steps
from .tickets import Tickets, Waiting
from .told import TOLD, Call, Told

_REASONS: dict[str, Reason] = {
    "max_completion_tokens": "length",
    "max_prompt_tokens": "context_length",
    "content_filter": "content_filter",
}
DONE = "done"


class Answer:
    """thread, run: as far as they are known. waits: for outputs of tools. done: nothing more is awaited. server: the
    label of tools that ran there.
    """

    def __init__(self, model: str, tickets: Tickets, principal: Principal, server: str = "") -> None:
        self.thread: str | None = None
        self.run: str | None = None
        self.waits = self.done = False
        self.loss = Loss()
        self._model, self._tickets, self._principal = model, tickets, principal
        self._server = server
        self._began = False
        self._open = False
        self._next = 0
        self._end: Finished | None = None

    def take(self, name: str, payload: bytes) -> list[Event]:
        """One event. Raises UpstreamError where the run failed."""
        if name in ("", DONE):
            return []
        if name == "error":
            raise refusals.in_band(refusals.said(jsontext.anything(payload)))
        out: list[Event] = []
        if name in steps.OVER:
            self._ran(payload, out)
            return self._begun(out)
        told = TOLD.read(payload)
        self._note(name, told)
        if name == "thread.message.delta" and told.delta is not None:
            self._say(told, out)
        elif name == "thread.message.completed":
            self._close(out)
        elif name.startswith("thread.run.") and not name.startswith("thread.run.step."):
            self._run(name.removeprefix("thread.run."), told, out)
        return self._begun(out)

    def _begun(self, out: list[Event]) -> list[Event]:
        if out and not self._began:
            self._began = True
            identity = self._tickets.reply(self.thread, self._principal) if self.thread else None
            out.insert(0, Started(identity, self._model))
        return out

    def finish(self) -> list[Event]:
        """Raises UpstreamBroken where the stream ended before the run."""
        if self._end is None:
            raise UpstreamBroken("The assistant's reply ended before it was complete.")
        out: list[Event] = [] if self._began else [Started(None, self._model)]
        self._close(out)
        return [*out, self._end]

    def _note(self, name: str, told: Told) -> None:
        if name == "thread.created":
            self.thread = self.thread or told.id
        elif told.thread_id:
            self.thread = self.thread or told.thread_id
        if name.startswith("thread.run.") and not name.startswith("thread.run.step."):
            self.run = told.id or self.run

    def _run(self, state: str, told: Told, out: list[Event]) -> None:
        if told.usage is not None and (told.usage.prompt_tokens or told.usage.completion_tokens):
            out.append(Usage(input=told.usage.prompt_tokens, output=told.usage.completion_tokens))
        if state == "completed":
            self._ended(Finished(0, "stop"))
        elif state == "requires_action":
            action = told.required_action and told.required_action.submit_tool_outputs
            for call in action.tool_calls if action else ():
                self._call(call, told, out)
            self.waits = True
            self._ended(Finished(0, "tool_calls"))
        elif state == "incomplete":
            word = told.incomplete_details.reason if told.incomplete_details else None
            self._ended(Finished(0, _REASONS.get(word or "", "length"), word))
        elif state in ("failed", "expired", "cancelled"):
            self.done = True
            self._fail(state, told)

    def _fail(self, state: str, told: Told) -> None:
        code = told.last_error.code if told.last_error else None
        words = (told.last_error and told.last_error.message) or f"The assistant's run ended as {state}."
        if code == "rate_limit_exceeded":
            raise UpstreamRefused(words, 429, code=code)
        raise UpstreamBroken(words, code=code or f"run_{state}")

    def _ended(self, end: Finished) -> None:
        self.done, self._end = True, end

    def _say(self, told: Told, out: list[Event]) -> None:
        assert told.delta is not None
        for part in told.delta.content or ():
            if part.text is None:
                self.loss.add(f"message.content[type={part.type}]")
                continue
            if part.text.annotations:
                self.loss.add("message.content.annotations")
            if part.text.value:
                if not self._open:
                    out.append(BlockStart(0, self._next, Text()))
                    self._open = True
                out.append(BlockDelta(0, self._next, part.text.value))

    def _call(self, call: Call, told: Told, out: list[Event]) -> None:
        self._close(out)
        function = call.function
        if function is None or self.thread is None:
            return
        name = self._tickets.call(Waiting(call.id, self.thread, told.id), self._principal)
        out += [
            BlockStart(0, self._next, ToolCall(name, function.name)),
            BlockDelta(0, self._next, function.arguments),
            BlockStop(0, self._next),
        ]
        self._next += 1

    def _ran(self, payload: bytes, out: list[Event]) -> None:
        for pair in steps.ran(payload, self._server, self.loss):
            self._close(out)
            for block in pair:
                out += [BlockStart(0, self._next, block), BlockStop(0, self._next)]
                self._next += 1

    def _close(self, out: list[Event]) -> None:
        if self._open:
            out.append(BlockStop(0, self._next))
            self._next += 1
            self._open = False

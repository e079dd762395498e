"""AssistantsServer: runs as clients of OpenAI's own API start them, at /v1/threads; all else is in `routes.py`.

A run is waited for: a client that does not stream is given it once it has ended, or waits for outputs of tools.
Source: OpenAI API reference, "Assistants", version 2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Raw, Struct

from gateway import (
    MOUNT,
    BadCall,
    BlockStart,
    Call,
    Encoder,
    Envelope,
    Event,
    Framing,
    GatewayError,
    Inbound,
    Model,
    Opaque,
    Operation,
    ServerDialect,
    Unsupported,
)
from gateway.wire import jsontext

NAME = "openai-assistants"
START, GO_ON = "/threads/runs", "/threads/{thread_id}/runs"
SUBMIT = "/threads/{thread_id}/runs/{run_id}/submit_tool_outputs"
_ASSISTANT = re.compile(r"(?:[A-Za-z]{1,40}/)?asst_[A-Za-z0-9_-]{1,80}")
_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
_SUBMITTED = "assistants-run"
_TYPES = {402: "insufficient_quota", 403: "permission_error", 429: "rate_limit_error"}


class _Outline(Struct):
    assistant_id: str = ""
    stream: bool | None = None
    max_completion_tokens: int | None = None


class AssistantsServer(ServerDialect):
    name = NAME
    operations = tuple(
        Operation("media", "POST", path, mounts=(MOUNT,), summary=summary)
        for path, summary in (
            (START, "Make a thread and run an assistant on it"),
            (GO_ON, "Run an assistant on a thread"),
            (SUBMIT, "Go on with a run that waits for outputs of tools"),
        )
    )

    def peek(self, inbound: Inbound) -> Envelope:
        try:
            found = msgspec.json.decode(inbound.body, type=_Outline)
        except (msgspec.MsgspecError, UnicodeError) as error:
            raise BadCall(f"The body is no run of an assistant: {error}") from error
        model = found.assistant_id
        if inbound.operation.path == SUBMIT:
            model = f"{_SUBMITTED}:{ident(inbound, 'thread_id')}:{ident(inbound, 'run_id')}"
        elif not _ASSISTANT.fullmatch(model):
            raise BadCall("`assistant_id` is no assistant's.", param="assistant_id")
        return Envelope(model=model, stream=bool(found.stream), max_output=found.max_completion_tokens)

    def decode(self, inbound: Inbound) -> Call:
        """What runs it reads the body itself."""
        return Call(model="", dialect=NAME)

    def encoder(self, call: Call, inbound: Inbound, framing: Framing) -> Encoder:
        return RunEncoder(framing)

    def encode_error(self, error: GatewayError, inbound: Inbound) -> bytes:
        return told(error)

    def encode_models(self, models: Sequence[Model], inbound: Inbound) -> bytes:
        raise Unsupported("Models are listed by the chat API.")


class RunEncoder(Encoder):
    """The upstream's own events, as they came; whole, the run as it was last."""

    def __init__(self, framing: Framing) -> None:
        self.loss = []
        self._streams = framing == "sse"
        self.content_type = "text/event-stream" if self._streams else "application/json"
        self._run: Raw | None = None

    def encode(self, event: Event) -> bytes:
        """Other blocks are counted, and not told twice."""
        if not isinstance(event, BlockStart) or not isinstance(event.block, Opaque):
            return b""
        name, payload = event.block.form, event.block.payload
        if name.startswith("thread.run.") and not name.startswith("thread.run.step."):
            self._run = payload
        return b"event: " + name.encode() + b"\ndata: " + bytes(payload) + b"\n\n" if self._streams else b""

    def fail(self, error: GatewayError) -> bytes:
        return b"event: error\ndata: " + jsontext.one_line(told(error)) + b"\n\n" if self._streams else b""

    def finish(self) -> bytes:
        return b"event: done\ndata: [DONE]\n\n" if self._streams else bytes(self._run or Raw(b"{}"))


def told(error: GatewayError) -> bytes:
    """In OpenAI's envelope."""
    kind = "server_error" if error.status >= 500 else _TYPES.get(error.status, "invalid_request_error")
    return jsontext.encode({"error": {"message": error.public, "type": kind, "param": error.param, "code": error.code}})


def submitted(model: str) -> tuple[str, str] | None:
    """Thread and run that outputs of tools are for; None for the name of an assistant."""
    kind, _, rest = model.partition(":")
    thread, _, run = rest.partition(":")
    return (thread, run) if kind == _SUBMITTED else None


def ident(inbound: Inbound, name: str) -> str:
    """An id out of the path. Raises BadCall for what is none."""
    found = inbound.params.get(name, "")
    if not _ID.fullmatch(found):
        raise BadCall(f"This is no id: {found[:100]!r}.", param=name)
    return found


def members_of(body: bytes) -> Mapping[str, object]:
    """Raises BadCall."""
    try:
        return msgspec.json.decode(body or b"{}", type=dict[str, object])
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise BadCall("The body is no JSON object.") from error


FILES = frozenset(("file_id", "file_ids", "vector_store_ids", "vector_stores", "attachments"))
OVERRIDES = ("model", "instructions", "tools", "tool_choice", "response_format")


def without_files(value: object, place: str = "") -> None:
    """Nobody can upload files here, so that each that is named is somebody else's. Raises BadCall."""
    waiting: list[tuple[str, object]] = [(place, value)]
    while waiting:
        where, one = waiting.pop()
        if isinstance(one, dict):
            for name, inner in one.items():
                if name in FILES and inner:
                    raise BadCall("Files and vector stores are not served here.", param=f"{where}{name}")
                waiting.append((f"{where}{name}.", inner))
        elif isinstance(one, list):
            waiting += [(where, inner) for inner in one]

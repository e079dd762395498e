"""What the App Server says, to events: Responses, with what ran there among its items."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar

import msgspec
from msgspec import Struct

from gateway import Event, Failed, Finished, Started, UpstreamBroken, Usage

from .blocks import Blocks
from .server import Reader, decoded

CUT = "The Letta server ended its reply before it was complete."


class Piece(Struct):
    text: str = ""


class Item(Struct):
    id: str = ""
    type: str = ""
    call_id: str = ""
    name: str = ""
    output: list[Piece] | str = ""
    status: str = ""


class Details(Struct):
    reasoning_tokens: int | None = None


class Counts(Struct):
    input_tokens: int = 0
    output_tokens: int = 0
    output_tokens_details: Details | None = None


class Wrong(Struct):
    message: str = ""


class Response(Struct):
    id: str | None = None
    model: str | None = None
    created_at: float | None = None
    usage: Counts | None = None
    error: Wrong | None = None


class Frame(Struct):
    type: str = ""
    item_id: str = ""
    delta: str = ""
    arguments: str = ""
    item: Item | None = None
    response: Response | None = None
    error: Wrong | None = None
    message: str = ""


_FRAME = msgspec.json.Decoder(Frame)


class AnswerReader(Reader):
    """It starts once there is something to say: what fails before can be asked of another, and has a status."""

    def __init__(self) -> None:
        self._blocks = Blocks()
        self._response = Response()
        self._started = False
        self._calls: dict[str, str] = {}
        self._argued: set[str] = set()

    def read(self, payload: bytes, name: bytes) -> Iterator[Event]:
        frame = decoded(_FRAME, payload) if payload != b"[DONE]" else Frame()
        if read := self.READERS.get(frame.type):
            for event in read(self, frame):
                yield from self._begun(event)

    def finish(self) -> Iterator[Event]:
        self.ended = True
        yield from self._fail(CUT)

    def _begun(self, event: Event) -> Iterator[Event]:
        if not self._started:
            if isinstance(event, Failed):
                raise event.error
            self._started = True
            made = self._response.created_at
            yield Started(self._response.id, self._response.model, None if made is None else int(made))
        yield event

    def _fail(self, words: str) -> Iterator[Event]:
        self.ended = True
        yield from self._begun(Failed(UpstreamBroken(words or "The Letta agent's turn failed.")))

    def _created(self, frame: Frame) -> Iterator[Event]:
        self._response = frame.response or self._response
        yield from ()

    def _text(self, frame: Frame) -> Iterator[Event]:
        yield from self._blocks.text(frame.item_id, frame.delta)

    def _thought(self, frame: Frame) -> Iterator[Event]:
        yield from self._blocks.thought(frame.item_id, frame.delta, summary=True)

    def _added(self, frame: Frame) -> Iterator[Event]:
        item = frame.item or Item()
        if item.type == "function_call":
            self._calls[item.id] = item.call_id
            yield from self._blocks.call(item.call_id, item.name, "")
        elif item.type == "function_call_output":
            output = item.output if isinstance(item.output, str) else "".join(part.text for part in item.output)
            yield from self._blocks.result(item.call_id, output, item.status == "incomplete")

    def _arguments(self, frame: Frame) -> Iterator[Event]:
        if call := self._calls.get(frame.item_id):
            self._argued.add(call)
            yield from self._blocks.call(call, "", frame.delta)

    def _argued_whole(self, frame: Frame) -> Iterator[Event]:
        """All at once, where there were no pieces."""
        call = self._calls.get(frame.item_id)
        if call and call not in self._argued:
            yield from self._blocks.call(call, "", frame.arguments)

    def _completed(self, frame: Frame) -> Iterator[Event]:
        yield from self._blocks.close()
        if (usage := counted(frame.response)) is not None:
            yield usage
        yield Finished()
        self.ended = True

    def _failed(self, frame: Frame) -> Iterator[Event]:
        yield from self._blocks.close()
        if (usage := counted(frame.response)) is not None and self._started:
            yield usage
        wrong = frame.error or (frame.response.error if frame.response is not None else None)
        yield from self._fail(wrong.message if wrong is not None else frame.message)

    READERS: ClassVar[dict[str, Read]] = {
        "response.created": _created,
        "response.output_text.delta": _text,
        "response.reasoning_summary_text.delta": _thought,
        "response.output_item.added": _added,
        "response.function_call_arguments.delta": _arguments,
        "response.function_call_arguments.done": _argued_whole,
        "response.completed": _completed,
        "response.failed": _failed,
        "error": _failed,
    }


Read = Callable[[AnswerReader, Frame], Iterator[Event]]


def counted(response: Response | None) -> Usage | None:
    """Nothing but zeros means that the agent's own upstream told nothing."""
    counts = response.usage if response is not None else None
    if counts is None or not (counts.input_tokens or counts.output_tokens):
        return None
    details = counts.output_tokens_details or Details()
    return Usage(counts.input_tokens, output=counts.output_tokens, reasoning=details.reasoning_tokens)

"""What the model said, read along on its way to the client, and kept before the client reads the end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import msgspec
from msgspec import Raw

from gateway import Sink, sse

from ..approvals import REQUESTS

END = b"[DONE]"
Said = Callable[["Message"], Awaitable[None]]


class Function(msgspec.Struct, omit_defaults=True):
    name: str = ""
    arguments: str = ""


class Called(msgspec.Struct, omit_defaults=True):
    """A tool call, or a piece of one."""

    index: int | None = None
    id: str = ""
    type: str = ""
    function: Function = msgspec.field(default_factory=Function)


class Message(msgspec.Struct, omit_defaults=True):
    role: str = ""
    content: str | None = None
    tool_calls: list[Called] | None = None
    gateway_approval_requests: list[Raw] | None = None

    def written(self) -> bytes:
        """As the model is told it again."""
        out: dict[str, object] = {"role": "assistant", "content": self.content}
        if self.tool_calls:
            out["tool_calls"] = [
                {"id": one.id, "type": one.type or "function", "function": msgspec.structs.asdict(one.function)}
                for one in self.tool_calls
            ]
        if self.gateway_approval_requests:
            out[REQUESTS] = self.gateway_approval_requests
        return msgspec.json.encode(out)


class _Choice(msgspec.Struct):
    index: int = 0
    message: Message | None = None
    delta: Message | None = None


class _Reply(msgspec.Struct):
    choices: list[_Choice] = []
    error: Raw = Raw(b"null")


_REPLY = msgspec.json.Decoder(_Reply)


class HearingSink(Sink):
    """said: is told the whole message of a reply that ended well."""

    def __init__(self, sink: Sink, said: Said) -> None:
        self._sink = sink
        self._said = said
        self._message = Message()
        self._calls: dict[int, Called] = {}
        self._held = b""
        self._failed = False

    @property
    def began(self) -> bool:  # type: ignore[override]
        return self._sink.began

    async def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        if status == 200:
            self._hear(body)
            await self._tell()
        await self._sink.whole(status, headers, body)

    async def begin(self, status: int, headers: Mapping[str, str]) -> None:
        await self._sink.begin(status, headers)

    def put(self, data: bytes) -> bool:
        for event in sse.events(data):
            self._hear(sse.data(event))
        if self._held or END in data:
            self._held += data
            return True
        return self._sink.put(data)

    async def room(self) -> None:
        await self._sink.room()

    async def end(self) -> None:
        await self._tell()
        if self._held:
            self._sink.put(self._held)
        await self._sink.end()

    def abort(self) -> None:
        if self._held:
            self._sink.put(self._held)
        self._sink.abort()

    def _hear(self, payload: bytes) -> None:
        try:
            reply = _REPLY.decode(payload)
        except msgspec.MsgspecError:
            return
        self._failed = self._failed or bytes(reply.error) != b"null"
        for choice in reply.choices:
            piece = choice.message or choice.delta
            if piece is not None and choice.index == 0:
                self._add(piece)

    def _add(self, piece: Message) -> None:
        if piece.content:
            self._message.content = (self._message.content or "") + piece.content
        if asked := piece.gateway_approval_requests:
            self._message.gateway_approval_requests = [*(self._message.gateway_approval_requests or ()), *asked]
        for n, call in enumerate(piece.tool_calls or ()):
            whole = self._calls.setdefault(n if call.index is None else call.index, Called())
            whole.id, whole.type = whole.id or call.id, whole.type or call.type
            whole.function.name = whole.function.name or call.function.name
            whole.function.arguments += call.function.arguments

    async def _tell(self) -> None:
        self._message.tool_calls = [self._calls[index] for index in sorted(self._calls)]
        said = self._message
        if not self._failed and (said.content or said.tool_calls or said.gateway_approval_requests):
            await self._said(said)

"""A client without a dialect, for commands that call endpoints: it asks in canonical form and hears events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..call import Call
from ..dialect import Encoder, Framing, ServerDialect
from ..errors import GatewayError
from ..events import BlockDelta, Event
from ..inbound import MOUNT, Envelope, Inbound, Operation
from ..pipeline.sink import Sink
from ..provider import Model

_OPERATION = Operation("generate", "POST", "")


class Heard(Encoder):
    """text: what the model said. error: what the upstream failed with in mid-reply."""

    content_type = "application/json"

    def __init__(self) -> None:
        self.loss = []
        self.text = ""
        self.error: GatewayError | None = None

    def encode(self, event: Event) -> bytes:
        if isinstance(event, BlockDelta):
            self.text += event.text
        return b""

    def fail(self, error: GatewayError) -> bytes:
        self.error = error
        return b""

    def finish(self) -> bytes:
        return b""


class Canonical(ServerDialect):
    """One call. heard: its reply."""

    name = "canonical"
    operations = ()

    def __init__(self, call: Call) -> None:
        self._call = call
        self.heard = Heard()

    def inbound(self) -> Inbound:
        async def nothing() -> bytes:
            return b""

        return Inbound(_OPERATION, MOUNT, {}, {}, {}, "127.0.0.1", nothing)

    def peek(self, inbound: Inbound) -> Envelope:
        return Envelope(self._call.model, self._call.stream, self._call.limits.max_output)

    def decode(self, inbound: Inbound) -> Call:
        return self._call

    def encoder(self, call: Call, inbound: Inbound, framing: Framing) -> Encoder:
        return self.heard

    def encode_error(self, error: GatewayError, inbound: Inbound) -> bytes:
        return b""

    def encode_models(self, models: Sequence[Model], inbound: Inbound) -> bytes:
        return b""


class Nowhere(Sink):
    """The bytes of a client that heard the events."""

    async def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None: ...

    async def begin(self, status: int, headers: Mapping[str, str]) -> None: ...

    def put(self, data: bytes) -> bool:
        return True

    async def end(self) -> None: ...

    def abort(self) -> None: ...

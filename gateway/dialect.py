"""ServerDialect, ClientDialect and what they work with: Encoder, Decoder, Tap, Encoded, Edit.

Everything here is sans-IO: bytes and events, no `async`, no clock, no logging. An object of a dialect serves all
requests at once; an Encoder, Decoder or Tap serves one reply.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import msgspec
from msgspec import Raw

from .allowance import Allowance, ratelimit_headers
from .call import Call
from .errors import GatewayError, Unsupported, UpstreamBroken, UpstreamError, UpstreamRefused
from .events import Event
from .inbound import Credential, Envelope, Inbound, Operation
from .secret import Secret
from .usage import Usage

if TYPE_CHECKING:
    from .provider import Model, Target

Framing = Literal["sse", "lines", "json", "array", "messages"]
Parameter = Literal[
    "temperature",
    "top_p",
    "top_k",
    "frequency_penalty",
    "presence_penalty",
    "seed",
    "stop",
    "logit_bias",
    "max_output_tokens",
    "reasoning_effort",
    "reasoning_summary",
    "reasoning_budget",
    "verbosity",
    "parallel_tool_calls",
    "service_tier",
    "user",
]
"""Names that mean the same in every dialect; each ClientDialect knows its own member for them, or reports loss."""


class Edit(msgspec.Struct, frozen=True):
    """What a route changes in a call.

    model: the upstream's name for the model. instructions: put before the client's own. defaults: parameters for where
    the client says nothing, as JSON. locked: those of them that win over the client. set: upstream members, set
    whatever the client said. drop: upstream members taken out at the end. usage: ask the upstream to report usage
    where it does so only when asked.
    """

    model: str
    instructions: str | None = None
    defaults: Mapping[Parameter, Raw] = {}
    locked: frozenset[Parameter] = frozenset()
    set: Mapping[str, Raw] = {}
    drop: frozenset[str] = frozenset()
    usage: bool = True


class Encoded(msgspec.Struct, frozen=True):
    """A call as the upstream gets it. path: below the provider's base URL, as `/chat/completions`.

    loss: what had no place in it, as paths of the client's own members (`stop`). What is in messages is named by where
    it stands in the Call (`messages[2].content[0]`, `system[0]`): one message may hold several of a client's items.
    usage_asked: usage is reported only because we asked, so the client must not see it. text_bytes: of input that can
    be estimated in tokens; None for all of the body.
    """

    path: str
    body: bytes
    query: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    loss: tuple[str, ...] = ()
    usage_asked: bool = False
    text_bytes: int | None = None


class Intake(ABC):
    """Reads a request's body along, where bodies are too large to be held: forms with files.

    enough: all that `peek` must know is there; the rest may go upstream as it arrives, unless the route may try another
    target. text_bytes: what can be estimated in tokens of what has come. Later members that would change what `peek`
    said before are refused by `feed`, since the upstream cannot have seen the end of a body that is not fed.
    """

    enough: bool = False
    text_bytes: int = 0

    @abstractmethod
    def feed(self, data: bytes) -> None:
        """Raises BadCall."""

    @abstractmethod
    def finish(self) -> None:
        """At the body's end. Raises BadCall where it is not whole."""


class Encoder(ABC):
    """Events to the client's bytes, for one reply.

    Framing `json` gives nothing until `finish`; the others give bytes as events come, in pieces that a client can read:
    `sse` whole events, `lines` whole lines. `loss` grows by what a reply held that had no place.
    """

    content_type: str
    loss: list[str]

    @abstractmethod
    def encode(self, event: Event) -> bytes: ...

    def idle(self) -> bytes:
        """Keeps a silent connection open: a ping, a comment, or nothing where clients fail on it."""
        return b""

    @abstractmethod
    def fail(self, error: GatewayError) -> bytes:
        """Tell the client in-band; the last bytes of the reply."""

    @abstractmethod
    def finish(self) -> bytes:
        """After the last event. The whole body for `json`, otherwise what ends a stream."""


class Decoder(ABC):
    """The upstream's bytes to events, for one reply; survives any split of the bytes.

    loss: what the reply held so far that has no place in events, as paths of the upstream's own members.
    """

    loss: Sequence[str] = ()

    @abstractmethod
    def feed(self, data: bytes) -> Iterable[Event]: ...

    @abstractmethod
    def finish(self) -> Iterable[Event]:
        """At the upstream's end. A reply that was cut ends with `Failed(UpstreamBroken)`."""


class Tap(ABC):
    """Reads along while bytes pass through unchanged; gives whole events only.

    usage: cumulative, None until reported. response_id, model: as the upstream named them. complete: a proper end was
    seen. failed: the upstream reported an error in-band (its bytes pass all the same). output_bytes: bytes of model
    output seen, the ground for an estimate when no usage comes.
    """

    usage: Usage | None = None
    response_id: str | None = None
    model: str | None = None
    complete: bool = False
    failed: UpstreamError | None = None
    output_bytes: int = 0
    translates: ClassVar[bool] = False
    """Whether bytes come out otherwise than they went in."""

    @abstractmethod
    def feed(self, data: bytes) -> bytes: ...

    @abstractmethod
    def fail(self, error: GatewayError) -> bytes:
        """The connection upstream was lost: what to tell the client in-band, after whole events."""

    @abstractmethod
    def finish(self) -> bytes:
        """At the upstream's end: what was held back. `complete` says whether the reply was whole."""


class ServerDialect(ABC):
    """What clients speak to us."""

    name: ClassVar[str]
    operations: ClassVar[tuple[Operation, ...]]
    reply_headers: ClassVar[frozenset[str]] = frozenset()
    """The upstream's headers, lower-case, that its clients get on passthrough."""
    bare_base: ClassVar[bool] = False
    """Whether its clients' base URL ends before a mount's last part (`/v1`), which they put there themselves."""

    def claims(self, inbound: Inbound) -> bool:
        """Whether a request on a path that several dialects serve is this one's. Headers and query only."""
        return True

    def credential(self, inbound: Inbound) -> Credential | None:
        return bearer_or_header(inbound, "x-api-key")

    def wanted(self, inbound: Inbound) -> str | None:
        """The one model that a `models` operation asks about, as a directory names it; None for the list."""
        return inbound.params.get("id")

    def intake(self, inbound: Inbound) -> Intake | None:
        """What reads the body along as it arrives; None where it is read whole. Headers and query only.

        With one, `peek` and the ClientDialect's `edit` are given the beginning as `body`, and what was read of it as
        `inbound.intake`; `peek` is asked once more when all has arrived.
        """
        return None

    @abstractmethod
    def peek(self, inbound: Inbound) -> Envelope:
        """Raises BadCall where the body is not JSON of the dialect's outline."""

    @abstractmethod
    def decode(self, inbound: Inbound) -> Call:
        """Raises BadCall with the path of what is wrong."""

    @abstractmethod
    def encoder(self, call: Call, inbound: Inbound, framing: Framing) -> Encoder: ...

    @abstractmethod
    def encode_error(self, error: GatewayError, inbound: Inbound) -> bytes:
        """The JSON envelope that the dialect's SDKs map to their exception classes."""

    @abstractmethod
    def encode_models(self, models: Sequence[Model], inbound: Inbound) -> bytes:
        """The list; or, where the operation's path names one model, that one alone."""

    def allowance_headers(self, allowances: Sequence[Allowance]) -> Mapping[str, str]:
        """What limits leave to the caller, one of a kind, as the dialect's SDKs read it; names are lower-case."""
        return ratelimit_headers(allowances)

    def turn(self, message: bytes) -> tuple[Operation, bytes]:
        """What a message on a socket asks: which operation, and with which body. Raises BadCall."""
        raise Unsupported(f"{self.name} has no messages.")

    def lane(self, message: bytes) -> str:
        """Of messages on a socket that are answered one after the other; those in others are answered meanwhile. ""
        where the client names none. Raises BadCall.
        """
        return ""

    def in_lane(self, message: bytes, lane: str) -> bytes:
        """A message to the client that says which lane it belongs to."""
        return message

    def failed(self, message: bytes, lane: str, memory: dict[str, Any]) -> None:
        """The turn that this message asked for did not end well; `memory` is what the connection remembers."""
        return

    def as_message(self, status: int, body: bytes) -> bytes:
        """A whole reply, an error among them, as the one message that it is on a socket; events are messages as they
        are.
        """
        raise Unsupported(f"{self.name} has no messages.")

    def encode_count(self, tokens: int, inbound: Inbound) -> bytes:
        """The reply to a `count` operation: how many input tokens a call would have."""
        raise Unsupported(f"{self.name} does not count tokens.")


class ClientDialect(ABC):
    """What we speak to upstreams."""

    name: ClassVar[str]

    @abstractmethod
    def encode(self, call: Call, target: Target) -> Encoded:
        """A call in canonical form, the Edit's instructions, defaults and locks already in it."""

    @abstractmethod
    def edit(self, inbound: Inbound, edit: Edit, target: Target) -> Encoded:
        """Passthrough: members keep their order and untouched values their bytes; duplicate members collapse."""

    @abstractmethod
    def decoder(self, target: Target, stream: bool) -> Decoder: ...

    @abstractmethod
    def tap(self, target: Target, stream: bool, encoded: Encoded, inbound: Inbound) -> Tap:
        """Knows from `encoded` and `inbound` what to keep from the client: usage we asked for, our instructions."""

    @abstractmethod
    def decode_error(self, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamRefused: ...

    def streams(self, media_type: str, encoded: Encoded) -> bool:
        """Whether a reply of this content type is a stream of events; such replies go out as they come."""
        return media_type == "text/event-stream"

    def counts(self, target: Target) -> bool:
        """Whether a `count` in this very dialect may be passed on to it; else it is estimated."""
        return True

    def encode_count(self, call: Call, target: Target) -> Encoded | None:
        """The request that counts a call's input tokens; None where the upstream cannot count."""
        return None

    def decode_count(self, body: bytes) -> int:
        """Its answer. Raises UpstreamBroken where it has no count."""
        raise UpstreamBroken("The upstream does not count tokens.")

    def reply_loss(self, call: Call) -> tuple[str, ...]:
        """What a reply of this dialect is known not to carry that the call asks for (`logprobs`)."""
        return ()


def bearer_or_header(inbound: Inbound, header: str) -> Credential | None:
    """`Authorization: Bearer` first, then the named header."""
    authorization = inbound.headers.get("authorization", "")
    if authorization[:7].lower() == "bearer " and (token := authorization[7:].strip()):
        return Credential("bearer", Secret(token))
    if token := inbound.headers.get(header, "").strip():
        return Credential("header", Secret(token))
    return None

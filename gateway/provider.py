"""Provider, HttpProvider, EventProvider, and what goes to them and comes back: Target, Outgoing, Reply, Upstream."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

import msgspec
from msgspec import Raw

from .call import Call
from .dialect import Encoded
from .errors import UpstreamRefused
from .events import Event, Idle
from .inbound import Principal
from .secret import Secret

if TYPE_CHECKING:
    from .pipeline.exchange import Attempt, Exchange
    from .pipeline.resolve import Route
    from .settings import Finding

Trust = Literal["operator", "user"]
Take = Callable[[bytes], bool]
Sending = Callable[[], None]
"""Called when an upstream is reached, just before the request is written; again where a pooled connection was stale."""
"""Takes the next bytes; whether more may come at once."""


class LongPrices(msgspec.Struct, frozen=True, omit_defaults=True):
    """USD per million tokens of a call that reads more than `above`, for all of them; None where they do not differ."""

    above: int
    input: float | None = None
    output: float | None = None
    cache_read: float | None = None
    cache_write_5m: float | None = None
    cache_write_1h: float | None = None


class Prices(msgspec.Struct, frozen=True, omit_defaults=True):
    """USD per million tokens; None where it is not known. source: where the figures are from, and of when.

    long: where long calls have prices of their own.
    """

    input: float | None = None
    output: float | None = None
    cache_read: float | None = None
    cache_write_5m: float | None = None
    cache_write_1h: float | None = None
    source: str = ""
    long: LongPrices | None = None


class ModelFacts(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of a model. context, max_output: tokens. abilities: `vision`, `tools`, `streaming`, …"""

    context: int | None = None
    max_output: int | None = None
    abilities: tuple[str, ...] = ()
    prices: Prices | None = None
    source: str = ""


class Model(msgspec.Struct, frozen=True, omit_defaults=True):
    """A model or agent that a caller may name. id: what to write as `model`. created: epoch seconds.

    author, provider: of an agent, whose it is (a user's id) and the endpoint that answers; "" where there is none.
    """

    id: str
    name: str = ""
    description: str = ""
    owner: str = ""
    created: int = 0
    agent: bool = False
    facts: ModelFacts | None = None
    author: str = ""
    provider: str = ""


class Quirks(msgspec.Struct, frozen=True):
    """How an upstream departs from its dialect; data, never code.

    stream_options: it knows that member (usage is asked for by it). max_completion_tokens: it knows the newer name.
    developer_role: it knows that role; `system` goes otherwise. refused: members it refuses; they are left out and
    reported. reasoning_format: effort as `reasoning_effort`, as `reasoning: {effort}`, or not at all. reasoning_key:
    the member in which earlier thoughts are sent back, None where they are not. keeps_responses: it keeps replies
    unless told not to, and takes their ids for what was said before.
    """

    stream_options: bool = True
    max_completion_tokens: bool = True
    developer_role: bool = True
    refused: frozenset[str] = frozenset()
    reasoning_format: Literal["effort", "object", "none"] = "effort"
    reasoning_key: str | None = None
    keeps_responses: bool = False


class Timeouts(msgspec.Struct, frozen=True):
    """Seconds. connect: to have a connection. first_byte: until the status line. idle: between two reads."""

    connect: float = 10.0
    first_byte: float = 600.0
    idle: float = 120.0


class Provider(ABC):
    """One configured endpoint. endpoint: its name, unique, as in `endpoint/model`.

    unavailable: why it cannot be called now, in words for the operator; such an endpoint answers 503 with it.
    open: it takes names that `models` does not list. kind: LibreChat's name for this kind of endpoint, as `custom`.
    user_provides: what its callers bring themselves, as `apiKey` and `baseURL`; see `UserKey`. user_key_names: what
    else LibreChat's own client calls these where it stores them, as `{"THEIR_API_KEY": "apiKey"}`. continues: it goes
    on from ids of its own (`previous_response_id`), and only for the caller whose they are.
    """

    runs: ClassVar[bool] = False
    """Whether it is an EventProvider; for each call that is asked, and `isinstance` takes long for abstract classes."""
    endpoint: str
    dialects: tuple[str, ...]
    unavailable: str | None = None
    open: bool = False
    kind: str = ""
    user_provides: tuple[str, ...] = ()
    user_key_names: Mapping[str, str] = {}
    continues: ClassVar[bool] = False

    async def models(self) -> Sequence[str]:
        """The upstream's names of its models, as far as known."""
        return ()

    async def models_for(self, principal: Principal) -> Sequence[str]:
        """The same for one caller, where the upstream shows each its own."""
        return await self.models()

    def target(self, model: str) -> Target:
        """The same for the same name: it is asked once and kept."""
        return Target(provider=self, endpoint=self.endpoint, model=model, state_domain=self.endpoint)

    def findings(self) -> Sequence[Finding]:
        """What the operator should know about this endpoint's settings. Asked once every endpoint is registered."""
        return ()

    def facts(self, model: str) -> ModelFacts | None:
        """What the operator's settings say of a model (`tokenConfig`); what they leave out, the catalogue may know."""
        return None

    def missing(self, key: UserKey) -> Sequence[str]:
        """What of `user_provides` a caller has still to bring; override it where some can do instead of others."""
        return [name for name in self.user_provides if not key.text(name)]

    def shown(self) -> Mapping[str, object]:
        """Members beside `order` and `userProvide` in LibreChat's list of endpoints, as `modelDisplayLabel`."""
        return {}


class Target(msgspec.Struct, frozen=True):
    """One concrete place where a call may go.

    model: the upstream's name. set, drop: members of the upstream's own dialect (LibreChat's addParams, dropParams).
    state_domain: whose opaque state it reads. trust: who named its URL; a user's may not be in a private network.
    """

    provider: Provider
    endpoint: str
    model: str
    quirks: Quirks = Quirks()
    set: Mapping[str, Raw] = {}
    drop: frozenset[str] = frozenset()
    trust: Trust = "operator"
    state_domain: str = ""
    timeouts: Timeouts | None = None


class UserKey(msgspec.Struct, frozen=True):
    """What a caller brought for an endpoint of `user_provided` keys, by LibreChat's names (`apiKey`, `baseURL`, …)."""

    values: Mapping[str, Secret]

    def text(self, name: str) -> str:
        """ "" where it is not there."""
        found = self.values.get(name)
        return found.reveal() if found is not None else ""


class Outgoing(msgspec.Struct, frozen=True):
    """One attempt's request, before it is sent. dialect: the ClientDialect it is written in.

    user_key: for providers whose `user_provides` says so.
    """

    exchange: Exchange
    attempt: Attempt
    target: Target
    dialect: str
    encoded: Encoded
    user_key: UserKey | None = None

    @property
    def trust(self) -> Trust:
        """A URL that a user named may not be in a private network."""
        brought = self.user_key is not None and bool(self.user_key.text("baseURL"))
        return "user" if brought else self.target.trust


class HttpProvider(Provider):
    """An address: where to send and what to prove there. Most providers override only `url` and `headers`."""

    def adapt(self, encoded: Encoded, target: Target) -> Encoded:
        """The request as this upstream wants it, where that is not quite its dialect's; `url` and `headers` see it."""
        return encoded

    @abstractmethod
    def url(self, outgoing: Outgoing) -> str: ...

    @abstractmethod
    async def headers(self, outgoing: Outgoing) -> Mapping[str, str]:
        """Credentials and the operator's own headers; content type and length are added by the upstream."""

    def refused(self, outgoing: Outgoing, error: UpstreamRefused) -> UpstreamRefused:
        """A refusal as it is told to this caller, where it is about more than the gateway's own credentials."""
        return error


class EventProvider(Provider):
    """A source of events instead of an address: agents with tools, echo. It speaks no dialect.

    delegates: all that it spends is spent by `Exchange.ask`. Its own attempt is not held for and costs nothing, and the
    state that a call brings along is for whom it asks. behind: where these go, as far as that is known before.
    """

    runs = True
    dialects: tuple[str, ...] = ()
    delegates: ClassVar[bool] = False
    behind: Sequence[Target] = ()

    def loss(self, call: Call, exchange: Exchange) -> Sequence[str]:
        """What of the call it has no use for, as paths of the client's own members; see `Encoded.loss`."""
        return ()

    async def opening(self, call: Call, exchange: Exchange) -> Opening | None:
        """What `run` would ask first, for whoever counts its tokens; None where nothing but the call is known. Raises
        what `run` raises before it.
        """
        return None

    @abstractmethod
    def run(self, call: Call, exchange: Exchange) -> AsyncIterator[Event | Idle]:
        """The reply. Its first event is awaited before status and headers go out; raise before it to refuse."""


class Opening(msgspec.Struct, frozen=True):
    """What a run asks first, as `Exchange.ask` takes it."""

    call: Call
    route: Route


class Reply(ABC):
    """An upstream's answer, its status and headers known, its body still to come."""

    status: int
    headers: Mapping[str, str]

    @property
    def media_type(self) -> str:
        """The content type without parameters, lower-case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @abstractmethod
    async def read(self, limit: int = 64 * 2**20) -> bytes:
        """The whole body. Raises UpstreamBroken where it is cut or larger than `limit` bytes."""

    def here(self) -> bytes | None:
        """The whole body where it has come already, as short ones do; it is taken then. None where it has not."""
        return None

    @abstractmethod
    async def chunk(self) -> bytes:
        """What has come, without waiting for more than the first byte; b"" at the end. Raises UpstreamError."""

    async def pour(self, take: Take) -> bool:
        """Hands what comes to `take`, in the turn of the loop in which it came, until that gives False or the body
        ends. Whether there may be more. Raises UpstreamError, and what `take` raises.
        """
        while data := await self.chunk():
            if not take(data):
                return True
        return False

    @abstractmethod
    def close(self) -> None:
        """Give the connection back if the body was read to its end, otherwise drop it. Any number of times."""


class Upstream(ABC):
    """All outgoing HTTP."""

    @abstractmethod
    async def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes = b"",
        *,
        trust: Trust = "operator",
        timeouts: Timeouts | None = None,
        sending: Sending | None = None,
    ) -> Reply:
        """Raises UpstreamUnreachable, UpstreamTimeout or UpstreamBroken. Error statuses are replies."""

    async def upload(
        self,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        rest: Rest,
        *,
        trust: Trust = "operator",
        timeouts: Timeouts | None = None,
        sending: Sending | None = None,
    ) -> Reply:
        """A POST of which only the beginning is here; raises what `rest` raises, too."""
        whole = body + b"".join([piece async for piece in rest.pieces])
        return await self.send("POST", url, headers, whole, trust=trust, timeouts=timeouts, sending=sending)


class Rest(msgspec.Struct, frozen=True):
    """What of a body is still to come. length: its bytes; None where nobody knows."""

    pieces: AsyncIterator[bytes]
    length: int | None = None

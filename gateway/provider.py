"""Provider, HttpProvider, EventProvider, and what goes to them and comes back: Target, Outgoing, Reply, Upstream."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec import Raw

from .call import Call
from .dialect import Encoded
from .events import Event

if TYPE_CHECKING:
    from .pipeline.exchange import Attempt, Exchange
    from .settings import Finding

Trust = Literal["operator", "user"]


class Model(msgspec.Struct, frozen=True, omit_defaults=True):
    """A model or agent that a caller may name. id: what to write as `model`. created: epoch seconds."""

    id: str
    name: str = ""
    description: str = ""
    owner: str = ""
    created: int = 0
    agent: bool = False


class Quirks(msgspec.Struct, frozen=True):
    """How an upstream departs from its dialect; data, never code.

    stream_options: it knows that member (usage is asked for by it). max_completion_tokens: it knows the newer name.
    """

    stream_options: bool = True
    max_completion_tokens: bool = True


class Timeouts(msgspec.Struct, frozen=True):
    """Seconds. connect: to have a connection. first_byte: until the status line. idle: between two reads."""

    connect: float = 10.0
    first_byte: float = 600.0
    idle: float = 120.0


class Provider(ABC):
    """One configured endpoint. endpoint: its name, unique, as in `endpoint/model`.

    unavailable: why it cannot be called now, in words for the operator; such an endpoint answers 503 with it.
    open: it takes names that `models` does not list.
    """

    endpoint: str
    dialects: tuple[str, ...]
    unavailable: str | None = None
    open: bool = False

    async def models(self) -> Sequence[str]:
        """The upstream's names of its models, as far as known."""
        return ()

    def target(self, model: str) -> Target:
        return Target(provider=self, endpoint=self.endpoint, model=model, state_domain=self.endpoint)

    def findings(self) -> Sequence[Finding]:
        """What the operator should know about this endpoint's settings. Asked once every endpoint is registered."""
        return ()


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


class Outgoing(msgspec.Struct, frozen=True):
    """One attempt's request, before it is sent. dialect: the ClientDialect it is written in."""

    exchange: Exchange
    attempt: Attempt
    target: Target
    dialect: str
    encoded: Encoded


class HttpProvider(Provider):
    """An address: where to send and what to prove there. Most providers override only these two."""

    @abstractmethod
    def url(self, outgoing: Outgoing) -> str: ...

    @abstractmethod
    async def headers(self, outgoing: Outgoing) -> Mapping[str, str]:
        """Credentials and the operator's own headers; content type and length are added by the upstream."""


class EventProvider(Provider):
    """A source of events instead of an address: agents with tools, echo. It speaks no dialect."""

    dialects: tuple[str, ...] = ()

    @abstractmethod
    def run(self, call: Call, exchange: Exchange) -> AsyncIterator[Event]:
        """The reply. Its first event is awaited before status and headers go out; raise before it to refuse."""


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

    @abstractmethod
    async def chunk(self) -> bytes:
        """What has come, without waiting for more than the first byte; b"" at the end. Raises UpstreamError."""

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
    ) -> Reply:
        """Raises UpstreamUnreachable, UpstreamTimeout or UpstreamBroken. Error statuses are replies."""

"""Exchange and Attempt: everything known about one request, and about each upstream try within it."""

from __future__ import annotations

import itertools
import math
import secrets
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..allowance import Allowance
from ..errors import (
    GatewayError,
    Refused,
    UpstreamBroken,
    UpstreamError,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from ..inbound import ANONYMOUS, Envelope, Inbound, Principal
from ..money.charge import Charge, Rule
from ..provider import Target
from ..steps import Steps
from ..store import Outcome
from ..usage import Usage

if TYPE_CHECKING:
    from ..call import Call
    from ..dialect import ServerDialect
    from ..events import Event, Idle
    from . import Pipeline
    from .permit import Lease
    from .resolve import Route


UNREAD = Envelope()
NOTHING = Usage()
_NUMBERS = itertools.count()
_PROCESS = secrets.token_hex(3)


def outcome_of(error: GatewayError) -> Outcome:
    """The word that records use for the end that an error makes."""
    if isinstance(error, UpstreamTimeout):
        return "timeout"
    if isinstance(error, UpstreamBroken):
        return "broken"
    if isinstance(error, UpstreamError):
        return "upstream_error"
    return "refused" if isinstance(error, Refused) else "fault"


def note_of(error: GatewayError) -> str:
    """What records keep of an error. An upstream's own words are left out: they may quote the call or our key."""
    name = type(error).__name__
    if isinstance(error, UpstreamRefused):
        return f"{name}: {error.upstream_status} {error.code or ''}".rstrip()
    return f"{name}: {error.code if isinstance(error, UpstreamError) else error.public}"


def mint(prefix: str) -> str:
    """A new id: the prefix and 24 hex digits, which sort by time and differ between processes. No secret."""
    return f"{prefix}_{time.time_ns() >> 8:014x}{next(_NUMBERS) & 0xFFFF:04x}{_PROCESS}"


def minted_here(name: str) -> bool:
    """Whether this process gave out an id: `mint` did, or a dialect made it of `Exchange.reply_id`."""
    return name.endswith(_PROCESS)


@dataclass(slots=True, eq=False)
class Attempt:
    """One upstream request, the unit of money.

    began: epoch seconds; started, ended: of the monotonic clock. sent: whether anything went upstream. family: the
    class of upstream error that metrics count. output_bytes: of model output, the ground for an estimate. credentials:
    the provider's headers, which nobody may read. allowances: what limits of its target leave to the caller.
    max_output: tokens that it may write at most, where a permission says so. passed: names of the soft budgets
    that it passed. rule: how it was settled. charge: what it came to, where a lease priced it. delegates: others
    are asked for it, by exchanges of their own, so that it costs nothing itself; its usage is theirs.
    """

    id: str
    target: Target
    dialect: str = ""
    began: float = field(default_factory=time.time)
    started: float = field(default_factory=time.monotonic)
    ended: float | None = None
    status: int = 0
    upstream_id: str = ""
    usage: Usage | None = None
    outcome: Outcome = "fault"
    error: str = ""
    family: str = ""
    sent: bool = False
    input_bytes: int = 0
    output_bytes: int = 0
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    leases: list[Lease] = field(default_factory=list)
    allowances: Sequence[Allowance] = ()
    max_output: int | None = None
    passed: tuple[str, ...] = ()
    rule: Rule = "free"
    charge: Charge | None = None
    delegates: bool = False

    def goes_out(self) -> None:
        """The upstream is reached, and what it is asked is about to be written to it."""
        self.sent = True

    def failed(self, error: GatewayError) -> None:
        """What ended it: the upstream's fault, or ours to ask it."""
        self.ended = time.monotonic()
        self.family = error.family if isinstance(error, UpstreamError) else ""
        self.sent = self.sent and not isinstance(error, UpstreamUnreachable)
        self.outcome = outcome_of(error)
        self.error = note_of(error)


@dataclass(slots=True, eq=False)
class Exchange:
    """One request. It begins when its headers are read and ends when it is settled.

    allowances: what limits leave to the caller; those of an attempt's target are with the attempt. pipeline: the one
    that it began with. parent: the exchange that asked, where no client did. deadline: of the monotonic clock, for all
    that is asked on its behalf. spent, cost: what its children used, and nano-USD that they came to. secrets: what they
    were sent and nobody may read. calls: of tools, by it and its children. named: what the reply is to be called,
    whatever its upstream calls it. detached: it goes on without its client, and is settled by whoever runs it.
    steps: what it can be taken up from, where that is kept. asks: whether it has asked others.
    memory: what lasts as long as the client's connection, where that is a socket; lane: the client's name for what
    follows one another there, "" for none.
    """

    inbound: Inbound
    dialect: ServerDialect
    id: str = field(default_factory=lambda: mint("ex"))
    began: float = field(default_factory=time.time)
    started: float = field(default_factory=time.monotonic)
    principal: Principal = ANONYMOUS
    envelope: Envelope = UNREAD
    route: Route | None = None
    attempts: list[Attempt] = field(default_factory=list)
    leases: list[Lease] = field(default_factory=list)
    loss: list[str] = field(default_factory=list)
    status: int = 0
    outcome: Outcome = "fault"
    error: str = ""
    first_byte: float | None = None
    request_id: str = ""
    allowances: Sequence[Allowance] = ()
    pipeline: Pipeline | None = field(default=None, repr=False)
    parent: Exchange | None = field(default=None, repr=False)
    deadline: float = math.inf
    spent: Usage = NOTHING
    cost: int = 0
    calls: int = 0
    secrets: Sequence[str] = field(default=(), repr=False)
    named: str = ""
    detached: bool = False
    steps: Steps | None = field(default=None, repr=False)
    asks: bool = False
    memory: dict[str, Any] | None = None
    lane: str = ""

    def ask(self, call: Call, way: str | Route) -> AsyncGenerator[Event | Idle, None]:
        """A call of our own, on the caller's behalf: permitted, held for, retried and recorded like any other.

        way: a name, which the caller must be allowed to use, or a route, which is up to whoever gives it. Raises
        GatewayError, before the first event or after; whoever stops early closes the iterator.
        """
        from .ask import ask

        return ask(self, call, way)

    async def find(self, name: str) -> Route:
        """Where a name leads that the caller may use. Raises UnknownModel, Forbidden, Unavailable."""
        from .ask import permitted

        return await permitted(self, name)

    @property
    def depth(self) -> int:
        """How many asked for one another before it."""
        return 0 if self.parent is None else self.parent.depth + 1

    @property
    def identity(self) -> dict[str, str]:
        """Headers of every reply, by which it is found again."""
        return {"X-Request-Id": self.request_id or self.id, "X-Gateway-Exchange": self.id}

    @property
    def reply_id(self) -> str:
        """What a reply is named after where the upstream gave it no id; dialects put their prefix before it."""
        return self.id.removeprefix("ex_")

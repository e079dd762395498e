"""Exchange and Attempt: everything known about one request, and about each upstream try within it."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..inbound import ANONYMOUS, Envelope, Inbound, Principal
from ..provider import Target
from ..store import Outcome
from ..usage import Usage

if TYPE_CHECKING:
    from ..dialect import ServerDialect
    from .permit import Lease
    from .resolve import Route


UNREAD = Envelope()


def mint(prefix: str) -> str:
    """A new id: the prefix and 24 hex digits."""
    return f"{prefix}_{secrets.token_hex(12)}"


@dataclass(slots=True, eq=False)
class Attempt:
    """One upstream request, the unit of money. started: of the monotonic clock. first_output: bytes of model output."""

    id: str
    target: Target
    dialect: str
    began: float = field(default_factory=time.time)
    started: float = field(default_factory=time.monotonic)
    ended: float | None = None
    status: int = 0
    upstream_id: str = ""
    usage: Usage | None = None
    outcome: Outcome = "fault"
    error: str = ""
    output_bytes: int = 0
    leases: list[Lease] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Exchange:
    """One request. It begins when its headers are read and ends when it is settled."""

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

"""`gateway.permission-limits`: how often, how much, and how much at a time callers may ask."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct, field

Subject = Literal["key", "user", "role", "agent", "endpoint", "target", "model", "ip", "operation"]
Whom = dict[Subject, tuple[str, ...]]
Count = Annotated[int, Meta(gt=0, le=10**12)]
Seconds = Annotated[float, Meta(gt=0, le=10 * 365 * 86400)]


class Limit(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One limit, of requests, tokens or concurrency, or of several of them.

    requests, tokens: how many in a window. window: its seconds. burst: the part of them that may be used at once.
    concurrency: requests that run at a time.
    per: what is counted apart, as `key` or `[user, model]`; without it all are counted together. `model` is the
    upstream's name of a model, wherever it is served; `target` is it at one endpoint, as `openAI/gpt-5.2`; `operation`
    is the path below the mount, as `/chat/completions`.
    only: names by subject; it is a limit for these alone. except: names by subject; it is none for these. Keys may be
    named by id or label, users by id or name, and `ip` takes networks.
    name: under which it is counted, where two limits differ in their numbers alone.
    """

    requests: Count | None = None
    tokens: Count | None = None
    concurrency: Count | None = None
    window: Seconds = 60.0
    burst: Annotated[float, Meta(gt=0, le=1)] = 1.0
    per: Subject | tuple[Subject, ...] = ()
    only: Whom = {}
    except_: Whom = field(default_factory=dict, name="except")
    name: str = ""

    def __post_init__(self) -> None:
        if self.requests is None and self.tokens is None and self.concurrency is None:
            raise ValueError("A limit needs one of requests, tokens and concurrency")
        for text in (*self.only.get("ip", ()), *self.except_.get("ip", ())):
            ipaddress.ip_network(text, strict=False)

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """What is counted apart, in one order however it is written."""
        per = (self.per,) if isinstance(self.per, str) else self.per
        return tuple(sorted(set(per)))

    @property
    def identity(self) -> bytes:
        """What it is counted under: its name, or all but its numbers, so that they may change while it counts."""
        if self.name:
            return self.name.encode()
        only, exempt = ({subject: sorted(names) for subject, names in one.items()} for one in (self.only, self.except_))
        return msgspec.json.encode([self.subjects, self.window, only, exempt], order="sorted")


class LimitSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """limits: all of them hold. lease: seconds after which a request that was cut off by the end of its process counts
    as running no more. assumed_output: tokens that are set aside for the reply to a call that names no maximum; what
    it comes to is known at its end. callers: how many may be counted apart at a time, on one machine.
    librechat_messages: LibreChat's own variables for its web client's messages (LIMIT_MESSAGE_USER, MESSAGE_USER_MAX,
    LIMIT_CONCURRENT_MESSAGES, …) are limits here, too.
    """

    limits: tuple[Limit, ...] = ()
    lease: Annotated[float, Meta(ge=0.4, le=3600)] = 30.0
    assumed_output: Annotated[int, Meta(ge=0)] = 1000
    callers: Annotated[int, Meta(ge=1024, le=2**24)] = 65536
    librechat_messages: bool = False

    def __post_init__(self) -> None:
        for first, second in _alike(self.limits):
            raise ValueError(f"limits[{first}] and limits[{second}] would count as one; give them a `name` each")


def _alike(limits: tuple[Limit, ...]) -> Iterator[tuple[int, int]]:
    seen: dict[bytes, int] = {}
    for number, limit in enumerate(limits):
        if limit.identity in seen:
            yield seen[limit.identity], number
        seen[limit.identity] = number

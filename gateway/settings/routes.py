"""`gateway.routes`, `retries`, `context_overflow`, `fidelity`: where else a call may go, how often, in what shape."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

Given = Annotated[str, Meta(min_length=1)]
Positive = Annotated[float, Meta(gt=0)]
Share = Annotated[float, Meta(ge=0, le=1)]
Tries = Annotated[int, Meta(ge=0, le=10)]
Level = Literal["report", "strict"]
OnFault = Literal[429, "429", "5xx", "timeout", "connect", "context_overflow", "credentials"]
ALL_FAULTS: tuple[OnFault, ...] = (429, "5xx", "timeout", "connect", "context_overflow", "credentials")


class Allow(Struct, frozen=True, forbid_unknown_fields=True):
    """Who may call, besides admins.

    roles: names of roles. users: ids or names of users. keys: ids of keys, or labels that the operator
    gave them.
    """

    roles: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()


class Backoff(Struct, frozen=True, forbid_unknown_fields=True):
    """Seconds between two tries of one target: a random part of `first`, then of twice as much, and so on.

    first: of the first retry, at most. most: of any retry.
    """

    first: Positive = 0.25
    most: Positive = 8.0


class BreakerRule(Struct, frozen=True, forbid_unknown_fields=True):
    """When a target is left alone, and for how long; one call then tries it before the others may.

    failures: so many in a row. ratio: or this part of the calls of `window` seconds, of at least `calls`.
    cooldown: seconds, doubled each time that the trying call fails too.
    longest: seconds at most, those of a `retry-after` included.
    """

    failures: Annotated[int, Meta(ge=1)] = 5
    ratio: Annotated[float, Meta(gt=0, le=1)] = 0.5
    calls: Annotated[int, Meta(ge=1)] = 20
    window: Positive = 30.0
    cooldown: Positive = 10.0
    longest: Positive = 300.0


class TargetSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """model: as `endpoint/model`. weight: its part of the calls under `strategy: weighted`; 0 is for failures only."""

    model: Given
    weight: Annotated[float, Meta(ge=0)] = 1.0


class RouteSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A model of the operator's own that stands for others, which answer for each other.

    name: what callers write as `model`; it counts before an endpoint's model of that name.
    description: for the list of models. targets: who answers.
    strategy: `ordered` asks the first target that can be asked; `weighted` draws lots for each call.
    on: failures after which another try is made: 429; 5xx; timeout; connect (unreachable, or lost before an answer);
    context_overflow (the call is too long for the model); credentials (our key was refused, or has no credit left).
    retries: further tries of the same target, within `gateway.retries.share`. backoff: the wait between them.
    patience: seconds that a `retry-after` is waited for; a longer one means the next target.
    timeout: seconds until something answers, all tries together. first_byte: seconds that one target may take to it,
    instead of `gateway.timeouts.first_byte`. breaker: when a target is left alone; null for never.
    fidelity: `strict` takes no target that would lose part of the call. allow: who may call it, besides admins and
    those of `gateway.models.allow`.
    """

    name: Given
    targets: Annotated[tuple[TargetSettings, ...], Meta(min_length=1)]
    description: str = ""
    strategy: Literal["ordered", "weighted"] = "ordered"
    on: tuple[OnFault, ...] = ALL_FAULTS
    retries: Tries = 1
    backoff: Backoff = Backoff()
    patience: Annotated[float, Meta(ge=0)] = 2.0
    timeout: Positive | None = None
    first_byte: Positive | None = None
    breaker: BreakerRule | None = BreakerRule()
    fidelity: Level | None = None
    allow: Allow = Allow()


class Retries(Struct, frozen=True, forbid_unknown_fields=True):
    """Further tries of the same target.

    most: for models and agents outside of routes; none by default, since SDKs try again by themselves. on: failures
    after which one is made, as in routes. backoff: the wait between them. patience: seconds that a `retry-after` is
    waited for. share: retries of a process at most, routes included, as a part of its calls, so that an outage is not
    made worse. burst: retries that may come before that counts.
    """

    most: Tries = 0
    on: tuple[OnFault, ...] = (429, "5xx", "timeout", "connect")
    backoff: Backoff = Backoff()
    patience: Annotated[float, Meta(ge=0)] = 2.0
    share: Share = 0.2
    burst: Annotated[int, Meta(ge=0)] = 10


class OverflowWords(Struct, frozen=True, forbid_unknown_fields=True):
    """How upstreams say that a call is too long for the model, beside what the gateway knows.

    codes: what stands as the code or the type of their error. wordings: parts of their message, where no code says it;
    `#` is any number, upper or lower case does not count.
    """

    codes: tuple[Given, ...] = ()
    wordings: tuple[Given, ...] = ()


class FidelityRules(Struct, frozen=True, forbid_unknown_fields=True):
    """`strict` refuses with 422 what would lose part of the call; `report` names it in `x-gateway-loss`.

    An agent's own level counts first, then a route's, then an endpoint's.
    default: everywhere else. agents: levels by an agent's id. endpoints: levels by an endpoint's name.
    """

    default: Level = "report"
    agents: dict[str, Level] = {}
    endpoints: dict[str, Level] = {}

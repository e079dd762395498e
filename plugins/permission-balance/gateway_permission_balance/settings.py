"""`gateway.permission-balance`: what calls are charged, where LibreChat's file does not say it."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, field

from gateway import KnownPrices

Rate = Annotated[float, Meta(ge=0)]


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    """rates: what users are charged, by model or `endpoint/model`, in credits per token (USD per million tokens); over
    `tokenConfig` and the tables. default_rate: for models whose price nobody knows. cancel_rate: what the output of a
    call that its client left is multiplied by, where it is estimated. unknown_output: tokens that are held for, and
    then held for again, where neither the call nor the model has a limit. run_header: in which callers name the run
    that a call belongs to, for budgets of runs. run_days: without a call in it a run is over then, and its name begins
    another one.

    The defaults of the rates are LibreChat's. Source: `packages/data-schemas/src/methods/{tx,transaction}.ts`.
    """

    rates: dict[str, KnownPrices] = field(default_factory=dict)
    default_rate: Rate = 6
    cancel_rate: Annotated[float, Meta(ge=1)] = 1.15
    unknown_output: Annotated[int, Meta(gt=0)] = 4096
    run_header: Annotated[str, Meta(pattern="^[A-Za-z0-9-]{1,64}$")] = "x-gateway-run"
    run_days: Annotated[int, Meta(ge=1)] = 90

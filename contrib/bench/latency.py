"""Rows on added latency: JSON at a rate by the clock, the gateway's quantiles less nginx's."""

from __future__ import annotations

import json
from contextlib import ExitStack

import proxies
import wire
from bench import Bench, quantile
from lines import Figures, Line, worded
from processes import Load, Process

P50, P99 = "p50, ms", "p99, ms"
CONNECTIONS = 64


def added(bench: Bench) -> list[Line]:
    with ExitStack() as stack:
        subjects = bench.beside(stack, stack.enter_context(proxies.answerer(bench.folder / "upstream")))
        figures = bench.interleaved(subjects, lambda proxy: quantiles(bench, proxy))
    return [
        _over(f"latency at {bench.plan.rate} requests/s, p50", figures, P50, 0.4),
        _over("the same, p99", figures, P99, 2.0),
    ]


def quantiles(bench: Bench, proxy: Process) -> dict[str, float]:
    with Load(bench.folder, "rate", proxy, wire.JSON, CONNECTIONS, bench.plan.seconds, bench.plan.rate) as load:
        load.ready()
        load.tell("go")
        taken = [1000 * seconds for seconds in json.loads(load.line())["latencies"]]
    return {P50: quantile(taken, 0.5), P99: quantile(taken, 0.99)}


def _over(what: str, figures: Figures, measure: str, reach: float) -> Line:
    other = "nginx" if "nginx" in figures else "bare"
    value = figures["gateway"][measure] - figures[other][measure]
    asked = reach if other == "nginx" else None
    return Line(what, worded(figures, measure), value, f"ms over {other}", asked, figures=figures)

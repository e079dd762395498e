"""Rows on many streams at once, their events numbered: none lost, none out of order, and how late they come."""

from __future__ import annotations

import json
from contextlib import ExitStack

import proxies
import wire
from bench import Bench, quantile
from lines import Line, number, worded
from processes import Load, Process

OPENING = 5.0
"""Seconds in which all streams begin."""
WRONG = ("lost", "disordered", "unfinished", "apart")
P99 = "p99 of an event, ms"


def streams(bench: Bench) -> list[Line]:
    count = bench.plan.many
    with ExitStack() as stack:
        upstream = stack.enter_context(proxies.streamer(bench.folder / "upstream"))
        gateway = stack.enter_context(proxies.Gateway(upstream.port, bench.folder / "gateway"))
        figures = bench.interleaved([upstream, gateway], lambda process: delays(bench, process))
    ours, direct = figures["gateway"], figures["upstream"]
    told = ", ".join(f"{number(ours[what])} {what}" for what in WRONG)
    wrong = sum(ours[what] for what in WRONG)
    return [
        Line(f"{count:,} streams of {wire.NUMBERED_A_SECOND} events/s", told, wrong, "wrong", 0, figures=figures),
        Line("the same, p99 added to an event", worded(figures, P99), ours[P99] - direct[P99], "ms", 20.0),
    ]


def delays(bench: Bench, process: Process) -> dict[str, float]:
    """lost: events. disordered, unfinished: streams. apart: rounds in which not all streams ran at once."""
    events = round(wire.NUMBERED_A_SECOND * (OPENING + bench.plan.seconds))
    ask = wire.Ask("numbered", events=events)
    with Load(bench.folder, "numbered", process, ask, bench.plan.many, events) as load:
        load.ready()
        load.tell("go")
        told = json.loads(load.line(120))
    return {
        "lost": told["lost"],
        "disordered": told["disordered"],
        "unfinished": told["unfinished"],
        "apart": 0 if told["together"] else 1,
        P99: quantile(told["delays"], 0.99),
    }

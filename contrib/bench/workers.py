"""Rows on workers: what a request costs with two beside what it costs with one, and how requests spread."""

from __future__ import annotations

import json
from contextlib import ExitStack

import accounting
import proxies
import wire
from bench import Bench
from lines import Line, worded
from processes import CORES, LOAD_CORE, PROXY_CORE, Load, Process

CONNECTIONS = 64
CPU = "CPU a request, us"
BUSIEST = "share of the busiest worker, %"


def two(bench: Bench) -> list[Line]:
    """Both gateways have the same cores: all but the load's."""
    cores = set(CORES) - {LOAD_CORE} or {PROXY_CORE}
    with ExitStack() as stack:
        upstream = stack.enter_context(proxies.answerer(bench.folder / "upstream")).port
        subjects = [
            stack.enter_context(proxies.Gateway(upstream, bench.folder / name, cores, count, name))
            for count, name in ((1, "one"), (2, "two"))
        ]
        figures = bench.interleaved(subjects, lambda gateway: spread(bench, gateway))
    cost = figures["two"][CPU] / figures["one"][CPU]
    share = figures["two"][BUSIEST]
    return [
        Line("a request with two workers", worded(figures, CPU), cost, "x one worker's CPU", 1.15, figures=figures),
        Line("how requests spread", f"{share:.0f} % and {100 - share:.0f} %", share, "% at the busier", 60.0),
    ]


def spread(bench: Bench, gateway: Process) -> dict[str, float]:
    with Load(bench.folder, "closed", gateway, wire.JSON, CONNECTIONS, bench.plan.seconds) as load:
        load.ready()
        before = gateway.cpu()
        load.tell("go")
        told = json.loads(load.line())
        used = gateway.cpu() - before
        given = accounting.shares(gateway.family(), told["by"])
    return {
        CPU: 1e6 * used / max(1, told["replies"]),
        BUSIEST: 100 * max(given.values()) / max(1, sum(given.values())),
    }

"""Rows on memory: an idle worker, an open stream, and whether it stays as it is over a soak."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack

import proxies
import replies
import wire
from bench import Bench
from lines import Line
from processes import Load, Process

LOADS = ((wire.JSON, 0.5), (wire.BURST, 0.2))
"""What a soak is made of, each with its share of what the gateway can do: 70 % together."""
EVERY = 5.0
"""Seconds between two looks in a soak."""
WARMING = 0.25
"""The part of a soak in which memory may still grow."""
LEAST_NOISE = 0.5
"""MB."""


def used(bench: Bench) -> list[Line]:
    fresh, stream = _of_a_fresh_one(bench)
    return [
        Line("memory of an idle worker", f"{fresh:.1f} MB", fresh, "MB", 70.0),
        Line("memory of an open stream", f"{bench.plan.idle:,} streams open", stream, "kB", 25.0),
        _soaked(bench) if bench.soak else Line("memory over a soak", "not measured: --soak MINUTES", None, "MB", None),
    ]


def _of_a_fresh_one(bench: Bench) -> tuple[float, float]:
    """MB once it listens, kB that each of many silent streams puts on top."""
    with ExitStack() as stack:
        upstream = stack.enter_context(proxies.streamer(bench.folder / "upstream"))
        gateway = stack.enter_context(proxies.Gateway(upstream.port, bench.folder / "gateway"))
        bench.progress("memory: fresh, and of idle streams")
        time.sleep(0.5)
        fresh = gateway.rss()
        with Load(bench.folder, "streams", gateway, wire.IDLE, bench.plan.idle) as load:
            load.ready()
            time.sleep(0.5)
            held = gateway.rss()
            load.tell("count")
            load.tell("stop")
            load.line()
        return fresh, (held - fresh) * 2**10 / bench.plan.idle


def _soaked(bench: Bench) -> Line:
    with ExitStack() as stack:
        upstream = stack.enter_context(proxies.streamer(bench.folder / "upstream"))
        gateway = stack.enter_context(proxies.Gateway(upstream.port, bench.folder / "gateway"))
        seconds = 60 * bench.soak
        for ask, share in LOADS:
            most = replies.by_own_load(bench.folder, gateway, ask, bench.plan.connections, 2.0)[replies.BY_THE_CLOCK]
            load = Load(bench.folder, "steady", gateway, ask, bench.plan.connections, seconds, share * most)
            stack.enter_context(load).ready()
            load.tell("go")
        taken = list(_sampled(bench, gateway, seconds))
    slope, noise = trend(taken[int(len(taken) * WARMING) :])
    grown = slope * seconds * (1 - WARMING)
    told = f"from {taken[0][1]:.1f} to {taken[-1][1]:.1f} MB in {bench.soak:g} min, {slope * 3600:+.2f} MB/h"
    return Line("memory over a soak", told, grown, "MB grown", max(noise, LEAST_NOISE))


def _sampled(bench: Bench, gateway: Process, seconds: float) -> Sequence[tuple[float, float]]:
    """Seconds and MB."""
    began = time.monotonic()
    found: list[tuple[float, float]] = []
    every = min(EVERY, seconds / 20)
    while (at := time.monotonic() - began) < seconds:
        found.append((at, gateway.rss()))
        bench.progress(f"memory: soak, minute {at // 60 + 1:.0f} of {bench.soak:g}")
        time.sleep(every)
    return found


def trend(taken: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Least squares: MB a second, and twice the standard deviation of what is left."""
    at, size = zip(*taken, strict=True)
    slope, intercept = statistics.linear_regression(at, size)
    left = [value - (intercept + slope * moment) for moment, value in taken]
    return slope, 2 * statistics.pstdev(left)

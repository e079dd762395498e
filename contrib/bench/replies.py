"""Rows on replies a second: JSON small and large, bursts of events. wrk where it is installed, else the own load."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import proxies
import wire
from bench import Bench, Measure
from lines import Figures, Line, against
from processes import KEY, LOAD_CORE, Load, Process

ON_ONE_CORE = "replies on one core, /s"
"""By the CPU that the proxy used: what a core gives that has nothing to wait for. The same as what came by the clock
where the core was busy all the time, and fair to a proxy that was faster than the load.
"""
BY_THE_CLOCK = "replies by the clock, /s"
CPU = "CPU a reply, us"


def small(bench: Bench) -> list[Line]:
    figures = measured(bench, wire.JSON, proxies.answerer)
    return [
        against("JSON, 2 kB in, 1.5 kB out", figures, ON_ONE_CORE, "nginx", "of nginx", 0.25, least=True),
        against("the same, to the bare proxy", figures, ON_ONE_CORE, "bare", "x bare", 2.0, least=True),
    ]


def large(bench: Bench) -> list[Line]:
    figures = measured(bench, wire.LARGE, proxies.answerer)
    return [against("JSON, 50 kB in", figures, ON_ONE_CORE, "nginx", "of nginx", 0.35, least=True)]


def burst(bench: Bench) -> list[Line]:
    figures = measured(bench, wire.BURST, proxies.streamer)
    what = f"burst stream of {wire.EVENTS_IN_BURST} events"
    return [against(what, figures, ON_ONE_CORE, "nginx", "of nginx", 0.6, least=True)]


def measured(bench: Bench, ask: wire.Ask, upstream: Callable[[Path], Process]) -> Figures:
    with ExitStack() as stack:
        subjects = bench.beside(stack, stack.enter_context(upstream(bench.folder / "upstream")))
        return bench.interleaved(subjects, taken(bench, ask))


def taken(bench: Bench, ask: wire.Ask) -> Measure:
    """The figures of one proxy in one round."""
    take = by_wrk if shutil.which("wrk") else by_own_load
    return lambda proxy: take(bench.folder, proxy, ask, bench.plan.connections, bench.plan.seconds)


def by_own_load(folder: Path, proxy: Process, ask: wire.Ask, connections: int, seconds: float) -> dict[str, float]:
    with Load(folder, "closed", proxy, ask, connections, seconds) as load:
        load.ready()
        before = proxy.cpu()
        load.tell("go")
        counted = json.loads(load.line())
        used = proxy.cpu() - before
    return _figures(counted["replies"], counted["seconds"], used)


def by_wrk(folder: Path, proxy: Process, ask: wire.Ask, connections: int, seconds: float) -> dict[str, float]:
    script = folder / "request.lua"
    script.write_text(
        f'wrk.method = "POST"\n'
        f"wrk.body = [==[{wire.request_body(replace(ask, model=proxy.prefix + ask.model)).decode()}]==]\n"
        f'wrk.headers["Authorization"] = "Bearer {KEY}"\nwrk.headers["Content-Type"] = "application/json"\n'
    )
    url = f"http://127.0.0.1:{proxy.port}{wire.path(ask)}"
    command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "-s", str(script), url]
    before = proxy.cpu()
    told = subprocess.run(_pinned(command), capture_output=True, text=True, check=True, timeout=60).stdout
    used = proxy.cpu() - before
    found = re.search(r"(\d+) requests in ([\d.]+)s", told)
    if found is None or "Non-2xx" in told or "Socket errors" in told:
        raise RuntimeError(f"{proxy.name} did not answer all of wrk's requests:\n{told}\n{proxy.told()}")
    return _figures(int(found[1]), float(found[2]), used)


def _pinned(command: list[str]) -> list[str]:
    return ["taskset", "-c", str(LOAD_CORE), *command] if shutil.which("taskset") else command


def _figures(replies: int, seconds: float, used: float) -> dict[str, float]:
    return {
        ON_ONE_CORE: replies / used,
        CPU: 1e6 * used / max(1, replies),
        BY_THE_CLOCK: replies / seconds,
        "core busy, %": 100 * used / seconds,
    }

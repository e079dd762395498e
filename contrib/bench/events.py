"""Rows on the CPU of a relayed event, where the upstream sends one a write: passed through, and translated."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack

import proxies
import wire
from bench import Bench
from lines import Line, against
from processes import Load, Process

CPU = "CPU an event, us"


def paced(bench: Bench) -> list[Line]:
    """Both at once: the gateway is asked in the upstream's dialect and in another, round by round."""
    with ExitStack() as stack:
        upstream = stack.enter_context(proxies.streamer(bench.folder / "upstream"))
        subjects = bench.beside(stack, upstream)
        gateway = subjects[-1]

        def measure(proxy: Process) -> dict[str, float]:
            taken = counted(bench, proxy, wire.PACED)
            return taken if proxy is not gateway else taken | _apart(counted(bench, proxy, wire.TRANSLATED))

        figures = bench.interleaved(subjects, measure)
    translated = {**figures, "gateway": {CPU: figures["gateway"][f"translated: {CPU}"]}}
    return [
        against("an event, passed through", figures, CPU, "nginx", "x nginx's CPU", 2.2),
        against("an event, translated", translated, CPU, "nginx", "x nginx's CPU", 3.0),
    ]


def _apart(figures: dict[str, float]) -> dict[str, float]:
    return {f"translated: {what}": value for what, value in figures.items()}


def counted(bench: Bench, proxy: Process, ask: wire.Ask) -> dict[str, float]:
    streams = bench.plan.paced
    with Load(bench.folder, "streams", proxy, ask, streams) as load:
        load.ready()
        time.sleep(0.3)
        load.tell("count")
        before = proxy.cpu()
        time.sleep(bench.plan.seconds)
        used = proxy.cpu() - before
        load.tell("stop")
        told = json.loads(load.line())
    proxy.settle()
    due = streams * wire.EVENTS_A_SECOND * told["seconds"]
    return {CPU: 1e6 * used / max(1, told["events"]), "events that came, %": 100 * told["events"] / due}

"""What is measured, a function each: figures by name."""

from __future__ import annotations

import json
import re
import shutil
import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import processes
import wire
from processes import Load, Process


@dataclass(frozen=True)
class Plan:
    """seconds: of each measure. paced, idle: streams. rate: requests a second where latency is taken."""

    rounds: int
    seconds: float
    paced: int
    idle: int
    rate: int
    connections: int = 32


FULL = Plan(rounds=5, seconds=3.0, paced=200, idle=1000, rate=200)
QUICK = Plan(rounds=1, seconds=1.0, paced=100, idle=200, rate=100)


def latencies(folder: Path, proxy: Process, plan: Plan) -> list[float]:
    """Of JSON replies at a fixed rate, in milliseconds, sorted."""
    with Load(folder, "rate", proxy.port, proxy.prefix + "json", 64, plan.seconds, plan.rate) as load:
        return sorted(1000 * taken for taken in json.loads(load.line())["latencies"])


def json_replies(folder: Path, proxy: Process, plan: Plan, direct: list[float]) -> dict[str, float]:
    return _closed(folder, proxy, plan, "json", "JSON replies/s", "CPU a JSON reply, us", 1)


def burst_streams(folder: Path, proxy: Process, plan: Plan, direct: list[float]) -> dict[str, float]:
    events = wire.EVENTS_IN_BURST
    return _closed(folder, proxy, plan, "burst", "burst streams/s", "CPU an event of a burst, us", events)


def paced_streams(folder: Path, proxy: Process, plan: Plan, direct: list[float]) -> dict[str, float]:
    with Load(folder, "streams", proxy.port, proxy.prefix + "paced", plan.paced) as load:
        _ready(load)
        time.sleep(0.3)
        load.tell("count")
        before = proxy.cpu()
        time.sleep(plan.seconds)
        used = proxy.cpu() - before
        load.tell("stop")
        counted = json.loads(load.line())
    _settle(proxy)
    expected = plan.paced * wire.EVENTS_A_SECOND * counted["seconds"]
    return {
        "CPU a paced event, us": 1e6 * used / max(1, counted["events"]),
        "paced events that came, %": 100 * counted["events"] / expected,
    }


def added_latency(folder: Path, proxy: Process, plan: Plan, direct: list[float]) -> dict[str, float]:
    through = latencies(folder, proxy, plan)
    return {
        "added latency p50, ms": _quantile(through, 0.5) - _quantile(direct, 0.5),
        "added latency p99, ms": _quantile(through, 0.99) - _quantile(direct, 0.99),
    }


def idle_streams(folder: Path, proxy: Process, plan: Plan) -> dict[str, float]:
    """Memory at the end of all load, and what idle streams put on top."""
    before = proxy.rss()
    with Load(folder, "streams", proxy.port, proxy.prefix + "idle", plan.idle) as load:
        _ready(load)
        time.sleep(0.5)
        held = proxy.rss()
        load.tell("count")
        load.tell("stop")
        load.line()
    _settle(proxy)
    return {"rss after load, MB": before, "1,000 idle streams, MB": (held - before) * 1000 / plan.idle}


STEPS = (json_replies, burst_streams, paced_streams, added_latency)


def _closed(folder: Path, proxy: Process, plan: Plan, model: str, name: str, cost: str, share: int) -> dict[str, float]:
    before = proxy.cpu()
    replies, seconds = _wrk(folder, proxy, plan, model) if shutil.which("wrk") else _python(folder, proxy, plan, model)
    used = proxy.cpu() - before
    return {name: replies / seconds, cost: 1e6 * used / max(1, replies) / share}


def _wrk(folder: Path, proxy: Process, plan: Plan, model: str) -> tuple[float, float]:
    body = wire.request_body(proxy.prefix + model, model != "json").decode()
    script = folder / "request.lua"
    script.write_text(
        f'wrk.method = "POST"\nwrk.body = [==[{body}]==]\n'
        f'wrk.headers["Authorization"] = "Bearer {processes.KEY}"\nwrk.headers["Content-Type"] = "application/json"\n'
    )
    url = f"http://127.0.0.1:{proxy.port}/v1/chat/completions"
    command = ["wrk", "-t1", f"-c{plan.connections}", f"-d{max(1, round(plan.seconds))}s", "-s", str(script), url]
    command = ["taskset", "-c", str(processes.LOAD_CORE), *command] if shutil.which("taskset") else command
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    found = re.search(r"(\d+) requests in ([\d.]+)s", told)
    if found is None or "Non-2xx" in told or "Socket errors" in told:
        raise RuntimeError(f"{proxy.name} did not answer all of wrk's requests:\n{told}\n{proxy.told()}")
    return float(found[1]), float(found[2])


def _python(folder: Path, proxy: Process, plan: Plan, model: str) -> tuple[float, float]:
    with Load(folder, "closed", proxy.port, proxy.prefix + model, plan.connections, plan.seconds) as load:
        counted = json.loads(load.line())
        return counted["replies"], counted["seconds"]


def _ready(load: Load) -> None:
    line = load.line(90)
    if line != "ready":
        raise RuntimeError(f"the load did not begin: {line}")


def _settle(proxy: Process) -> None:
    """Waits until the proxy has let its streams go, three seconds at most."""
    for _ in range(30):
        before = proxy.cpu()
        time.sleep(0.1)
        if proxy.cpu() - before < 0.02:
            return


def _quantile(values: list[float], part: float) -> float:
    return statistics.quantiles(values, n=1000, method="inclusive")[round(part * 1000) - 1]

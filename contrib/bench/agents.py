"""Rows on agents: what one without tools costs, a call of a tool beside the tool itself, and many runs at once."""

from __future__ import annotations

import importlib.util
import json
import statistics
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import accounting
import alone
import proxies
import replies
import wire
from bench import Bench, medians, quantile
from lines import Line, number
from processes import HERE, KEY, LOAD_CORE, Process

TURNS = 10
RUNS_AT_ONCE = 200
INSTRUCTIONS = "You are an agent. " * 20
DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "Sums", "version": "1"},
    "paths": {
        "/sum": {
            method: {
                "operationId": name,
                "summary": "Adds two numbers.",
                "parameters": [
                    {"name": one, "in": "query", "required": True, "schema": {"type": "integer"}} for one in "ab"
                ],
            }
            for method, name in (("get", "sum"), ("post", "book"))
        }
    },
}
TOOLS = {
    "action": "sum_action_sums",
    "booked": "book_action_sums",
    "stdio": "add_mcp_program",
    "http": "add_mcp_server",
}
"""By the id of the agent that has it. What `booked` has changes something, as far as anyone knows, so that each call is
written down before it is made and afterwards.
"""
KINDS = {
    "action": "a call of an action",
    "booked": "the same that is written down before and after",
    "stdio": "a call of an MCP server's tool, stdio",
    "http": "the same, HTTP",
}
Json = dict[str, Any]


def rows(bench: Bench) -> list[Line]:
    with ExitStack() as stack:
        answerer = stack.enter_context(proxies.answerer(bench.folder / "answers"))
        plain = _gateway(stack, bench, answerer.port, "plain", {"agents": [agent("json", [], "json")]})
        lines = [_without_tools(bench, plain)]
    with ExitStack() as stack:
        stepper = stack.enter_context(_stepper(bench.folder / "stepper"))
        servers = _servers(stack, bench.folder)
        gateway = _gateway(stack, bench, stepper.port, "tools", with_tools(stepper.port, servers), servers)
        return [*lines, *_calls(bench, gateway, stepper, servers), *_many(bench, gateway, stepper), *_start(bench)]


def agent(name: str, tools: Sequence[str], model: str = "steps") -> Json:
    return {
        "id": f"agent_{name}",
        "endpoint": "bench",
        "model": model,
        "instructions": INSTRUCTIONS,
        "model_parameters": {"temperature": 0.2},
        "tools": list(tools),
        "recursion_limit": 2 * TURNS,
    }


def with_tools(upstream: int, servers: Json) -> Json:
    action = {"name": "sums", "url": f"http://127.0.0.1:{upstream}", "document": DOCUMENT}
    wanted = {name: tool for name, tool in TOOLS.items() if "_mcp_" not in tool or servers}
    return {"tools-actions": [action], "agents": [agent(name, [tool]) for name, tool in wanted.items()]}


def _servers(stack: ExitStack, folder: Path) -> Json:
    """`mcpServers`: the official package's, where it is installed."""
    if importlib.util.find_spec("mcp") is None:
        return {}
    command, *arguments = alone.stdio_command()
    url = f"http://127.0.0.1:{alone.started(stack, folder / 'mcp')}/mcp"
    return {"program": {"command": command, "args": arguments}, "server": {"type": "http", "url": url}}


def _gateway(
    stack: ExitStack, bench: Bench, upstream: int, name: str, own: Json, servers: Json | None = None
) -> proxies.Gateway:
    more = {"gateway": own, **({"mcpServers": servers} if servers else {})}
    text = "".join(f"{key}: {json.dumps(value)}\n" for key, value in more.items())
    return stack.enter_context(proxies.Gateway(upstream, bench.folder / name, name=name, more=text))


def _stepper(folder: Path) -> Process:
    return Process("stepper", [sys.executable, str(HERE / "stepper.py")], {LOAD_CORE}, folder)


def _without_tools(bench: Bench, gateway: proxies.Gateway) -> Line:
    """The ratio of each round by itself, so that what slows a moment down slows both."""
    take = replies.taken(bench, wire.JSON)

    def both(process: Process) -> dict[str, float]:
        found = {}
        for name, prefix in (("model", "bench/"), ("agent", "agent_")):
            process.prefix = prefix
            found[name] = take(process)[replies.CPU]
        return {**found, "ratio": found["agent"] / found["model"]}

    both(gateway)
    figures = bench.interleaved([gateway], both, 2 * bench.plan.rounds)[gateway.name]
    told = f"model {number(figures['model'])}, agent {number(figures['agent'])} us"
    return Line("an agent without tools", told, figures["ratio"], "x its model's CPU", 1.05, figures={"": figures})


def _calls(bench: Bench, gateway: Process, stepper: Process, servers: Json) -> list[Line]:
    lines = []
    for name, what in KINDS.items():
        if name in ("stdio", "http") and not servers:
            lines.append(Line(what, "not measured: the package `mcp` is not installed", None, "ms", 8.0))
            continue
        lines.append(_call(bench, gateway, stepper, name, what, servers))
    return lines


def _call(bench: Bench, gateway: Process, stepper: Process, name: str, what: str, servers: Json) -> Line:
    """Beside what the tool takes when nothing is between."""
    times = 10 * bench.plan.rounds
    bench.progress(f"agents: {what}")
    with _own_time(name, stepper.port, servers) as once:
        own = 1000 * statistics.median(alone.timed(once, times * (TURNS - 1)))
    _runs(bench, gateway, name, 2, 1)
    _told(stepper)
    before = accounting.cpu(gateway.process.pid)
    _runs(bench, gateway, name, times, 1)
    cpu = 1000 * (accounting.cpu(gateway.process.pid) - before) / (times * TURNS)
    between = [1000 * seconds for seconds in _told(stepper)["between"]]
    p10, p50, p99 = (quantile(between, part) for part in (0.1, 0.5, 0.99))
    quantiles = f"p10 {number(p10)}, p50 {number(p50)}, p99 {number(p99)} ms from turn to turn"
    told = f"{quantiles}; the tool {number(own)}; CPU {number(cpu)} a turn"
    figures = {name: {"p10, ms": p10, "p50, ms": p50, "p99, ms": p99, "the tool, ms": own, "CPU a turn, ms": cpu}}
    return Line(what, told, p50 - own, "ms beside the tool", 8.0, figures=figures)


def _own_time(name: str, stepper: int, servers: Json) -> AbstractContextManager[alone.Once]:
    if name == "stdio":
        return alone.over_stdio()
    if name == "http":
        return alone.over_http(int(servers["server"]["url"].rpartition(":")[2].partition("/")[0]))
    return alone.posted(stepper, "/sum?a=20&b=22", b"" if name == "booked" else None)


def _many(bench: Bench, gateway: Process, stepper: Process) -> list[Line]:
    """Runs of an agent with an action, all at once on one worker. Every event, turn and call is counted."""
    bench.progress(f"agents: {RUNS_AT_ONCE} runs at once")
    _told(stepper)
    before = accounting.rss(gateway.process.pid)
    told = _runs(bench, gateway, "action", RUNS_AT_ONCE, RUNS_AT_ONCE)
    seen, wanted = _told(stepper), {"turns": RUNS_AT_ONCE * TURNS, "calls": RUNS_AT_ONCE * (TURNS - 1)}
    wrong = {**told["wrong"], **{f"{what} amiss": abs(seen[what] - count) for what, count in wanted.items()}}
    p50, p99 = (quantile(told["took"], part) for part in (0.5, 0.99)) if told["took"] else (0.0, 0.0)
    counted = f"{told['events']:,} events, {seen['turns']:,} turns, {seen['calls']:,} calls"
    amiss = ", ".join(f"{count} {what}" for what, count in wrong.items() if count) or "none lost"
    peak = accounting.peak(gateway.process.pid) / 2**20
    figures = {"runs": {"seconds": told["seconds"], "p50, s": p50, "p99, s": p99, "peak, MB": peak}}
    took = f"{number(told['seconds'])} s for all; a run p50 {number(p50)} s, p99 {number(p99)} s"
    memory = f"{before / 2**20:.1f} MB before, {peak:.1f} MB at most"
    return [
        Line(f"{RUNS_AT_ONCE} runs of {TURNS} turns at once", f"{counted}: {amiss}", sum(wrong.values()), "wrong", 0),
        Line("their time", took, p99, "s, p99 of a run", None, figures=figures),
        Line("memory of the worker meanwhile", memory, peak, "MB", None),
    ]


def _start(bench: Bench) -> list[Line]:
    """With a server that is configured, and with none."""
    if importlib.util.find_spec("mcp") is None:
        return []
    command, *arguments = alone.stdio_command()
    servers: Json = {"program": {"command": command, "args": arguments}}
    figures: dict[str, dict[str, list[float]]] = {"without": {}, "with": {}}
    for turn in range(bench.plan.rounds + 1):
        for name, given in (("without", None), ("with", servers)):
            bench.progress(f"agents: start {turn} {name} mcpServers")
            with ExitStack() as stack:
                gateway = _gateway(stack, bench, proxies.free_port(), f"start-{name}-{turn}", {}, given)
                gateway.settle()
                if turn:  # The first one may have compiled its modules.
                    figures[name].setdefault("start, ms", []).append(1000 * gateway.started)
                    figures[name].setdefault("memory, MB", []).append(accounting.rss(gateway.process.pid) / 2**20)
    middle = {name: medians(taken) for name, taken in figures.items()}
    return [_more(middle, "start, ms", "ms"), _more(middle, "memory, MB", "MB")]


def _more(middle: dict[str, dict[str, float]], measure: str, unit: str) -> Line:
    without, given = middle["without"][measure], middle["with"][measure]
    what = f"{measure.partition(',')[0]} with an MCP server configured"
    return Line(what, f"without {number(without)}, with {number(given)} {unit}", given - without, f"{unit} more", None)


def _runs(bench: Bench, gateway: Process, name: str, count: int, at_once: int) -> Json:
    arguments = [str(gateway.port), KEY, f"agent_{name}", str(count), str(at_once), str(TURNS)]
    with Runs(bench.folder, arguments) as load:
        if load.line(90) != "ready":
            raise RuntimeError("the runs did not begin")
        load.tell("go")
        found: Json = json.loads(load.line(180))
    return found


class Runs(Process):
    def __init__(self, folder: Path, arguments: list[str]) -> None:
        super().__init__("runs", [sys.executable, str(HERE / "runs.py"), *arguments], {LOAD_CORE}, folder)

    def _listening(self) -> int:
        return 0


def _told(stepper: Process) -> Json:
    connection = HTTPConnection("127.0.0.1", stepper.port, timeout=30)
    connection.request("GET", "/told")
    found: Json = json.loads(connection.getresponse().read())
    connection.close()
    return found

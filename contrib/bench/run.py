"""Measures the gateway beside a bare aiohttp proxy and nginx, in one run: `python contrib/bench/run.py`.

Each proxy has the first core to itself; load and upstream share the second. Rounds are interleaved and medians told:
ratios travel between machines, the figures do not. Linux, two cores.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import measure
import processes
import table
from processes import Process


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    if why := unfit():
        print(f"bench: {why}", file=sys.stderr)
        return 2
    processes.allow_many_files()
    plan = measure.QUICK if options.quick else measure.FULL
    with tempfile.TemporaryDirectory(prefix="gateway-bench-") as folder, ExitStack() as stack:
        try:
            figures = run(stack, Path(folder), plan, options.only)
        except RuntimeError as error:
            print(f"bench: {error}", file=sys.stderr)
            return 1
    print(table.drawn(figures))
    if options.json:
        Path(options.json).write_text(json.dumps(figures, indent=2) + "\n")
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one short round: whether it works, not how fast")
    parser.add_argument("--json", metavar="FILE", help="write the figures there too")
    parser.add_argument("--only", nargs="+", choices=("bare", "nginx", "gateway"), help="these proxies alone")
    return parser.parse_args(arguments)


def unfit() -> str | None:
    if not Path("/proc/self/stat").exists():
        return "it reads /proc, so it needs Linux"
    cores = len(__import__("os").sched_getaffinity(0))
    return None if cores >= 2 else f"it needs two cores to itself, there are {cores}"


def run(stack: ExitStack, folder: Path, plan: measure.Plan, only: Sequence[str] | None) -> dict[str, dict[str, float]]:
    """Medians by proxy and measure."""
    upstream = stack.enter_context(processes.upstream(folder / "upstream"))
    proxies = [stack.enter_context(proxy) for proxy in chosen(upstream.port, folder, only)]
    found: dict[str, dict[str, list[float]]] = {proxy.name: {} for proxy in proxies}
    for proxy in proxies:
        note(found[proxy.name], {"rss at start, MB": proxy.rss()})
    began = time.monotonic()
    for number in range(plan.rounds):
        direct = measure.latencies(folder, upstream, plan)
        for step in measure.STEPS:
            for proxy in proxies:
                progress(f"round {number + 1}/{plan.rounds}: {step.__name__.replace('_', ' ')}: {proxy.name}", began)
                note(found[proxy.name], step(folder, proxy, plan, direct))
    for proxy in proxies:
        progress(f"memory of idle streams: {proxy.name}", began)
        note(found[proxy.name], measure.idle_streams(folder, proxy, plan))
    progress("", began)
    return {name: {what: statistics.median(values) for what, values in taken.items()} for name, taken in found.items()}


def chosen(upstream: int, folder: Path, only: Sequence[str] | None) -> list[Process]:
    proxies: list[Process] = [processes.bare(upstream, folder / "bare")]
    if processes.nginx_path():
        proxies.append(processes.Nginx(upstream, folder / "nginx"))
    proxies.append(processes.Gateway(upstream, folder / "gateway"))
    return [proxy for proxy in proxies if not only or proxy.name in only]


def note(taken: dict[str, list[float]], figures: dict[str, float]) -> None:
    for what, value in figures.items():
        taken.setdefault(what, []).append(value)


def progress(text: str, began: float) -> None:
    if sys.stderr.isatty():
        width = shutil.get_terminal_size().columns - 1
        print(f"\r{f'{time.monotonic() - began:4.0f} s  {text}' if text else '':<{width}}", end="", file=sys.stderr)
        print("\r" if not text else "", end="", file=sys.stderr, flush=True)
    elif text:
        print(f"{time.monotonic() - began:4.0f} s  {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

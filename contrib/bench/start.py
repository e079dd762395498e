"""Rows on the start: until the gateway listens with every plugin installed, and what `import gateway` loads."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import proxies
from bench import Bench, medians
from lines import Line
from processes import HERE

HTTP = ("aiohttp", "httpx", "requests", "urllib3", "http.client", "http.server")
LEAST_TIMES = 5


def listening(bench: Bench) -> list[Line]:
    took: list[float] = []
    for number in range(max(LEAST_TIMES, bench.plan.rounds) + 1):
        bench.progress(f"start: {number}")
        with proxies.Gateway(proxies.free_port(), bench.folder / f"gateway-{number}") as gateway:
            took.append(1000 * gateway.started)
    middle = medians({"start, ms": took[1:]})["start, ms"]  # The first one may have compiled its modules.
    loaded = _loaded()
    return [
        Line("from spawn to listening", _plugins(), middle, "ms", 700.0),
        Line("HTTP libraries that `import gateway` loads", ", ".join(loaded) or "none", len(loaded), "", 0),
    ]


def _plugins() -> str:
    here = {path.parent.name for path in Path(HERE).parents[1].glob("plugins/*/pyproject.toml")}
    installed = {point.name for point in entry_points(group="gateway")}
    missing = f"; not installed: {', '.join(sorted(here - installed))}" if here - installed else ""
    return f"{len(installed)} plugins{missing}"


def _loaded() -> list[str]:
    code = f"import sys, gateway; print(*[name for name in {HTTP!r} if name in sys.modules])"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

"""What a call of a tool on a warm connection takes, beside what the tool itself does: `python contrib/bench/mcp.py`.

The servers are the official `mcp` package's (contrib/dev-requirements.txt), each in a process of its own, so that most
of the time is theirs; the CPU of this process is what the gateway adds.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "plugins" / "tools-mcp" / "tests" / "kit"))

from mcp_servers import ADA, Running, stdio, tools  # noqa: E402

ROUNDS = 300


async def main() -> None:
    with Running("streamable-http") as http, Running("sse") as sse:
        await report("stdio", {"demo": stdio()}, "2026-07-28")
        await report("stdio", {"demo": stdio()}, "2025")
        for era in ("2026-07-28", "2025"):
            await report("http", {"demo": {"type": "http", "url": http.url}}, era)
        await report("sse", {"demo": {"type": "sse", "url": sse.url}}, "auto")


async def report(name: str, servers: dict[str, object], era: str) -> None:
    async with tools(servers, gateway={"tools-mcp": {"protocol": {"demo": era}}}) as source:
        [tool] = (await source.offer(["add_mcp_demo"], ADA)).tools

        async def call() -> None:
            outcome = await source.call(tool, {"a": 1, "b": 2}, ADA)
            assert not outcome.is_error, outcome

        cpu = time.process_time()
        took = await timed(call)
        cpu = (time.process_time() - cpu) / (ROUNDS + 20)
        print(
            f"{name:6} {era:11} p50 {took[len(took) // 2] * 1e3:5.2f} ms"
            f"  p99 {took[len(took) * 99 // 100] * 1e3:5.2f} ms"
            f"  of that the gateway's own CPU {cpu * 1e3:5.2f} ms  mean {statistics.mean(took) * 1e3:5.2f} ms"
        )


async def timed(work: Callable[[], Awaitable[None]]) -> list[float]:
    took = []
    for number in range(ROUNDS + 20):
        began = time.perf_counter()
        await work()
        if number >= 20:
            took.append(time.perf_counter() - began)
    return sorted(took)


if __name__ == "__main__":
    asyncio.run(main())

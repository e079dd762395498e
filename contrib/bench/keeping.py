"""What it costs that replies of Responses are kept: CPU of a call, kept and not: `python contrib/bench/keeping.py`.

Chat completions behind it, so that the gateway is who keeps; on SQLite, in a temporary folder. Rounds are interleaved.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import proxies
import replies
import wire

ROUNDS, SECONDS, CONNECTIONS = 5, 1.0, 16
KEEP = ("never", "always")
MORE = """
gateway:
  dialect-open-responses: {{ keep: {keep} }}
"""


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="gateway-keeping-") as name, ExitStack() as stack:
        folder = Path(name)
        upstream = stack.enter_context(proxies.answerer(folder / "upstream"))
        gateways = {
            keep: stack.enter_context(
                proxies.Gateway(upstream.port, folder / keep, name=keep, more=MORE.format(keep=keep))
            )
            for keep in KEEP
        }
        found: dict[str, list[float]] = {keep: [] for keep in KEEP}
        for number in range(ROUNDS + 1):
            for keep, gateway in gateways.items():
                cpu = replies.by_own_load(folder, gateway, wire.KEPT, CONNECTIONS, SECONDS)[replies.CPU]
                if number:  # the first one warms
                    found[keep].append(cpu)
        median = {keep: statistics.median(figures) for keep, figures in found.items()}
        for keep in KEEP:
            rounds = " ".join(f"{one:.0f}" for one in found[keep])
            print(f"keep: {keep:7} {median[keep]:6.0f} us of CPU a call   ({rounds})")
        print(f"a call that is kept costs {median['always'] - median['never']:.0f} us more")


if __name__ == "__main__":
    sys.exit(main())

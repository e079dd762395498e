"""A run: how long and how much of everything, the proxies of a row, and rounds that are interleaved."""

from __future__ import annotations

import shutil
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import proxies
from processes import Process


@dataclass(frozen=True)
class Plan:
    """seconds: of each measure. paced, many, idle: streams. rate: requests a second where latency is taken."""

    rounds: int
    seconds: float
    paced: int
    many: int
    idle: int
    rate: int = 200
    connections: int = 32


FULL = Plan(rounds=5, seconds=3.0, paced=500, many=2000, idle=1000)
QUICK = Plan(rounds=1, seconds=1.0, paced=100, many=200, idle=200)

Measure = Callable[[Process], Mapping[str, float]]


class Bench:
    """folder: of everything that is written. soak: minutes, 0 for none."""

    def __init__(self, plan: Plan, folder: Path, soak: float = 0.0) -> None:
        self.plan, self.soak = plan, soak
        self.row = ""
        self._told = ""
        self._root = folder
        self._began = time.monotonic()

    @property
    def folder(self) -> Path:
        return self._root / self.row

    def beside(self, stack: ExitStack, upstream: Process) -> list[Process]:
        """The bare proxy, nginx where it is installed, and the gateway, before this upstream."""
        port = upstream.port
        found = [proxies.bare(port, self.folder / "bare")]
        if proxies.nginx_path():
            found.append(proxies.nginx(port, self.folder / "nginx"))
        found.append(proxies.Gateway(port, self.folder / "gateway"))
        return [stack.enter_context(proxy) for proxy in found]

    def interleaved(
        self, subjects: Sequence[Process], measure: Measure, rounds: int | None = None
    ) -> dict[str, dict[str, float]]:
        """Medians over the rounds, by subject's name and measure; each round asks all subjects."""
        taken: dict[str, dict[str, list[float]]] = {subject.name: {} for subject in subjects}
        rounds = rounds or self.plan.rounds
        for turn in range(rounds):
            for subject in subjects:
                self.progress(f"{self.row}: round {turn + 1}/{rounds}: {subject.name}")
                for what, value in measure(subject).items():
                    taken[subject.name].setdefault(what, []).append(value)
        return {name: medians(by) for name, by in taken.items()}

    def progress(self, text: str) -> None:
        """Said once, however often it is told; "" clears the line of a terminal."""
        if text == self._told:
            return
        self._told = text
        if sys.stderr.isatty():
            width = shutil.get_terminal_size().columns - 1
            told = f"{time.monotonic() - self._began:4.0f} s  {text}" if text else ""
            print(f"\r{told[:width]:<{width}}", end="" if text else "\r", file=sys.stderr, flush=True)
        elif text:
            print(f"{time.monotonic() - self._began:4.0f} s  {text}", file=sys.stderr, flush=True)


def medians(taken: Mapping[str, Sequence[float]]) -> dict[str, float]:
    return {what: statistics.median(values) for what, values in taken.items()}


def quantile(values: Sequence[float], part: float) -> float:
    return statistics.quantiles(values, n=1000, method="inclusive")[round(part * 1000) - 1]

"""The gateway that is killed: a process that has imported all of it and forks one for each life, asked by stdin.

    python victim.py [CONTROL …]

A line asks, as JSON, and a line answers. `{"words": […], "output": FILE}` runs `gateway …` and gives its process id,
`{"pid": N}` waits for one and gives its exit code. What takes longest in a start, the imports, is done once.

Some things differ from `python -m gateway`: workers are forked, too, for the same reason; each request to an upstream
has its attempt's id as a header, so that the upstream's log can be joined with the ledger; and a control takes away
something that the ledger's promises need.
"""

from __future__ import annotations

import gc
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import walk_packages
from typing import Any, NoReturn

import msgspec
import points
from asked import HEADER
from gateway_store_sql.ledger import SqlLedger
from gateway_store_sql.runs import SqlRuns

from gateway import workers
from gateway.cli import main as gateway
from gateway.dialect import ClientDialect, Encoded
from gateway.ledger import Held, Hold, Settlement, Short
from gateway.pipeline import exchange
from gateway.pipeline.attempt import Sender
from gateway.pipeline.exchange import Attempt, Exchange
from gateway.process import WORKER
from gateway.provider import Reply
from gateway.reload.crew import PATIENCE
from gateway.reload.orders import Link
from gateway.runs import MadeCall, RunRecord

NEEDLESS = ("gateway.testing", "gateway.templates", "gateway.__main__")


def main(controls: Sequence[str]) -> None:
    import_all()
    name_attempts()
    points.put_up()
    workers.Supervisor._start = fork_worker  # type: ignore[method-assign]
    for control in controls:
        CONTROLS[control]()
    gc.collect()
    gc.freeze()  # what lives do not share is not looked at in each of them
    living: set[int] = set()
    for line in sys.stdin:
        asked = json.loads(line)
        if "pid" in asked:
            print(ended(asked["pid"]), flush=True)
            living.discard(asked["pid"])
        else:
            living.add(pid := forked(asked["words"], asked["output"]))
            print(pid, flush=True)
    for pid in living:  # the driver was ended
        os.kill(pid, signal.SIGKILL)


def import_all() -> None:
    """Also what is imported only once it is needed, so that no life reads code that has changed meanwhile."""
    names = ["gateway", *(plugin.value for plugin in entry_points(group="gateway"))]
    for name in names:
        package = import_module(name)
        for module in walk_packages(package.__path__, f"{name}."):
            if not module.name.startswith(NEEDLESS):
                import_module(module.name)


def forked(words: Sequence[str], output: str) -> int:
    """Its process id."""
    pid = os.fork()
    if pid:
        return pid
    into = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(into, 1)
    os.dup2(into, 2)
    sys.argv = ["gateway", *words]
    return run(words)


def run(words: Sequence[str]) -> NoReturn:
    """This process's whole life."""
    code = 1
    try:
        gateway(list(words))
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


class Forked:
    """A worker, as its supervisor knows it."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def wait(self, timeout: float) -> int | None:
        until = time.monotonic() + timeout
        while self.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
        if self.returncode is None:
            raise subprocess.TimeoutExpired("worker", timeout)
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def fork_worker(self: workers.Supervisor, index: int, environ: Mapping[str, str]) -> None:
    link = Link()
    orders = link.theirs.fileno()
    pid = os.fork()
    if not pid:
        for other in (link, *self._links.values()):
            other._ours.close()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        os.environ.update({**environ, WORKER: str(index), workers.ORDERS: str(orders)})
        exchange._PROCESS = secrets.token_hex(3)  # what a process of its own would have
        run(self._arguments)
    self._workers[index], self._links[index] = Forked(pid), link  # type: ignore[assignment]
    link.theirs.close()
    link.send(self._crew.begin(), PATIENCE)
    self._born[index] = time.monotonic()


def ended(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def name_attempts() -> None:
    send = Sender.send

    async def named(
        self: Sender, exchange: Exchange, attempt: Attempt, client: ClientDialect, encoded: Encoded
    ) -> Reply:
        headers = {**encoded.headers, HEADER: attempt.id}
        return await send(self, exchange, attempt, client, msgspec.structs.replace(encoded, headers=headers))

    Sender.send = named  # type: ignore[method-assign]


def without_settling() -> None:
    """What an attempt came to is never written."""

    def settle(self: SqlLedger, settlement: Settlement) -> None: ...

    SqlLedger.settle = settle  # type: ignore[method-assign]


def without_waiting() -> None:
    """A hold is acknowledged before it is committed."""

    async def hold(self: SqlLedger, hold: Hold) -> Held | Short:
        self._works.enqueue(hold)
        return Held(hold.most)

    SqlLedger.hold = hold  # type: ignore[method-assign]


def without_expiry() -> None:
    """What a killed gateway held is never ended."""

    async def expire(self: SqlLedger, now: float, latest: float | None = None) -> int:
        return 0

    SqlLedger.expire = expire  # type: ignore[method-assign]


def without_journal() -> None:
    """Calls of tools are not written down before they are made."""

    async def calling(self: SqlRuns, run: RunRecord, call: MadeCall, until: float) -> None: ...

    SqlRuns.calling = calling  # type: ignore[method-assign]


def without_memory() -> None:
    """A settlement is made under an id of its own, as if nobody remembered what it is of."""
    settle = SqlLedger.settle

    def forgetful(self: SqlLedger, settlement: Settlement) -> None:
        settle(self, msgspec.structs.replace(settlement, attempt=settlement.attempt + "_again"))

    SqlLedger.settle = forgetful  # type: ignore[method-assign]


CONTROLS: Mapping[str, Callable[[], Any]] = {
    "settle": without_settling,
    "commit": without_waiting,
    "expiry": without_expiry,
    "identity": without_memory,
    "journal": without_journal,
}

if __name__ == "__main__":
    main(sys.argv[1:])

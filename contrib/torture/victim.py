"""The gateway that is killed: a process that has imported all of it and forks one for each life, asked by stdin.

    python victim.py [CONTROL …]

A line asks, as JSON, and a line answers. `{"words": […], "output": FILE}` runs `gateway …` and gives its process id,
`{"pid": N}` waits for one and gives its exit code. What takes longest in a start, the imports, is done once.

Two things differ from `python -m gateway`: each request to an upstream has its attempt's id as a header, so that the
upstream's log can be joined with the ledger; and a control takes away something that the ledger's promises need.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import walk_packages
from typing import Any

import msgspec
from asked import HEADER
from gateway_store_sql.ledger import SqlLedger

from gateway.cli import main as gateway
from gateway.dialect import ClientDialect, Encoded
from gateway.ledger import Held, Hold, Settlement, Short
from gateway.pipeline.attempt import Sender
from gateway.pipeline.exchange import Attempt, Exchange
from gateway.provider import Reply

NEEDLESS = ("gateway.testing", "gateway.templates", "gateway.__main__")


def main(controls: Sequence[str]) -> None:
    import_all()
    name_attempts()
    for control in controls:
        CONTROLS[control]()
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
    code = 1
    try:
        gateway(list(words))
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


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

    async def expire(self: SqlLedger, now: float) -> int:
        return 0

    SqlLedger.expire = expire  # type: ignore[method-assign]


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
}

if __name__ == "__main__":
    main(sys.argv[1:])

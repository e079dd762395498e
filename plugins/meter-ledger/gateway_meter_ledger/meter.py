"""LedgerMeter: the record of every exchange of a known caller goes to the store."""

from __future__ import annotations

import logging

from gateway import Lifespan, Meter, Store, UsageLog, UsageRecord


class LedgerMeter(Meter):
    """The store takes it in without waiting, and writes it soon.

    What was refused before anybody was known to have sent it is left out: strangers could fill the disk with it.
    """

    def __init__(self, log: UsageLog) -> None:
        self._append = log.append

    def record(self, record: UsageRecord) -> None:
        if record.user_id:
            self._append(record)


class StoreNeeded(Lifespan):
    """Says, at the start and in `/ready`, that nothing is recorded where there is no store."""

    scope = "worker"

    def __init__(self, store: Store | None, log: logging.Logger) -> None:
        self._store = store
        self._log = log

    async def start(self) -> None:
        if (failure := self.failure()) is not None:
            self._log.warning("%s", failure)

    async def stop(self) -> None:
        return

    def failure(self) -> str | None:
        if self._store is not None:
            return None
        return "meter-ledger: there is no store, so usage is not recorded; install or enable plugins/store-sql"

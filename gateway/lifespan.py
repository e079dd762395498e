"""Lifespan: what runs beside requests."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal


class Lifespan(ABC):
    """scope: `worker` runs in each process; `machine` in one process only, whatever the number of workers."""

    scope: Literal["worker", "machine"] = "worker"

    @abstractmethod
    async def start(self) -> None:
        """Before the first request. Raise StartupError to stop the start."""

    @abstractmethod
    async def stop(self) -> None:
        """After the last exchange has settled. What was started is ended when it returns."""

    def failure(self) -> str | None:
        """Why it does not do its work now, for `/ready`, which is 503 then; None when all is well."""
        return None

    def warning(self) -> str | None:
        """What it does without for now, for `/ready`, which stays 200; None when all is well."""
        return None

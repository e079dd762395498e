"""Check: one thing that must hold, with a name to print; and what all checks draw their examples with."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from hypothesis import HealthCheck, Phase, settings

CANARY = "sk-canary-0123456789abcdef"
"""A secret; where it turns up, something leaks."""

fixed = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
)


class Check(msgspec.Struct, frozen=True):
    subject: str
    run: Callable[[], None]

    def __call__(self) -> None:
        self.run()

    def __str__(self) -> str:
        function = getattr(self.run, "func", self.run)
        return f"{self.subject}: {getattr(function, '__name__', 'check').replace('_', ' ')}"

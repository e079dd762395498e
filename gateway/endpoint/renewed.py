"""Renewed: a value that does not last, fetched when it is asked for and renewed before its end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from ..errors import GatewayError
from .behind import Behind

T = TypeVar("T")
RETRY = 30.0


class Renewed(Behind, Generic[T]):
    """fetch: the value, and the seconds that it lasts (`math.inf` for ever); its GatewayError is whoever waits's.

    early: so many seconds before its end, while it still serves, it is renewed behind. latest: so many seconds before
    its end it is not given out any more; of both at most half of its life. Fetches are one at a time; after one that
    failed, the next comes half a minute later, or when there is nothing left to give.
    """

    def __init__(
        self,
        fetch: Callable[[], Awaitable[tuple[T, float]]],
        clock: Callable[[], float],
        early: float = 300.0,
        latest: float = 60.0,
    ) -> None:
        super().__init__(clock)
        self._fetch = fetch
        self._early, self._latest = early, latest
        self._value: T

    async def get(self) -> T:
        await self._at_hand()
        return self._value

    async def _renew(self) -> None:
        try:
            value, life = await self._fetch()
        except GatewayError:
            self._renew_at = min(self._clock() + RETRY, self._wait_at)
            raise
        now = self._clock()
        self._value = value
        self._renew_at = now + max(life - self._early, life / 2)
        self._wait_at = now + max(life - self._latest, life / 2)

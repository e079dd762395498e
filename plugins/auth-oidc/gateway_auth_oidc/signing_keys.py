"""SigningKeys: a provider's keys, renewed behind the requests that they serve, and used a while longer without it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import cast

from gateway import GatewayError, Services, Unavailable, ended

from .key_set import KeySet, PublishedKey
from .publication import TIMEOUT, Publication, Unpublished
from .settings import PAUSE
from .trusted import Trusted

_STATE = "auth-oidc.keys"


class SigningKeys:
    """fetch: the keys; it raises Unpublished and GatewayError, and is called by one at a time.

    fresh: seconds after which they are fetched again, behind; after twice that, requests wait for it. stale: seconds
    for which they are used though they cannot be fetched. clock: seconds, monotonic.
    """

    def __init__(
        self,
        fetch: Callable[[], Awaitable[KeySet]],
        log: logging.Logger,
        fresh: float,
        stale: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch, self._log, self._clock = fetch, log, clock
        self._fresh, self._stale = fresh, max(stale, 2 * fresh)
        self._keys: KeySet | None = None
        self._had = self._asked = float("-inf")
        self._failure: str | None = None
        self._renewal: asyncio.Task[None] | None = None

    @classmethod
    def of(cls, services: Services, trusted: Trusted) -> SigningKeys:
        """Those of this process; they survive a reload that trusts the same and reaches it the same way."""
        kept = services.state.get(_STATE)
        if kept is None or kept[0] != trusted or kept[1] is not services.upstream:
            publication = Publication(services.upstream, trusted)
            kept = (trusted, services.upstream, cls(publication.keys, services.log, trusted.renew, trusted.own.stale))
            services.state[_STATE] = kept
        return cast("SigningKeys", kept[2])

    async def fitting(self, key_id: str, algorithm: str) -> Sequence[PublishedKey]:
        """Those that may have signed a token; none where the provider publishes none.

        A key that is not known may be a new one, so the provider is asked once more before the answer is none. Raises
        Unavailable where it cannot be asked.
        """
        keys = await self._current()
        found = keys.fitting(key_id, algorithm)
        if found:
            return found
        await self._wait(self.renew())
        if self._failure is not None:
            raise self._unavailable()
        return self._usable().fitting(key_id, algorithm)

    def renew(self) -> asyncio.Task[None] | None:
        """The renewal that runs, or another; None where the last one is not long enough ago."""
        if self._renewal is None and self._clock() - self._asked >= PAUSE:
            self._asked = self._clock()
            self._renewal = asyncio.create_task(self._renew(self._asked))
            self._renewal.add_done_callback(self._ended)
        return self._renewal

    def trouble(self) -> str | None:
        """Why the keys cannot be had, and what becomes of tokens; None when all is well."""
        if self._failure is None:
            return None
        left = max(0.0, self._stale - (self._clock() - self._had))
        then = f"those that are known are used for another {left:.0f} s" if left else "its tokens are refused"
        return f"auth-oidc: the provider's keys cannot be had: {self._failure}; {then}"

    async def close(self) -> None:
        if self._renewal is not None:
            await ended(self._renewal)

    async def _current(self) -> KeySet:
        """While the provider fails, nobody waits for it who could do with what is there."""
        age = self._clock() - self._had
        if age >= self._fresh:
            renewal = self.renew()
            if age >= self._stale or (age >= 2 * self._fresh and self._failure is None):
                await self._wait(renewal)
        return self._usable()

    async def _wait(self, renewal: asyncio.Task[None] | None) -> None:
        """One that goes away does not take it from the others."""
        if renewal is not None:
            await asyncio.shield(renewal)

    def _usable(self) -> KeySet:
        if self._keys is None or self._clock() - self._had >= self._stale:
            raise self._unavailable()
        return self._keys

    def _unavailable(self) -> Unavailable:
        return Unavailable(
            "The OpenID provider cannot be asked for its keys now, so this token cannot be checked. Try again later.",
            code="openid_provider_unavailable",
            retry_after=PAUSE,
        )

    async def _renew(self, asked: float) -> None:
        try:
            async with asyncio.timeout(TIMEOUT):
                keys = await self._fetch()
        except Unpublished as error:
            self._failed(str(error))
        except GatewayError as error:
            self._failed(error.public)
        except TimeoutError:
            self._failed(f"no answer within {TIMEOUT:g} s")
        else:
            if self._failure is not None:
                self._log.info("auth-oidc: the provider's keys are there again")
            self._keys, self._had, self._failure = keys, asked, None

    def _ended(self, renewal: asyncio.Task[None]) -> None:
        self._renewal = None

    def _failed(self, why: str) -> None:
        """Told when it begins and when the reason changes."""
        news = why != self._failure
        self._failure = why
        if news:
            self._log.warning("%s", self.trouble())

"""A time to connect in, and who is to blame where it is not enough or something else goes wrong."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from ..errors import PROXY_FAILED, UpstreamTimeout, UpstreamUnreachable


class Party(NamedTuple):
    """who, code: as errors name it."""

    who: str
    code: str | None = None


UPSTREAM = Party("upstream")
BEHIND = Party("upstream behind the proxy")
PROXY = Party("proxy", PROXY_FAILED)


class Deadline(NamedTuple):
    """until: of the loop's clock. limit: the seconds that there were."""

    until: float
    limit: float

    @classmethod
    def after(cls, limit: float) -> Deadline:
        return cls(asyncio.get_running_loop().time() + limit, limit)

    @asynccontextmanager
    async def blaming(self, party: Party) -> AsyncIterator[None]:
        """For what goes wrong inside. Raises UpstreamUnreachable and UpstreamTimeout."""
        who, code = party
        try:
            async with asyncio.timeout_at(self.until):
                yield
        except TimeoutError as error:
            raise UpstreamTimeout(f"The {who} took no connection within {self.limit:g} s.", code=code) from error
        except ssl.SSLError as error:
            words = f"The TLS certificate or protocol of the {who} is not acceptable."
            raise UpstreamUnreachable(words, code=code) from error
        except (OSError, ExceptionGroup) as error:
            raise UpstreamUnreachable(f"The {who} cannot be reached.", code=code) from error

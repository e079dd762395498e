"""Action: one API, its operations, and how they are called."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Literal
from urllib.parse import quote, urlencode

from gateway import (
    Address,
    Asker,
    GatewayError,
    Reply,
    Timeouts,
    ToolOutcome,
    Upstream,
    UpstreamBroken,
    UpstreamError,
    UpstreamUnreachable,
)

from .auth import Proof, Shown
from .doors import Unproved
from .operations import Operation
from .requests import Asked, BadArguments, asked
from .results import failure, outcome
from .section import ActionFields

ACCEPT = "application/json, text/*;q=0.9, */*;q=0.5"
UNAUTHORIZED = 401
_TWICE = frozenset(("POST", "PATCH"))
"""Methods of which twice is not the same as once."""


class Action:
    """trust: `user` where it may only be at a public address. door: where users log in to it, if they do."""

    def __init__(
        self,
        fields: ActionFields,
        address: Address,
        trust: Literal["operator", "user"],
        proof: Proof,
        operations: Sequence[Operation],
        upstream: Upstream,
    ) -> None:
        self.door = proof.door
        self.name, self.origin, self.operations = fields.name, address.origin.lower(), operations
        self.host = self.origin.partition("://")[2]
        self._address, self._trust, self._proof, self._upstream = address, trust, proof, upstream
        self._fields = fields

    async def call(self, operation: Operation, arguments: Mapping[str, Any], asker: Asker) -> ToolOutcome:
        try:
            wanted = asked(operation, arguments, self._proof.parameter)
        except BadArguments as error:
            return failure(f"The tool was not called: {error}")
        try:
            async with asyncio.timeout(self._fields.timeout):
                return await self._called(operation, wanted, asker)
        except UpstreamUnreachable as error:
            return failure(f"{_words(error)}.")
        except TimeoutError:
            words = f"The API did not answer within {self._fields.timeout:g} s"
        except GatewayError as error:
            words = _words(error)
        return failure(f"{words}.{'' if operation.read_only else ' Whether it did what was asked is not known.'}")

    async def _called(self, operation: Operation, wanted: Asked, asker: Asker) -> ToolOutcome:
        """Once more with a renewed login, where the API did not take it, and so did nothing."""
        try:
            shown = await self._proof.shown(asker)
        except UpstreamError as error:
            return failure(f"The tool was not called. {error.public}")
        except Unproved as error:
            return failure(f"The tool was not called. {error}")
        told, status = await self._tried(operation, wanted, shown)
        if status != UNAUTHORIZED:
            return told
        try:
            renewed = await self._proof.renewed(asker, shown)
        except Unproved as error:
            return failure(f"The API did not take the user's login. {error}")
        return told if renewed is None else (await self._tried(operation, wanted, renewed))[0]

    async def _tried(self, operation: Operation, wanted: Asked, shown: Shown) -> tuple[ToolOutcome, int]:
        """What came of it, and the status."""
        headers = {"accept": ACCEPT, "accept-encoding": "identity", **wanted.headers, **shown.headers}
        if wanted.body is not None:
            headers["content-type"] = operation.content_type
        reply = await self._sent(operation, self._url(wanted, shown.query), headers, wanted.body or b"")
        try:
            found = await outcome(reply, self._fields.largest_result, self._fields.largest_image, shown.secrets)
            return found, reply.status
        finally:
            reply.close()

    def _url(self, wanted: Asked, own: Mapping[str, str]) -> str:
        url = self._address.url(wanted.path)
        query = "&".join(part for part in (wanted.query, urlencode(own, quote_via=quote)) if part)
        if not query:
            return url
        return f"{url}{'&' if '?' in url else '?'}{query}"

    async def _sent(self, operation: Operation, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        patience = self._fields.timeout
        limits = Timeouts(connect=min(10.0, patience), first_byte=patience, idle=patience)
        once = _Once() if operation.method in _TWICE else None
        return await self._upstream.send(
            operation.method, url, headers, body, trust=self._trust, timeouts=limits, sending=once
        )


class _Once:
    """Nothing is sent again after a connection that ended without a word: it may have been heard."""

    def __init__(self) -> None:
        self._sent = False

    def __call__(self) -> None:
        if self._sent:
            raise UpstreamBroken("The API ended the connection without an answer.")
        self._sent = True


def _words(error: GatewayError) -> str:
    """What the gateway says of upstreams, of an API."""
    said = error.public.replace("The upstream", "The API").replace("the upstream", "the API")
    return said.replace("this endpoint", "this API").removesuffix(".")

"""Publication: where a provider publishes its keys, found by OpenID Connect Discovery 1.0 or by the settings."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from gateway import Timeouts, Upstream

from .key_set import KeySet
from .trusted import DISCOVERY, Trusted, why_unsafe

TIMEOUT = 10.0
FOUND_SECONDS = 3600.0
"""For how long the address of the keys is known, unless they are not to be had from there."""
LARGEST = 2**20
_HEADERS = {"Accept": "application/json"}
_NEVER = float("-inf")


class Unpublished(Exception):
    """The keys cannot be had; the text says why to the operator."""


class _Discovered(msgspec.Struct):
    issuer: str
    jwks_uri: str


_discovered = msgspec.json.Decoder(_Discovered)


class Publication:
    """clock: seconds, monotonic."""

    def __init__(self, upstream: Upstream, trusted: Trusted, clock: Callable[[], float] = time.monotonic) -> None:
        self._upstream, self._trusted, self._clock = upstream, trusted, clock
        self._address = ""
        self._until = _NEVER

    async def keys(self) -> KeySet:
        """By one caller at a time. Raises Unpublished and GatewayError."""
        if self._trusted.jwks_uri:
            return await self._read(self._trusted.jwks_uri)
        if self._clock() >= self._until:
            self._address = await self._discover()
            self._until = self._clock() + FOUND_SECONDS
        until, self._until = self._until, _NEVER
        keys = await self._read(self._address)
        self._until = until
        return keys

    async def _discover(self) -> str:
        """Raises Unpublished where the document is another issuer's: its keys would be, too."""
        url = self._trusted.issuer + DISCOVERY
        try:
            document = _discovered.decode(await self._get(url))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Unpublished(f"{url} is no discovery document with an issuer and a jwks_uri") from error
        if document.issuer not in self._trusted.names:
            raise Unpublished(f"{url} is of the issuer {document.issuer[:200]!r}, which is not the one that is trusted")
        why = why_unsafe(document.jwks_uri)
        if why is not None:
            raise Unpublished(f"{url} names a jwks_uri that cannot be trusted: {why}")
        return document.jwks_uri

    async def _read(self, url: str) -> KeySet:
        try:
            return KeySet.read(await self._get(url), self._trusted.own.algorithms)
        except ValueError as error:
            raise Unpublished(f"{url} holds no keys that can be used: {error}") from error

    async def _get(self, url: str) -> bytes:
        timeouts = Timeouts(connect=TIMEOUT, first_byte=TIMEOUT, idle=TIMEOUT)
        reply = await self._upstream.send("GET", url, _HEADERS, timeouts=timeouts)
        try:
            body = await reply.read(LARGEST)
        finally:
            reply.close()
        if reply.status != 200:
            raise Unpublished(f"{url} answered with status {reply.status}")
        return body

"""Keys that do not last, as AWS's services and programs hand them out, and how they are kept.

Source: AWS SDKs and Tools Reference Guide, "Process credential provider" and "Container credential provider"; the same
JSON comes from an instance's metadata. Keys are renewed behind before their end, and serve until then.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from gateway import GatewayError, Secret, Timeouts, Upstream, UpstreamError
from gateway.endpoint import Renewed

from .sigv4 import Keys

EARLY = 600.0
LARGEST = 2**20
_FIT = re.compile(r"[\x21-\x7e]+")


class NoKeys(Exception):
    """what: what happened. todo: what the operator can do about it. Neither quotes a secret."""

    def __init__(self, what: str, todo: str) -> None:
        super().__init__(what)
        self.what, self.todo = what, todo


class Temporary(Struct, frozen=True):
    """expires: epoch seconds; None for keys that last."""

    keys: Keys
    expires: float | None = None


Fetch = Callable[[], Awaitable[Temporary]]
"""Raises NoKeys or GatewayError."""


class Held:
    """The keys of one source, fetched when they are first asked for. where: what callers read of it."""

    def __init__(self, fetch: Fetch, where: str, clock: Callable[[], float], log: logging.Logger) -> None:
        self.where = where
        self._fetch, self._clock, self._log = fetch, clock, log
        self._renewed = Renewed(self._new, clock, EARLY)

    async def keys(self) -> Keys:
        """Raises UpstreamError, in words that say what its operator has to do."""
        return await self._renewed.get()

    async def _new(self) -> tuple[Keys, float]:
        try:
            found = await self._fetch()
            life = math.inf if found.expires is None else found.expires - self._clock()
            if life <= 0:
                raise NoKeys("its keys have ended already", "see that the clock of the gateway's machine is right")
        except (NoKeys, GatewayError) as error:
            failure = self._failure(error)
            self._log.warning("endpoint bedrock: %s", failure.public)
            raise failure from error
        return found.keys, life

    def _failure(self, error: NoKeys | GatewayError) -> UpstreamError:
        if isinstance(error, NoKeys):
            what, todo = error.what, error.todo
        else:
            what, todo = error.public.rstrip("."), "look at the way there"
        return UpstreamError(
            f"The gateway has no AWS keys for this endpoint: from {self.where}: {what}. For its operator: {todo}.",
            code="no_credentials",
        )


async def ask(
    upstream: Upstream, method: str, url: str, headers: dict[str, str], body: bytes, seconds: float
) -> tuple[int, bytes]:
    """Status and body. Raises GatewayError where nothing answers in time."""
    timeouts = Timeouts(connect=seconds, first_byte=seconds, idle=seconds)
    reply = await upstream.send(method, url, headers, body, timeouts=timeouts)
    try:
        return reply.status, await reply.read(LARGEST)
    finally:
        reply.close()


def text_of(path: str, what: str) -> str:
    """A file that is written anew from time to time. what: what it is called. Raises NoKeys."""
    try:
        return Path(path).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise NoKeys(f"{what} cannot be read: {type(error).__name__}", "look at that file") from error


def read(body: bytes, token: str) -> Temporary:
    """`{AccessKeyId, SecretAccessKey, Expiration}`. token: what the session's token is called there. Raises NoKeys."""
    try:
        said = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NoKeys("an answer that is no JSON object", "look at what answers there") from error
    return made(said.get("AccessKeyId"), said.get("SecretAccessKey"), said.get(token), said.get("Expiration"))


def made(access: object, secret: object, token: object, expiration: object) -> Temporary:
    """Raises NoKeys where they are none that can be sent."""
    if not (_fits(access) and _fits(secret) and (token is None or _fits(token))):
        raise NoKeys("an answer without keys that can be sent", "look at what answers there")
    keys = Keys(str(access), Secret(str(secret)), Secret(str(token)) if token is not None else None)
    return Temporary(keys, None if expiration is None else _epoch(expiration))


def _fits(value: object) -> bool:
    return isinstance(value, str) and _FIT.fullmatch(value) is not None


def _epoch(value: object) -> float:
    try:
        return datetime.fromisoformat(str(value)).timestamp()
    except ValueError as error:
        raise NoKeys("an answer with an end of its keys that is no time", "look at what answers there") from error

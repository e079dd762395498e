"""Answers in LibreChat's forms, and bodies as they come: JSON, and not much of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from gateway import Answer, Inbound, TooLarge

T = TypeVar("T")
NO_STORE = {"Cache-Control": "no-store"}
LONGEST_BODY = 16_384


class Said(Exception):
    """Ends a request with this answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def told(value: object, status: int = 200, cookies: tuple[str, ...] = ()) -> Answer:
    return Answer(msgspec.json.encode(value), status, headers=NO_STORE, cookies=cookies)


def message(words: str, status: int = 200, cookies: tuple[str, ...] = ()) -> Answer:
    return told({"message": words}, status, cookies)


def text(words: str, status: int, cookies: tuple[str, ...] = ()) -> Answer:
    return Answer(words.encode(), status, "text/html; charset=utf-8", NO_STORE, cookies)


def with_headers(answer: Answer, headers: Mapping[str, str]) -> Answer:
    return msgspec.structs.replace(answer, headers={**answer.headers, **headers})


def date_told(at: float | None) -> str | None:
    """As JavaScript writes it."""
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def read(inbound: Inbound, kind: type[T], status: int = 400) -> T:
    """status: for what does not fit. Raises Said; TooLarge and others where the body cannot be had."""
    body = await _bounded(inbound)
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except msgspec.ValidationError as error:
        raise Said(message(f"The request body does not fit: {error}.", status)) from error
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        words = {"error": "Invalid JSON format", "message": "The request body contains malformed JSON"}
        raise Said(told(words, 400)) from error


async def _bounded(inbound: Inbound) -> bytes:
    """What says that it is larger is not read."""
    left = inbound.arriving.left if inbound.arriving is not None else None
    if left is not None and left > LONGEST_BODY:
        raise TooLarge(f"The request body is larger than {LONGEST_BODY} bytes.")
    if inbound.arriving is None:
        return await inbound.receive()
    body = b""
    while piece := await inbound.arriving.piece(keep=True):
        body += piece
        if len(body) > LONGEST_BODY:
            raise TooLarge(f"The request body is larger than {LONGEST_BODY} bytes.")
    return body

"""The answer to a request, in a reply of JSON or of events."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Raw

from gateway import GatewayError, Reply

from .events import Events, ServerEvent, too_many
from .failures import Lost
from .messages import Message, read, result_of
from .place import EVENT_STREAM, Place, broken

Aside = Callable[[Message], None]
"""Takes what a server sends beside its answer: notifications, and requests of its own."""


async def answer(place: Place, reply: Reply, ident: int, aside: Aside) -> Raw:
    """The result; the reply is closed, or ends beside. Raises Faulted and Lost."""
    if reply.media_type == EVENT_STREAM:
        found = await streamed(place, reply, Events(reply, place.largest), ident, aside)
        if found is None:
            raise Lost("the server ended its stream without an answer")
    else:
        found = await _whole(place, reply, ident, aside)
    return result_of(found)


async def streamed(place: Place, reply: Reply, events: Events, ident: int, aside: Aside) -> Message | None:
    """None where the stream ends, or breaks off, before the answer."""
    count = 0
    try:
        while (event := await events.next()) is not None:
            count += 1
            too_many(count)
            found = _found(event, ident, aside)
            if found is not None:
                place.linger(reply)
                return found
    except GatewayError as error:
        reply.close()
        if events.identity:
            return None
        raise broken(error) from error
    except BaseException:
        reply.close()
        raise
    reply.close()
    return None


async def _whole(place: Place, reply: Reply, ident: int, aside: Aside) -> Message:
    try:
        body = await reply.read(place.largest)
    except GatewayError as error:
        raise broken(error) from error
    finally:
        reply.close()
    if not body.strip():
        raise Lost(f"the server answered with HTTP status {reply.status} and nothing else")
    found = _among(body, ident, aside)
    if found is None:
        raise Lost("the server answered something else than what it was asked")
    return found


def _found(event: ServerEvent, ident: int, aside: Aside) -> Message | None:
    return _among(event.data, ident, aside) if event.name == "message" else None


def _among(data: bytes, ident: int, aside: Aside) -> Message | None:
    """Of a batch the others are aside, too."""
    found = None
    for message in read(data):
        if message.is_answer and message.id == ident:
            found = message
        elif message.method is not None:
            aside(message)
    return found

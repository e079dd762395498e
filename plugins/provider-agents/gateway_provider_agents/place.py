"""Place: where the agents of a run are while its client answers, and how they go on from there."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct

from gateway import Message

from .history import Turns, put_back, token_of
from .passing import Arrival, Said


class Place(Struct):
    """agent: whose turn it is. context: what it was told behind the client's last word; own: what it has said itself.
    said: by those before it. arrived: of edges that wait for several, by their names, those that have ended. handed:
    to whom it has handed over, who go on instead. later: how often the client has had a word of its own since the run
    began. moves: how often others went on.
    """

    agent: str
    context: list[Message]
    own: list[Message]
    said: list[Said] = []
    arrived: dict[str, list[str]] = {}
    handed: list[Arrival] = []
    later: int = 0
    moves: int = 0

    @property
    def messages(self) -> list[Message]:
        return [*self.context, *self.own]


class Beginning(Struct):
    """base: the conversation up to the client's last word before the run. place: None where the run is a new one;
    behind: what its agent has said since then, and was answered.
    """

    base: list[Message]
    behind: list[Message]
    place: Place | None = None
    later: int = 0


def beginning(
    messages: Sequence[Message], places: Mapping[str, object], turns: Turns, answered: Collection[str] = ()
) -> Beginning:
    """answered: tokens of turns that are answered, whatever else is said. Raises Conflict for an answer to a turn that
    is not kept any more.
    """
    last = next((message for message in reversed(messages) if message.role == "assistant"), None)
    token = token_of(last) if last is not None else None
    place = places.get(token) if token is not None else None
    if token is None or not isinstance(place, Place):
        whole = put_back(messages, turns, answered)
        end = _behind_words(whole, 0)
        return Beginning(whole[:end], whole[end:])
    at = next(at for at, message in enumerate(messages) if token_of(message) == token)
    end = _behind_words(messages[:at], place.later)
    answers = [message for message in messages[at + 1 :] if message.role != "assistant"]
    own = put_back([messages[at], *answers], {token: place.own})
    words = sum(message.role == "user" for message in answers)
    return Beginning(put_back(messages[:end], turns), own, place, place.later + words)


def _behind_words(messages: Sequence[Message], skipped: int) -> int:
    """Where the client's last word ends, or one before it."""
    words = [at for at, message in enumerate(messages) if message.role == "user"]
    return words[-1 - skipped] + 1 if len(words) > skipped else 0

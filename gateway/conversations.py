"""Contracts of what clients leave here and come back to: responses, runs that go on without them, conversations.

Whatever is asked for is asked in its owner's name, and another's is as if it were not there. Items, replies and frames
are the words of the dialect that keeps them here. `now` and `expires` are epoch seconds; what has expired is not there,
whether or not it has been purged.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence

import msgspec

from .streams import Frames, Owner, RunStatus


class KeptResponse(msgspec.Struct, frozen=True, kw_only=True):
    """A reply that may be asked for, and continued.

    model: as the client wrote it. agent: its id, "" for a raw model. endpoint, served, domain: of the target that
    answered: its endpoint, its name of the model, and its `state_domain`; "" while nobody has. upstream: whether that
    one keeps it under this id, too.
    previous_id: the response that it continues. conversation_id, place: the conversation that it is part of, and how
    many items that had before.
    input: a JSON array of the items that came with it; those before are the previous response's, or the
    conversation's. reply: the JSON object that the client was told, with output items and usage.
    beat: when whoever runs it said last that it does, 0 where nobody does since a process left it to another; None for
    what runs no more. term: how often a run was taken up by another process; whoever is of an earlier one runs it no
    more.
    """

    id: str
    owner: Owner
    dialect: str
    model: str
    agent: str = ""
    endpoint: str = ""
    served: str = ""
    domain: str = ""
    upstream: bool = False
    status: RunStatus
    background: bool = False
    created: float
    expires: float
    beat: float | None = None
    previous_id: str = ""
    conversation_id: str = ""
    place: int = 0
    input: bytes
    reply: bytes
    term: int = 0


class RunStep(msgspec.Struct, frozen=True):
    """What a run has come to. number: counts them from 0. safe: it may be taken up while this is the last one."""

    number: int
    step: bytes
    safe: bool = True


class TakenUp(msgspec.Struct, frozen=True):
    """A run that was another process's. asked: as `put` had it. steps: what it had come to, oldest first. newest: the
    number of the last frame.
    """

    response: KeptResponse
    asked: bytes
    steps: Sequence[bytes]
    newest: int


class Responses(Frames):
    """Of runs in the background there are frames, too."""

    @abstractmethod
    async def put(self, response: KeptResponse, asked: bytes | None = None) -> bool:
        """False where there is one with its id, whoever's that is. asked: of a run, what another process would need to
        go on with it; it is there until the run has ended.
        """

    @abstractmethod
    async def keep(self, responses: Sequence[KeptResponse], spare: float = 0.0) -> Collection[str]:
        """All of them at once, in order: finished ones, each in place of a finished one of its owner's that has its id.
        What they continue is renewed as by `renew`. The ids of those that are not kept: another's, or no text.
        """

    @abstractmethod
    async def get(self, owner: Owner, response_id: str, now: float) -> KeptResponse | None: ...

    @abstractmethod
    async def chain(self, owner: Owner, response_id: str, now: float, most: int) -> Sequence[KeptResponse] | None:
        """It and all that it continues, oldest first; none where one of them is not there. None where they have more
        than `most` bytes together.
        """

    @abstractmethod
    async def renew(self, owner: Owner, response_id: str, expires: float, spare: float = 0.0) -> None:
        """It and all that it continues stay until then at least; what would not, `spare` seconds longer than that, so
        that it need not be written again at each turn.
        """

    @abstractmethod
    async def delete(self, owner: Owner, response_id: str) -> bool:
        """With its frames. False where there is none."""

    @abstractmethod
    async def purge(self, now: float) -> int:
        """Deletes what has expired, conversations included; how many responses that were."""

    @abstractmethod
    async def trim(self, after: float, most: int | None, size: int | None) -> int:
        """Of each user with a response that ends after `after`, the oldest finished ones are deleted until no more than
        `most` are left, and `size` bytes of input and reply; how many that were.
        """

    @abstractmethod
    async def write(
        self,
        name: str,
        frames: Sequence[tuple[int, bytes]],
        now: float,
        term: int = 0,
        step: RunStep | None = None,
    ) -> RunStatus | None:
        """As for all frames. step: what it has come to. Raises Conflict where it was taken up since `term`."""

    @abstractmethod
    async def finish(self, response: KeptResponse) -> RunStatus | None:
        """What a run of this term came to, once, where it was still under way; its status, with which others may have
        come before. None where it was deleted.
        """

    @abstractmethod
    async def abandoned(self, before: float) -> Sequence[KeptResponse]:
        """Runs under way whose last word is older: whoever ran them is gone."""

    @abstractmethod
    async def leave(self, response: KeptResponse) -> None:
        """A run of this term is abandoned from now on."""

    @abstractmethod
    async def take_up(
        self, response_id: str, before: float, now: float, mark: bytes, keep: int, most: int
    ) -> TakenUp | None:
        """An abandoned run is the caller's from now on, and nobody else's. Of its frames those stay that were written
        before its last step, and the first `keep`; `mark` comes behind all that there were. None where it is not to be
        taken up: somebody runs it, it has ended, it wrote no step, or its last is not safe, or it was taken up `most`
        times and came to nothing more.
        """


class Conversation(msgspec.Struct, frozen=True):
    id: str
    owner: Owner
    created: float
    expires: float
    metadata: Mapping[str, str] = {}


class ConversationItem(msgspec.Struct, frozen=True):
    """body: a JSON object with this id. place: counts a conversation's items from 0 and is never used again."""

    id: str
    body: bytes
    place: int = 0


class Conversations(ABC):
    @abstractmethod
    async def create(self, conversation: Conversation, items: Sequence[ConversationItem]) -> None:
        """Raises Conflict where there is one with its id, whoever's that is."""

    @abstractmethod
    async def get(self, owner: Owner, conversation_id: str, now: float) -> Conversation | None: ...

    @abstractmethod
    async def update(self, owner: Owner, conversation_id: str, metadata: Mapping[str, str], now: float) -> bool:
        """In place of what was there. False where there is none."""

    @abstractmethod
    async def delete(self, owner: Owner, conversation_id: str) -> bool:
        """With its items and the responses in it."""

    @abstractmethod
    async def add(
        self,
        owner: Owner,
        conversation_id: str,
        items: Sequence[ConversationItem],
        now: float,
        expires: float | None = None,
    ) -> Sequence[ConversationItem] | None:
        """Behind those that are there; with their places. expires: the conversation stays until then at least. None
        where there is no such conversation.
        """

    @abstractmethod
    async def items(
        self, owner: Owner, conversation_id: str, now: float, most: int, before: int | None = None
    ) -> Sequence[ConversationItem] | None:
        """All that it has, those with places below `before` where that is said, in order; none where there is no such
        conversation. None where they have more than `most` bytes together.
        """

    @abstractmethod
    async def newest(self, owner: Owner, conversation_id: str, now: float, most: int) -> Sequence[ConversationItem]:
        """The last ones that have no more than `most` bytes together, in order; none where there is no conversation."""

    @abstractmethod
    async def remove(self, owner: Owner, conversation_id: str, item_id: str, now: float) -> bool:
        """One item. False where it is not there."""

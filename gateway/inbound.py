"""What came in, free of any HTTP library: Operation, Mount, Inbound, Envelope, Credential, Principal."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Literal

import msgspec

from .scopes import Scopes
from .secret import Secret

if TYPE_CHECKING:
    from .dialect import Intake

Kind = Literal["generate", "count", "media", "models", "state", "socket"]


class Mount(msgspec.Struct, frozen=True):
    """A path prefix that dialects are served under. agents_only: no raw models of endpoints there.

    listing: below it, where what may be called is listed.
    """

    prefix: str
    agents_only: bool = False
    listing: str = "/models"


AGENTS_MOUNT = Mount("/api/agents/v1", agents_only=True)
MOUNT = Mount("/v1")


class Operation(msgspec.Struct, frozen=True):
    """One thing that a dialect serves.

    path: below the mount, as `/chat/completions`; a `{name}` with no slash behind it takes slashes too, as in
    `/models/{id}` and `/models/{model}:generateContent`. Of kind `models`, one whose path has `{id}` describes that
    one model, and one that is a POST the one that `peek` finds in its body.
    """

    kind: Kind
    method: str
    path: str
    mounts: tuple[Mount, ...] = (AGENTS_MOUNT, MOUNT)
    summary: str = ""


class Arriving(ABC):
    """A body on its way here, bounded in size, in time, and by what a worker holds at once.

    Raises BadCall, SlowBody, TooLarge and Unavailable.
    """

    __slots__ = ()

    @property
    @abstractmethod
    def left(self) -> int | None:
        """Bytes that are still to be taken; None where nobody knows."""

    @property
    @abstractmethod
    def ended(self) -> bool:
        """Whether all of it has been taken."""

    @abstractmethod
    async def whole(self) -> bytes:
        """All that has not been taken yet, to be held until the request has ended."""

    @abstractmethod
    async def piece(self, *, keep: bool) -> bytes:
        """What comes next, b"" at the end. keep: it is held until the request has ended, not only until the next."""


class Inbound(msgspec.Struct):
    """One request, as dialects and plugins see it.

    params: the path's `{name}` parts, decoded. query: last value wins. headers: looked up by lower-case name,
    whatever the case on the wire. peer: the client's address, behind trusted proxies only. receive: reads the body,
    bounded; the pipeline calls it once the client is known. body: empty until `read` has run; the beginning of it where
    the dialect reads it along by an `intake` and more is `arriving`; empty again once a stream has begun, so that many
    of them can be open: what an Encoder or Tap needs of it, it takes when it is made.
    """

    operation: Operation
    mount: Mount
    params: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    peer: str
    receive: Callable[[], Awaitable[bytes]]
    body: bytes = b""
    arriving: Arriving | None = None
    intake: Intake | None = None


class Envelope(msgspec.Struct, frozen=True):
    """What `peek` takes from a body without parsing the rest.

    model: as the client wrote it; None means the first agent. max_output: tokens at most, where the client said.
    state_ids: ids of upstream state that the call refers to. store: whether it is to be kept for later, where the
    client said. framing: how a stream is framed for this client.
    """

    model: str | None = None
    stream: bool = False
    max_output: int | None = None
    choices: int = 1
    background: bool = False
    state_ids: tuple[str, ...] = ()
    framing: Literal["sse", "lines", "array"] = "sse"
    store: bool | None = None


class Credential(msgspec.Struct, frozen=True):
    """What a client showed. scheme: `bearer`, `header` or `query`."""

    scheme: Literal["bearer", "header", "query"]
    secret: Secret


class Principal(msgspec.Struct, frozen=True):
    """Who a credential proves. key_id, key_label: the key it came by, empty for other credentials. own_key: its user
    has chosen the label. scopes: what that key may be used for; None where it is for everything that its owner may do.
    """

    user_id: str
    role: str = "USER"
    name: str = ""
    email: str = ""
    groups: tuple[str, ...] = ()
    key_id: str = ""
    key_label: str = ""
    scopes: Scopes | None = None
    own_key: bool = False

    @property
    def is_admin(self) -> bool:
        return self.role == "ADMIN"

    @property
    def key_names(self) -> tuple[str, ...]:
        """What the configuration may call the key. A label that its user has chosen is none of it: it could be that of
        another's key, or its id.
        """
        return (self.key_id,) if self.own_key else (self.key_id, self.key_label)


ANONYMOUS = Principal(user_id="", role="")

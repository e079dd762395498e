"""Directory, Route, and the step that turns the name in `model` into a Route: agents first, then endpoints."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from ..dialect import Edit
from ..inbound import Inbound, Principal
from ..provider import Model, Target

if TYPE_CHECKING:
    from ..settings import Finding


class Route(msgspec.Struct, frozen=True):
    """Where a call goes. name: what reply and list call it. targets: tried in order. agent: the agent's id, "" for a
    raw model. edit: what an agent changes in the call; the target's own `set` and `drop` come on top.
    """

    name: str
    targets: tuple[Target, ...]
    edit: Edit
    agent: str = ""


class Directory(ABC):
    """Names that may stand as `model`."""

    @abstractmethod
    async def find(self, inbound: Inbound, model: str | None, principal: Principal) -> Route | None:
        """None: not ours, ask the next. `model` None: the first of ours. Raise Forbidden, UnknownModel, Unavailable."""

    @abstractmethod
    async def models(self, inbound: Inbound, principal: Principal) -> Sequence[Model]:
        """Exactly what this principal may call here."""

    def findings(self) -> Sequence[Finding]:
        """What the operator should know about its settings. Asked once every endpoint is registered."""
        return ()

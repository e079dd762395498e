"""Directory, Route, and the step that turns the name in `model` into a Route: agents first, then endpoints."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import msgspec

from ..dialect import Edit
from ..errors import BadCall, UnknownModel
from ..inbound import Inbound, Principal
from ..provider import Model, Target
from ..settings.routes import Level
from .retry import Policy

if TYPE_CHECKING:
    from ..settings import Finding


class Route(msgspec.Struct, frozen=True):
    """Where a call goes. name: what reply and list call it. targets: tried in order. agent: the agent's id, "" for a
    raw model. edit: what an agent changes in the call; the target's own `set` and `drop` come on top. policy: what is
    done about failures; without one the next target is tried, each once. fidelity: None where others say. memory: what
    was said before is kept here, for clients that send their last message only.
    """

    name: str
    targets: tuple[Target, ...]
    edit: Edit
    agent: str = ""
    policy: Policy | None = None
    fidelity: Level | None = None
    memory: bool = False

    @property
    def domains(self) -> int:
        """How many makers of opaque state a conversation on this route may meet."""
        return len({target.state_domain for target in self.targets}) if len(self.targets) > 1 else 1


class Directory(ABC):
    """Names that may stand as `model`."""

    @abstractmethod
    async def find(self, inbound: Inbound, model: str | None, principal: Principal) -> Route | None:
        """None: not ours, ask the next. `model` None: the first of ours. Raise Forbidden, UnknownModel, Unavailable."""

    @abstractmethod
    async def models(self, inbound: Inbound, principal: Principal) -> Sequence[Model]:
        """Exactly what this principal may call here."""

    def names(self) -> Collection[str]:
        """Those of them that are known at startup and taken here whoever asks; others would be shadowed by them."""
        return ()

    def findings(self) -> Sequence[Finding]:
        """What the operator should know about its settings. Asked once every endpoint is registered."""
        return ()


async def resolve(directories: Sequence[Directory], inbound: Inbound, model: str | None, principal: Principal) -> Route:
    """The first directory that knows the name. Raises UnknownModel, saying where the names are listed."""
    for directory in directories:
        route = await directory.find(inbound, model, principal)
        if route is not None:
            return route
    where = f"GET {inbound.mount.prefix}{inbound.mount.listing} lists what this key may call"
    if model is None:
        raise BadCall(f"No model was named, and there is no agent to take its place; {where}.", param="model")
    raise UnknownModel(f"There is no model or agent {model!r} here; {where}.", param="model")

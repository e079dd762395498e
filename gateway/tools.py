"""Tools that the gateway runs itself for its agents: what a plugin offers, and how one is called."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
from msgspec import Raw

from .call import Audio, File, Image, Text
from .inbound import Principal

if TYPE_CHECKING:
    from .actions import ActionTaken, StoredAction
    from .settings import Finding


class ServerTool(msgspec.Struct, frozen=True, omit_defaults=True):
    """name: as models see it: 1 to 64 of `A-Za-z0-9_-`, unique in the gateway; what agents list in their `tools`.

    parameters: a JSON Schema. label: of the server that has it, as clients are shown it; original: its name there.
    read_only: it changes nothing, so that a call of which nobody knows whether it was made may be made again.
    """

    name: str
    description: str = ""
    parameters: Raw = Raw(b'{"type":"object","properties":{}}')
    label: str = ""
    original: str = ""
    read_only: bool = False


class Asker(msgspec.Struct, frozen=True):
    """For whom a tool is looked up or called.

    agent, conversation: ids, or "". author: whose the agent is, a user's id; "" of the operator's. call_id: of this one
    call, the same when a run is taken up again. headers: what the caller's own request said, for placeholders of a
    server's headers.
    """

    principal: Principal
    agent: str = ""
    conversation: str = ""
    call_id: str = ""
    headers: Mapping[str, str] = {}
    author: str = ""


class ToolOutcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the model is told. structured: the same as JSON, where the tool gives that, too."""

    blocks: Sequence[Text | Image | File | Audio] = ()
    is_error: bool = False
    structured: Raw | None = None


class Offer(msgspec.Struct, frozen=True):
    """tools: those that were wanted and are there. missing: of the others, why they are not. instructions: what the
    servers of these tools want models to know.
    """

    tools: Sequence[ServerTool] = ()
    missing: Mapping[str, str] = {}
    instructions: str = ""


class ToolSource(ABC):
    """Some kind of tools: MCP servers, actions. name: of its plugin, for messages. patient: its calls may take as long
    as the run may.
    """

    name: str
    patient: ClassVar[bool] = False

    def findings(self) -> Sequence[Finding]:
        """What the operator should know about its settings."""
        return ()

    @abstractmethod
    def owns(self, wanted: str) -> bool:
        """Whether this entry of an agent's `tools` is one of its kind, there or not."""

    @abstractmethod
    async def offer(self, wanted: Sequence[str], asker: Asker) -> Offer:
        """Of these entries, each of which it owns; one entry may stand for several tools. A server that cannot be asked
        is no error: its tools are missing.
        """

    @abstractmethod
    async def call(self, tool: ServerTool, arguments: Mapping[str, Any], asker: Asker) -> ToolOutcome:
        """One that it offered. What goes wrong with tool or server is an outcome that is an error, in words for the
        model. Cancelling it cancels the call as well as the server lets it; the caller bounds its time.
        """

    async def take_action(self, action: StoredAction, functions: Sequence[str]) -> ActionTaken | None:
        """Whether it runs such an action once it is stored; None from a source of another kind. functions: the
        operations that are to be tools. Raises BadCall where it cannot be used.
        """
        return None

    @abstractmethod
    async def listed(self, asker: Asker) -> Sequence[ServerTool]:
        """All that this caller could give an agent."""

"""`interface.remoteAgents`, `interface.agents` and `interface.mcpServers`, as LibreChat has them; plugins for agents,
keys and tools ask for different parts of them.
"""

from __future__ import annotations

from msgspec import Struct

from ..identity import RemotePermissions


class RemoteAgents(RemotePermissions, frozen=True):
    """What users who are not admins may do with agents through the API. What is not said here is what the store says of
    their role, and nothing by default.

    use: call them, and see and revoke one's own API keys. create: make such keys, where `use` is given, too.
    share, public: share them with others, with everybody.
    Source: LibreChat `packages/data-provider/src/config.ts`, `packages/api/src/app/permissions.ts`.
    """


class AgentsSaid(RemotePermissions, frozen=True):
    """What users who are not admins may do with agents as documents. What is not said here is what the store says of
    their role, and `use` and `create` by default.

    use: see them, and change those of one's own. create: make them. share, public: without effect; sharing asks
    `interface.remoteAgents`.
    """


class McpInterface(RemotePermissions, frozen=True):
    """What users who are not admins may do with MCP servers. What is not said here is what the store says of their
    role, and `use` and `create` by default.

    use: have their tools. create: add servers of one's own, and change them. share, public: share those with others,
    with everybody.
    """


class AgentsInterface(Struct, frozen=True):
    """agents: who may see and make agents as documents, besides admins; true and false are said of `use`.

    Source: LibreChat `packages/api/src/app/permissions.ts`.
    """

    agents: bool | AgentsSaid = AgentsSaid()

    @property
    def said(self) -> RemotePermissions:
        return AgentsSaid(use=self.agents) if isinstance(self.agents, bool) else self.agents

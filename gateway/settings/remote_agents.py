"""`interface.remoteAgents`, as LibreChat has it; plugins for agents and for keys ask for different parts of it."""

from __future__ import annotations

from ..identity import RemotePermissions


class RemoteAgents(RemotePermissions, frozen=True):
    """What users who are not admins may do with agents through the API. What is not said here is what the store says of
    their role, and nothing by default.

    use: call them, and see and revoke one's own API keys. create: make such keys, where `use` is given, too.
    share, public: share them with others, with everybody.
    Source: LibreChat `packages/data-provider/src/config.ts`, `packages/api/src/app/permissions.ts`.
    """

"""`interface.remoteAgents`, as LibreChat has it; plugins for agents and for keys ask for different parts of it."""

from __future__ import annotations

from msgspec import Struct


class RemoteAgents(Struct, frozen=True):
    """What users other than admins may do with agents through the API; nothing by default.

    use: call them, and see and revoke one's own API keys. create: make such keys, where `use` is given, too.
    share, public: share them with others, with everybody.
    Source: LibreChat `packages/data-provider/src/config.ts`, `packages/api/src/app/permissions.ts`.
    """

    use: bool = False
    create: bool = False
    share: bool = False
    public: bool = False

"""`interface.remoteAgents`, as LibreChat has it."""

from __future__ import annotations

from msgspec import Struct


class RemoteAgents(Struct, frozen=True):
    """What users other than admins may do with agents through the API; nothing by default.

    use: call them. create: make API keys for them. share, public: share them with others, with everybody.
    Source: LibreChat `packages/data-provider/src/config.ts`, `packages/api/src/app/permissions.ts`.
    """

    use: bool = False
    create: bool = False
    share: bool = False
    public: bool = False

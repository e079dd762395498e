"""`endpoints.allowedAddresses`: private addresses that users' base URLs may lead to."""

from __future__ import annotations

from msgspec import Struct

from .contract import Section


class UserAddresses(Struct, frozen=True, rename="camel"):
    """allowedAddresses: `name:port`, `10.0.0.5:8080` or `[fd00::5]:8080`, each one service in a private network that
    base URLs which users bring may lead to. A name is trusted wherever it leads. What you configure needs none.
    """

    allowed_addresses: tuple[str, ...] = ()


SECTION = Section("endpoints", UserAddresses)

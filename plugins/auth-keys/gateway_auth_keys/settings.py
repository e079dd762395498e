"""`gateway.auth-keys`: the settings of this plugin."""

from __future__ import annotations

from msgspec import Struct


class AuthKeys(Struct, frozen=True, forbid_unknown_fields=True):
    """first_key: make a user `admin` and a key for it when the gateway is first started on a terminal."""

    first_key: bool = True

"""The keys of `gateway.provider-librechat`."""

from __future__ import annotations

from msgspec import Struct, field

from gateway import Secret

ADMIN = "ADMIN"


class LibreChat(Struct, frozen=True, forbid_unknown_fields=True):
    """A LibreChat whose agents are models here.

    url: where it is, as https://chat.example.com; nothing is offered without. name: of the endpoint. key: one of its
    API keys, for calls of everybody here; `user_provided` where callers bring theirs. forward: its own users come with
    its own keys, which it is asked about and called with. role: what those users are here. headers: sent with every
    request.
    """

    url: str = ""
    name: str = "librechat"
    key: Secret = Secret("")
    forward: bool = False
    role: str = "USER"
    headers: dict[str, Secret] = field(default_factory=dict)

    @property
    def forwards(self) -> bool:
        """Whether anybody is let in by it."""
        return bool(self.url) and self.forward and self.role != ADMIN

"""SealedCalls: what another process needs to go on with a run, encrypted in the store."""

from __future__ import annotations

import msgspec

from gateway import Exchange, Left, Sealed, Secret, Vault

_LEFT = msgspec.json.Decoder(Left)


class SealedCalls:
    """It holds the client's headers, which may be secrets of its own."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def seal(self, exchange: Exchange, response_id: str) -> bytes:
        """Raises Unavailable."""
        return self._vault.seal(Secret(msgspec.json.encode(Left.of(exchange)).decode()), _owner(response_id))

    def open(self, sealed: bytes, response_id: str) -> Left | None:
        """None where it cannot be read here: it was sealed under another key, or by another version. Raises
        Unavailable.
        """
        try:
            return _LEFT.decode(self._vault.open(sealed, _owner(response_id)).reveal())
        except (Sealed, msgspec.MsgspecError):
            return None


def _owner(response_id: str) -> str:
    return f"responses/{response_id}"

"""What goes wrong with a server, in words for models and operators. None of them holds a credential."""

from __future__ import annotations

from msgspec import Raw, Struct


class Fault(Struct, frozen=True):
    """A JSON-RPC error, as a server sends it."""

    code: int = 0
    message: str = ""
    data: Raw = Raw()


class McpError(Exception):
    """`str` gives a sentence."""


class Down(McpError):
    """There is no connection to be had, so that nothing was asked."""


class Lost(McpError):
    """The connection ended, or made no sense, with an answer outstanding: nobody knows whether the work was done."""


class SessionGone(McpError):
    """The server does not know this session any more, so that nothing was done."""


class Faulted(McpError):
    """The server answered with an error."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(f"the server answered with error {fault.code}: {fault.message[:2000] or 'no words'}")
        self.fault = fault


class HttpRefused(McpError):
    """It answered with a status that is an error. fault, ident: what its body says and of which request, where that is
    JSON-RPC. challenge: how it wants to be shown who asks.
    """

    def __init__(
        self, status: int, fault: Fault | None = None, ident: int | str | None = None, challenge: str = ""
    ) -> None:
        words = f": {fault.message[:2000]}" if fault is not None and fault.message else ""
        if "insufficient_scope" in challenge:
            words = ": the user's login does not cover this; log in to it again"
        super().__init__(f"the server answered with HTTP status {status}{words}")
        self.status, self.fault, self.ident, self.challenge = status, fault, ident, challenge

"""Access tokens of the machine that the gateway runs on, from its metadata server: no key has to be kept anywhere."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from ..provider import Upstream
from .access_tokens import AccessTokens, Asking


class MachineTokens(AccessTokens):
    """url, headers: what its metadata server wants to be asked. Nothing is asked before a call needs a token."""

    identity = "this machine"
    refused = "give the machine, pod or service an account with the scope of the cloud platform"
    unreached = "name a service account's key, or look at the way to the metadata server"

    def __init__(
        self,
        upstream: Upstream,
        clock: Callable[[], float],
        log: logging.Logger,
        label: str,
        url: str,
        headers: Mapping[str, str],
    ) -> None:
        super().__init__(upstream, clock, log, label)
        self._asking = Asking("GET", url, headers)

    def asking(self) -> Asking:
        return self._asking

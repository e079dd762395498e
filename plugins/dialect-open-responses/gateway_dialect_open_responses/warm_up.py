"""A turn on a WebSocket with `generate: false`: what it says can be continued, and nobody is asked."""

from __future__ import annotations

from gateway import Inbound, Operation, Unsupported

from .encode_call import PATH

WARM_UP = Operation("generate", "GET", PATH, summary="Take what is said, and answer nothing")


def refuse_warm_up(inbound: Inbound) -> None:
    """Where nothing is remembered here, there is nothing to be made ready. Raises Unsupported."""
    if inbound.operation == WARM_UP:
        raise Unsupported("`generate: false` needs a gateway that keeps responses.", param="generate")

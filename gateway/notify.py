"""What the service manager is told of this process: sd_notify(3), one datagram a message."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping

VARIABLE = "NOTIFY_SOCKET"
READY = "READY=1"
STOPPING = "STOPPING=1"


def tell(message: str, environ: Mapping[str, str] = os.environ) -> None:
    """Nobody where no service manager asked for it; one that does not listen is no reason to fail."""
    address = environ.get(VARIABLE, "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.sendto(message.encode(), address)
    except OSError:
        return

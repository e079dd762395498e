"""Names that several files need."""

from __future__ import annotations

from gateway import Mount

NAME = "lettabot"
MOUNT = Mount("/api/v1", listing="/status")
CHAT = "/chat"
STATUS = "/status"
ASYNC = MOUNT.prefix + CHAT + "/async"
EVENTS = "text/event-stream"

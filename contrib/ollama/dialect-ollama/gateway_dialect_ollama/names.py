"""What both halves call things: the dialect, its paths, and the words for thinking and for how a reply ended."""

from __future__ import annotations

from gateway import Reason

NAME = "ollama"
CHAT = "/api/chat"
GENERATE = "/api/generate"
TAGS = "/api/tags"
SHOW = "/api/show"
LEVELS: dict[str, bool | str] = {
    "none": False,
    "minimal": "low",
    "low": "low",
    "medium": True,
    "high": "high",
    "xhigh": "max",
    "max": "max",
}
"""`think` by effort. `true` is read as `medium` by models with levels, and older servers know no other word."""
ENDS: dict[Reason, str] = {
    "stop": "stop",
    "stop_sequence": "stop",
    "tool_calls": "stop",
    "refusal": "stop",
    "length": "length",
    "context_length": "length",
    "content_filter": "content_filter",
    "pause": "pause",
    "cancelled": "cancelled",
}
"""`done_reason`. Ends that Ollama does not have keep their names, so that nobody takes the reply for whole."""
REASONS: dict[str, Reason] = {
    "": "stop",
    "stop": "stop",
    "load": "stop",
    "unload": "stop",
    "length": "length",
    "content_filter": "content_filter",
    "pause": "pause",
    "cancelled": "cancelled",
}

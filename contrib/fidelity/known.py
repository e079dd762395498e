"""Recordings whose reply says two things, so that nothing can agree with both."""

from __future__ import annotations

EXPLAINED = {
    "98edf9d7c1": "its deltas say another text than its last event",
    "e263afc503": "its deltas were shortened by who recorded it",
    "46028c0656": "two replies, one behind the other",
    "f6912c77ce": "a reply that was cut, and another behind it",
    "8c3291c1bd": "it does not say how it ended",
}

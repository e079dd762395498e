"""Lone surrogates in the texts that upstreams send: pairs that were cut are put together."""

from __future__ import annotations

from gateway.wire import jsontext


def halves(payload: bytes, name: str) -> str | None:
    """A text member with its lone surrogates, for `Joiner`: a pair may be split over two deltas."""
    event = jsontext.loaded(payload)
    found = event.get(name) if isinstance(event, dict) else None
    return found if isinstance(found, str) else None


class Joiner:
    """Puts surrogate pairs together that were cut between two texts; what stays alone becomes U+FFFD."""

    __slots__ = ("_half",)

    def __init__(self) -> None:
        self._half = ""

    def join(self, text: str) -> str:
        if not self._half and _sound(text):
            return text
        text = self._half + text
        self._half = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""
        if self._half:
            text = text[:-1]
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def rest(self) -> str:
        half, self._half = self._half, ""
        return "\ufffd" if half else ""


def _sound(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True

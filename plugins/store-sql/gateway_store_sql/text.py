"""Text that both databases can keep: Unicode without NUL."""

from __future__ import annotations

from gateway import BadCall


def storable(text: str) -> bool:
    if text.isprintable():  # nearly always; lone surrogates and NUL are not
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def check(what: str, *texts: str) -> None:
    """Raises BadCall."""
    if not all(map(storable, texts)):
        raise BadCall(f"{what} holds characters that are no text (NUL, halves of surrogate pairs); leave them out.")

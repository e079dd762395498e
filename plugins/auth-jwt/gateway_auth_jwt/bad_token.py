"""BadToken: why a text proves nothing."""

from __future__ import annotations


class BadToken(Exception):
    """Why, in words that quote nothing of it. expired: it was a good one once."""

    def __init__(self, why: str, expired: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.expired = expired

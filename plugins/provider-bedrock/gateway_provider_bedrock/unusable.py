"""Why the endpoint cannot be called."""

from __future__ import annotations


class Unusable(Exception):
    """where: a variable's name or a path. The text has why, in words for the operator."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(why)
        self.where = where

"""The text that both databases share, as PostgreSQL has it."""

from __future__ import annotations

import re
from functools import cache

_PARAMETER = re.compile(r"\?(\d+)")
_TEXT = re.compile(r"\bTEXT\b")


@cache
def statement(sql: str) -> str:
    """`?1` is `$1`."""
    return _PARAMETER.sub(r"$\1", sql)


def schema(sql: str) -> str:
    """Text is ordered by code points, as SQLite and Python order it, whatever the collation of the database is."""
    return _TEXT.sub('TEXT COLLATE "C"', sql)

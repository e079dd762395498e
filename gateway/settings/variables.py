"""`${VAR}` in configuration text, replaced at use and by LibreChat's rules.

A whole text `${NAME}` is the variable's value; elsewhere each `${NAME}` is replaced. An empty value counts as unset, an
unset one stays as it stands. Source: LibreChat `packages/data-provider/src/utils.ts`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

NEVER = frozenset(
    (
        "JWT_SECRET",
        "JWT_REFRESH_SECRET",
        "CREDS_KEY",
        "CREDS_IV",
        "MEILI_MASTER_KEY",
        "MONGO_URI",
        "REDIS_URI",
        "REDIS_PASSWORD",
    )
)
_WHOLE = re.compile(r"^\$\{(.+)\}$", re.DOTALL)
_PART = re.compile(r"\$\{([^}]+)\}")


def substitute(text: str, environ: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """The text with variables replaced, and the names of those that have no value (left as they stand)."""
    unset: list[str] = []

    def value(match: re.Match[str]) -> str:
        name = match[1].strip()
        found = "" if name in NEVER else environ.get(name, "")
        if not found:
            unset.append(name)
        return found or match[0]

    whole = _WHOLE.match(text.strip())
    if whole:
        return value(whole) if value(whole) != whole[0] else text, tuple(dict.fromkeys(unset))
    return _PART.sub(value, text), tuple(dict.fromkeys(unset))

"""Where something stands: steps such as `("endpoints", "custom", 2, "apiKey")`, their text, and patterns of them."""

from __future__ import annotations

import re
from typing import Any

Steps = tuple[str | int, ...]
_STEP = re.compile(r"\[(\d*)\]|([^.\[\]]+)")


def text(steps: Steps) -> str:
    """`endpoints.custom[2].apiKey`; names that are not plain are quoted."""
    parts: list[str] = []
    for step in steps:
        if isinstance(step, int):
            parts.append(f"[{step}]")
        else:
            parts.append(f".{step}" if step and not set(step) & set(".[]\"' \n") else f"[{step!r}]")
    return "".join(parts).removeprefix(".")


def steps(path: str) -> Steps:
    """The steps of a path as plugins write it; `[]` gives no step."""
    found: list[str | int] = []
    for match in _STEP.finditer(path):
        if match[2]:
            found.append(match[2])
        elif match[1]:
            found.append(int(match[1]))
    return tuple(found)


def pattern(path: str) -> tuple[str, ...]:
    """The steps of a pattern, where a list's items are `[]` and any name is `*`."""
    return tuple(match[2] or "[]" for match in _STEP.finditer(path))


def general(steps: Steps) -> tuple[str, ...]:
    """Steps as a pattern has them: every index is `[]`."""
    return tuple("[]" if isinstance(step, int) else step for step in steps)


def at(tree: Any, steps: Steps) -> Any:
    """What stands there, None where nothing does."""
    for step in steps:
        if not _has(tree, step):
            return None
        tree = tree[step]
    return tree


def _has(tree: Any, step: str | int) -> bool:
    if isinstance(tree, dict):
        return step in tree
    return isinstance(tree, list) and isinstance(step, int) and step < len(tree)

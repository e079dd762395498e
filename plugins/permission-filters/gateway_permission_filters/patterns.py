"""Patterns: what a text must not hold, by an engine whose time grows with the text and with nothing else (RE2)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import re2  # type: ignore[import-untyped]

from gateway import SettingsError

from .settings import CustomPattern

LONGEST = {"id": 256, "label": 512, "regex": 512}
MOST = 256
STARTERS = {
    "sk_prefix": ("sk- prefix token", r"\b(sk-)[a-zA-Z0-9_-]+"),
    "bearer_header": ("Bearer token", r"(?i)\b(Bearer )[^\s\"']+"),
    "api_key_header": ("api-key header", r"(?i)\b(api-key:?\s+)[^\s\"']+"),
}
"""LibreChat's own: label and expression. Source: LibreChat `packages/api/src/protection/detectors/pattern.ts`."""


class Pattern:
    """id: for the log. label: for callers. Raises ValueError for an expression that is none."""

    def __init__(self, id: str, label: str, regex: str) -> None:  # noqa: A002
        options = re2.Options()
        options.log_errors = False
        try:
            self._search = re2.compile(regex, options).search
        except re2.error as error:
            said = error.args[0] if error.args else ""
            raise ValueError(said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)) from error
        self.id = id
        self.label = label

    def is_in(self, text: str) -> bool:
        try:
            return self._search(text) is not None
        except UnicodeEncodeError:
            return self._search(text.encode("utf-8", "replace").decode()) is not None


def patterns(path: str, starters: Sequence[str] | None, custom: Sequence[CustomPattern]) -> tuple[Pattern, ...]:
    """path: of the settings. LibreChat passes over starters that it does not know. Raises SettingsError."""
    chosen = STARTERS if starters is None else [name for name in starters if name in STARTERS]
    found = [Pattern(name, *STARTERS[name]) for name in chosen]
    wrong = list(_wrong(path, custom))
    if wrong:
        raise SettingsError("\n".join(wrong))
    return (*found, *(Pattern(one.id, one.label, one.regex) for one in custom))


def _wrong(path: str, custom: Sequence[CustomPattern]) -> Iterator[str]:
    if len(custom) > MOST:
        yield f"{path}.customPatterns: there are {len(custom)}, and {MOST} at most are taken"
    for number, one in enumerate(custom):
        place = f"{path}.customPatterns[{number}]"
        for name, longest in LONGEST.items():
            if not 0 < len(getattr(one, name)) <= longest:
                yield f"{place}.{name}: write a text of 1 to {longest} characters"
        try:
            Pattern(one.id, one.label, one.regex)
        except ValueError as error:
            yield f"{place}.regex: {error}; write it in RE2's syntax, which has no look-around and no references back"

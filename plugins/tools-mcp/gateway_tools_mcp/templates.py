"""Text of the configuration with placeholders, filled for each caller by LibreChat's rules.

Variables of the environment are put in once, at startup and before anything of a user's, so that no user's value can
read one. Source: LibreChat `packages/api/src/utils/env.ts`.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from urllib.parse import quote

from msgspec import Struct

from gateway import Asker, Secret, Settings

_PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
_OURS = re.compile(r"LIBRECHAT_(?:USER|BODY|OPENID|GRAPH)_[A-Z_]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_BEYOND_LATIN = re.compile(r"[^\x00-\xff]")
OF_THE_CALL = "LIBRECHAT_BODY_"
"""What these stand for changes from call to call, so that no connection can be kept for it."""
_FILLED: Mapping[str, Callable[[Asker], str]] = {
    "LIBRECHAT_USER_ID": lambda asker: asker.principal.user_id,
    "LIBRECHAT_USER_NAME": lambda asker: asker.principal.name,
    "LIBRECHAT_USER_USERNAME": lambda asker: asker.principal.name,
    "LIBRECHAT_USER_EMAIL": lambda asker: asker.principal.email,
    "LIBRECHAT_USER_ROLE": lambda asker: asker.principal.role,
    "LIBRECHAT_BODY_CONVERSATIONID": lambda asker: asker.conversation,
}
Values = Mapping[str, Secret]
"""What a user keeps for a server's customUserVars."""


class Template(Struct, frozen=True):
    """names: of its placeholders, those of variables that users keep included."""

    text: Secret
    names: frozenset[str] = frozenset()

    @classmethod
    def of(cls, settings: Settings, text: Secret | str, variables: Mapping[str, object]) -> Template:
        """Raises UnsetVariable. A placeholder that means nothing stays as it is written."""
        resolved = settings.secret(text)
        found = frozenset(_PLACEHOLDER.findall(resolved.reveal()))
        return cls(resolved, frozenset(name for name in found if name in variables or _OURS.fullmatch(name)))

    @property
    def is_personal(self) -> bool:
        return any(not name.startswith(OF_THE_CALL) for name in self.names)

    @property
    def changes(self) -> bool:
        """Whether it is another with each call."""
        return any(name.startswith(OF_THE_CALL) for name in self.names)

    def fill(self, asker: Asker, values: Values, spell: Callable[[str], str] = str) -> str:
        """spell: how what a user supplies is written where the text goes."""
        if not self.names:
            return self.text.reveal()

        def one(match: re.Match[str]) -> str:
            return spell(_value(match[1], asker, values)) if match[1] in self.names else match[0]

        return _PLACEHOLDER.sub(one, self.text.reveal())


def _value(name: str, asker: Asker, values: Values) -> str:
    """What is known and has no value is nothing."""
    if name in values:
        return values[name].reveal()
    filled = _FILLED.get(name)
    return filled(asker) if filled is not None else ""


def in_header(value: str) -> str:
    """People's names are any text; HTTP headers are Latin-1, and nothing in a value may begin another header."""
    if _CONTROL.search(value) or _BEYOND_LATIN.search(value):
        return "b64:" + b64encode(value.encode("utf-8", "replace")).decode()
    return value


def in_url(value: str) -> str:
    """It cannot leave its part of the URL."""
    return quote(value, safe="", errors="replace")


def in_program(value: str) -> str:
    """Arguments and variables of programs end at a zero."""
    return value.replace("\0", "")

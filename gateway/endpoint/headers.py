"""HeaderTemplates: an endpoint's configured headers, filled for each caller by LibreChat's rules.

Source: LibreChat `packages/api/src/utils/env.ts`. Variables of the environment are put in once, at startup and before
anything of a user's, so that no user's name can read one.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Mapping

from ..inbound import Principal
from ..secret import Secret
from ..settings import Settings

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_BEYOND_LATIN = re.compile(r"[^\x00-\xff]")
_CREDENTIAL = re.compile(r"authorization|api-?key|token|secret|cookie|credential")
_EMPTY_CREDENTIAL = re.compile(r"\s*(?:bearer|basic|token)?\s*", re.IGNORECASE)
_FRAMING = frozenset(
    ("connection", "content-length", "content-type", "keep-alive", "te", "transfer-encoding", "upgrade")
)
_KNOWN = re.compile(
    r"USER_(?:(?:APPLE|DISCORD|FACEBOOK|GITHUB|GOOGLE|LDAP|OPENID|SAML)?ID|EMAIL|EMAILVERIFIED|NAME|PROVIDER|ROLE"
    r"|TERMSACCEPTED(?:AT)?|TWOFACTORENABLED|USERNAME)"
    r"|BODY_(?:CONVERSATION|MESSAGE|PARENTMESSAGE)ID"
    r"|OPENID_(?:ACCESS_TOKEN|EXPIRES_AT|ID_TOKEN|TOKEN|USER_EMAIL|USER_ID|USER_NAME)"
    r"|GRAPH_ACCESS_TOKEN"
)
_PLACEHOLDER = re.compile(r"\{\{LIBRECHAT_([A-Z_]+)\}\}")
_FILLED: Mapping[str, Callable[[Principal], str]] = {
    "USER_ID": lambda principal: _safe(principal.user_id),
    "USER_ROLE": lambda principal: _safe(principal.role),
    "USER_NAME": lambda principal: _text(principal.name),
    "USER_USERNAME": lambda principal: _text(principal.name),
    "USER_EMAIL": lambda principal: _text(principal.email),
}


class BadHeader(ValueError):
    """A configured header that HTTP cannot carry. name: its name. The text has what is wrong, without the value."""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(what)
        self.name = name


class HeaderTemplates:
    """fixed: headers that are the same for every caller, names in lower case."""

    __slots__ = ("_fallback", "_templates", "fixed")

    def __init__(self, fixed: Mapping[str, str], templates: Mapping[str, str], fallback: Mapping[str, str]) -> None:
        self.fixed = fixed
        self._templates = templates
        self._fallback = fallback

    @classmethod
    def compile(
        cls, settings: Settings, headers: Mapping[str, Secret], fallback: Mapping[str, str] | None = None
    ) -> HeaderTemplates:
        """fallback: sent where `headers` gives no such header. Raises UnsetVariable or BadHeader.

        Headers that belong to the connection or to the body (`content-type`, `content-length`, …) are left out.
        """
        resolved = {_name(name): _value(name, settings.secret(text)) for name, text in headers.items()}
        kept = {name: value for name, value in resolved.items() if name not in _FRAMING}
        templates = {name: value for name, value in kept.items() if _PLACEHOLDER.search(value)}
        fallback = {_name(name): _value(name, Secret(value)) for name, value in (fallback or {}).items()}
        fixed = {name: value for name, value in (fallback | kept).items() if name not in templates}
        return cls(fixed, templates, {name: value for name, value in fallback.items() if name in templates})

    @property
    def personal(self) -> bool:
        """Whether callers get different ones."""
        return bool(self._templates)

    def fill(self, principal: Principal) -> Mapping[str, str]:
        """The headers for this caller. Not to be changed: it may be shared."""
        if not self._templates:
            return self.fixed
        filled = dict(self.fixed)
        for name, template in self._templates.items():
            value = _fill(template, principal)
            if not (_CREDENTIAL.search(name) and _EMPTY_CREDENTIAL.fullmatch(value)):
                filled[name] = value
            elif name in self._fallback:
                filled[name] = self._fallback[name]
        return filled


def _name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise BadHeader(name, "the name of this header has characters that HTTP does not allow")
    return name.lower()


def _value(name: str, value: Secret) -> str:
    text = value.reveal().strip()
    if _CONTROL.search(text):
        raise BadHeader(name, "the value of this header has a line break or another control character in it")
    return text


def _fill(template: str, principal: Principal) -> str:
    def one(match: re.Match[str]) -> str:
        if filled := _FILLED.get(match[1]):
            return filled(principal)
        return "" if _KNOWN.fullmatch(match[1]) else match[0]

    return _PLACEHOLDER.sub(one, template)


def _text(value: str) -> str:
    """People's names are any text; HTTP headers are Latin-1."""
    return _base64(value) if _BEYOND_LATIN.search(value) else _safe(value)


def _safe(value: str) -> str:
    """Nothing in a caller's record may end a header and begin another."""
    return _base64(value) if _CONTROL.search(value) else value


def _base64(value: str) -> str:
    return "b64:" + b64encode(value.encode("utf-8", "replace")).decode()

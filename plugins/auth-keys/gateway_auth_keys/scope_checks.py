"""What a key may be made for, whoever writes it down."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from gateway import BadCall, Scopes

LONGEST = 200
Texts = tuple[str, ...]


def checked(scopes: Scopes, dialects: Sequence[str] | None = None) -> Scopes:
    """As the store keeps them. dialects: those that there are, where they are known.

    Raises BadCall, whose `param` is the part that is wrong.
    """
    if dialects is not None:
        refuse_unknown(scopes.dialects, dialects)
    return Scopes(
        agents=_names("agents", scopes.agents),
        models=_names("models", scopes.models),
        dialects=_names("dialects", scopes.dialects),
        networks=_networks(scopes.networks),
    )


def refuse_unknown(dialects: Texts, known: Sequence[str]) -> None:
    """Raises BadCall."""
    for name in dialects:
        if name not in known:
            raise BadCall(f"no API here is named {name!r}; there are: {', '.join(known)}", param="dialects")


def _names(part: str, texts: Texts) -> Texts:
    """An empty one is mostly an unset variable of a script: it must not become a key for everything, or for nothing."""
    for text in texts:
        if not text.strip() or len(text) > LONGEST or not text.isprintable():
            raise BadCall(f"{text!r} is no name; write a printable one of at most {LONGEST} characters", param=part)
    return tuple(dict.fromkeys(text.strip() for text in texts))


def _networks(texts: Texts) -> Texts:
    """Without the bits that belong to a host."""
    found: list[str] = []
    for text in texts:
        try:
            network = ipaddress.ip_network(text.strip(), strict=False)
        except ValueError as error:
            words = f"{text!r} is no address or network; write for example 192.0.2.0/24 or 2001:db8::/32"
            raise BadCall(words, param="networks") from error
        found.append(str(network))
    return tuple(dict.fromkeys(found))

"""Style: whose API an entry's upstream speaks, as far as addresses and headers go."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct, field

from gateway import Address
from gateway.endpoint.parameters import NAMES

STOP = "stop_sequences"
_VERSIONED = re.compile(r"(?:/v1)?(?:/messages)?/?(?=\?|$)")


class Style(Struct, frozen=True):
    """dialects: unless something else is said of the endpoint. header, prefix: where its key goes.

    rooted: base URLs may leave out the `/v1` that requests have. path: of its requests.
    listing_headers, listing_query: what the list of models wants besides. names: of parameters, by LibreChat's.
    """

    dialects: tuple[str, ...]
    path: str
    header: str = "authorization"
    prefix: str = "Bearer "
    rooted: bool = False
    listing_headers: Mapping[str, str] = {}
    listing_query: Mapping[str, str] = {}
    names: Mapping[str, str] = field(default_factory=lambda: NAMES)

    def base(self, given: Address, direct: bool) -> Address:
        """The address that requests go below."""
        if direct or not self.rooted:
            return given
        return Address(_VERSIONED.sub("/v1", given.verbatim, count=1))

    def below(self, base: Address, direct: bool) -> Address:
        """What other requests than those of a direct endpoint go below."""
        return Address(base.verbatim.replace(self.path, "", 1)) if direct else base


STYLES: Mapping[str, Style] = {
    "": Style(("openai-chat", "openai-media"), "/chat/completions"),
    "anthropic": Style(
        ("anthropic-messages",),
        "/messages",
        header="x-api-key",
        prefix="",
        rooted=True,
        listing_headers={"anthropic-version": "2023-06-01"},
        listing_query={"limit": "1000"},
        names={**NAMES, "maxOutputTokens": "max_tokens", "stopSequences": STOP, "stop": STOP},
    ),
}
"""By LibreChat's `provider`. Its client for `anthropic` puts `/v1/messages` behind the base URL."""

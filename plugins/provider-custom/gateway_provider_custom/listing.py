"""Listing: an entry's list of models, one for all callers or, where the upstream is told who asks, one for each."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from gateway import Address, HeaderTemplates, ModelList, Principal, Services
from gateway.endpoint import CallerLists

from .style import Style

TAGS = "/api/tags"


class _Tag(msgspec.Struct):
    name: str


class _Tags(msgspec.Struct):
    models: list[_Tag]


_tags = msgspec.json.Decoder(_Tags)


def tags(body: bytes) -> list[str]:
    """The names in Ollama's own list. Raises msgspec.DecodeError. Source: Ollama `docs/api.md`, `GET /api/tags`."""
    return [tag.name for tag in _tags.decode(body).models]


class Listing:
    """by_user: the upstream is told the caller's id. own: it may have Ollama's own list, which is tried first."""

    def __init__(
        self,
        services: Services,
        endpoint: str,
        base: Address,
        style: Style,
        headers: HeaderTemplates,
        defaults: tuple[str, ...],
        *,
        by_user: bool,
        own: bool,
    ) -> None:
        self._services, self._endpoint = services, endpoint
        self._base, self._style, self._headers = base, style, headers
        self._defaults, self._by_user, self._own = defaults, by_user, own
        self._lists = CallerLists(self._make)

    async def names(self, principal: Principal) -> tuple[str, ...]:
        query = dict(self._style.listing_query)
        if self._by_user and principal.user_id:
            query["user"] = principal.user_id
        headers = {**self._style.listing_headers, **self._headers.fill(principal)}
        return await self._lists.names(self._base.url("/models", query), headers)

    def _make(self, url: str, headers: Mapping[str, str]) -> ModelList | _Either:
        usual = ModelList.of(self._services, self._endpoint, url, headers, self._defaults)
        if not self._own:
            return usual
        own = ModelList.of(self._services, self._endpoint, self._base.origin + TAGS, headers, read=tags)
        return _Either(own, usual)


class _Either:
    """The first list that has names."""

    def __init__(self, first: ModelList, second: ModelList) -> None:
        self._first, self._second = first, second

    async def names(self) -> tuple[str, ...]:
        return await self._first.names() or await self._second.names()

"""Models as Anthropic lists them. Source: Anthropic, "List Models", and the SDK's ModelInfo.

A release date that is not known is the epoch, as the vendor's documentation has it. Without `limit` all are listed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from gateway import BadCall, Inbound, Model, ModelFacts
from gateway.wire import jsontext

MOST = 1000
LAST_DATE = 253_402_300_799
"""The last second of the year 9999, which is the last that RFC 3339 can write."""


class ModelEntry(msgspec.Struct, tag="model"):
    id: str
    display_name: str
    created_at: str
    max_input_tokens: int | None = None
    max_tokens: int | None = None
    lifecycle: str = "active"


class ModelPage(msgspec.Struct):
    data: list[ModelEntry]
    has_more: bool
    first_id: str | None
    last_id: str | None


def one(model: Model) -> bytes:
    return jsontext.encode(_entry(model))


def page(models: Sequence[Model], inbound: Inbound) -> bytes:
    """The page that `limit`, `after_id` and `before_id` ask for. Raises BadCall where one of them is wrong."""
    most = _limit(inbound.query.get("limit"))
    before = inbound.query.get("before_id")
    if before is not None:
        rest = models[: _place(models, before, "before_id")]
        shown = rest[max(len(rest) - most, 0) :]
    else:
        after = inbound.query.get("after_id")
        rest = models[_place(models, after, "after_id") + 1 :] if after is not None else models
        shown = rest[:most]
    entries = [_entry(model) for model in shown]
    first, last = (entries[0].id, entries[-1].id) if entries else (None, None)
    return jsontext.encode(ModelPage(entries, len(rest) > len(shown), first, last))


def _entry(model: Model) -> ModelEntry:
    facts = model.facts or ModelFacts()
    seconds = min(max(model.created, 0), LAST_DATE)
    created = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return ModelEntry(model.id, model.name or model.id, created, facts.context, facts.max_output)


def _limit(given: str | None) -> int:
    if given is None:
        return MOST
    if not (given.isascii() and given.isdigit()) or len(given) > 9 or not 1 <= int(given) <= MOST:
        raise BadCall(f"`limit` must be a number from 1 to {MOST}.", param="limit")
    return int(given)


def _place(models: Sequence[Model], name: str, param: str) -> int:
    for place, model in enumerate(models):
        if model.id == name:
            return place
    raise BadCall(f"`{param}` names no model of the list.", param=param)

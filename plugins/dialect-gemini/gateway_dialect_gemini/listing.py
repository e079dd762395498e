"""Models as clients list them. Source: Gemini API, `Model`, `ListModelsResponse`."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import BadCall, Inbound, Model
from gateway.wire import jsontext
from gateway.wire.jsontext import Members

from .names import COUNT, GENERATE, MODELS, STREAM

VERSION = "001"


def one(model: Model) -> bytes:
    return jsontext.encode(_entry(model))


def page(models: Sequence[Model], inbound: Inbound) -> bytes:
    """All of them, unless the client asks for pages. Raises BadCall for a page that cannot be."""
    size, start = _number(inbound, "pageSize"), _number(inbound, "pageToken")
    end = start + size if size else len(models)
    out: Members = {"models": [_entry(model) for model in models[start:end]]}
    if end < len(models):
        out["nextPageToken"] = str(end)
    return jsontext.encode(out)


def _entry(model: Model) -> Members:
    out: Members = {
        "name": MODELS + model.id,
        "version": VERSION,
        "displayName": model.name or model.id,
        "description": model.description,
    }
    if model.facts is not None and model.facts.context is not None:
        out["inputTokenLimit"] = model.facts.context
    if model.facts is not None and model.facts.max_output is not None:
        out["outputTokenLimit"] = model.facts.max_output
    return out | {"supportedGenerationMethods": [GENERATE, STREAM, COUNT]}


def _number(inbound: Inbound, name: str) -> int:
    text = inbound.query.get(name, "") or "0"
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise BadCall(f"`{name}` is not one that this list gave or takes.", param=name, code="invalid_value")
    return int(text)

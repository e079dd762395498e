"""A client's request: which model, whether streamed, how much; from JSON or from a form."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from gateway import BadCall, Envelope, Inbound
from gateway.wire.jsontext import first
from gateway.wire.members import FLAG, INTEGER, TEXT, Members, parsed

from .endpoints import COMPLETIONS, DEFAULTS, PLAIN, SPEECH, WRITTEN_DOWN
from .forms import Form, is_form, scan

CONTENT_TYPE = "content-type"


class Asked(msgspec.Struct, frozen=True):
    """form: None for JSON. plain: the reply is sound or plain text, neither JSON nor events."""

    model: str
    stream: bool = False
    choices: int = 1
    max_output: int | None = None
    form: Form | None = None
    plain: bool = False


def read(inbound: Inbound) -> Asked:
    """Raises BadCall where the request cannot be read or names no model."""
    kind = content_type(inbound.headers)
    if is_form(kind):
        return _of_form(inbound, inbound.intake if isinstance(inbound.intake, Form) else scan(inbound.body, kind))
    return _of_json(inbound)


def intake(inbound: Inbound) -> Form | None:
    """A form may hold more than fits here; JSON is read whole."""
    kind = content_type(inbound.headers)
    return Form(kind) if is_form(kind) else None


def peek(inbound: Inbound) -> Envelope:
    asked = read(inbound)
    return Envelope(asked.model, asked.stream, asked.max_output, asked.choices)


def content_type(headers: Mapping[str, str]) -> str:
    return headers.get(CONTENT_TYPE) or next(
        (value for name, value in headers.items() if name.lower() == CONTENT_TYPE), ""
    )


def _of_json(inbound: Inbound) -> Asked:
    members = Members(parsed(inbound.body))
    limit = members.take("max_tokens", INTEGER) if inbound.operation.path == COMPLETIONS else None
    stream = members.take("stream", FLAG) is True or _word(members, "stream_format") == "sse"
    return Asked(
        _model(members.take("model", TEXT), inbound),
        stream=stream,
        choices=max(members.take("n", INTEGER) or 1, 1),
        max_output=limit,
        plain=_is_plain(inbound, _word(members, "response_format"), stream),
    )


def _of_form(inbound: Inbound, form: Form) -> Asked:
    choices = form.field("n") or ""
    stream = (form.field("stream") or "").lower() in ("true", "1")
    return Asked(
        _model(form.field("model"), inbound),
        stream=stream,
        choices=max(int(choices), 1) if choices.isascii() and choices.isdecimal() and len(choices) < 5 else 1,
        form=form,
        plain=_is_plain(inbound, form.field("response_format"), stream),
    )


def _is_plain(inbound: Inbound, wanted: str | None, stream: bool) -> bool:
    path = inbound.operation.path
    return not stream and (path == SPEECH or (path in WRITTEN_DOWN and wanted in PLAIN))


def _word(members: Members, name: str) -> str | None:
    """A member that may be an object elsewhere."""
    value = members.seen(name)
    return members.take(name, TEXT) if value is not None and first(value) == b'"' else None


def _model(given: str | None, inbound: Inbound) -> str:
    model = given or DEFAULTS.get(inbound.operation.path)
    if not model:
        raise BadCall("`model` is required.", param="model", code="missing_required_parameter")
    return model

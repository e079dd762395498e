"""Passthrough: a client's request with the upstream's model, and what the route sets.

Of JSON, untouched members keep their order and bytes. Of a form only the model's bytes change.
"""

from __future__ import annotations

from msgspec import Raw

from gateway import Edit, Encoded, Extra, Inbound, Parameter, Target
from gateway.wire import jsontext
from gateway.wire.members import parsed

from . import asked
from .endpoints import COMPLETIONS
from .forms import Form

_TRUE = Raw(b"true")
_ASK = Raw(b'{"include_usage":true}')
_COMPLETIONS: dict[Parameter, str] = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "seed": "seed",
    "stop": "stop",
    "logit_bias": "logit_bias",
    "max_output_tokens": "max_tokens",
    "user": "user",
}
"""Where a parameter of an agent stands in a legacy completion; the other paths have none of them."""


def edited(inbound: Inbound, edit: Edit, target: Target) -> Encoded:
    """Raises BadCall where the request cannot be read."""
    call = asked.read(inbound)
    if call.form is not None:
        return _form(inbound, call.form, edit, target)
    members = parsed(inbound.body)
    wanted = _includes_usage(members)
    members["model"] = jsontext.raw(edit.model)
    loss = ["instructions"] if edit.instructions else []
    loss += _parameters(members, inbound.operation.path, edit)
    members |= edit.set
    members |= target.set
    for name in edit.drop | target.drop:
        members.pop(name, None)
    loss += [name for name in target.quirks.refused if members.pop(name, None) is not None]
    told = _ask_usage(members, inbound, edit, target)
    return Encoded(inbound.operation.path, jsontext.encode(members), loss=tuple(loss), usage_asked=told and not wanted)


def _form(inbound: Inbound, form: Form, edit: Edit, target: Target) -> Encoded:
    """What is set or dropped elsewhere stays as the client wrote it; what is set is named as lost."""
    body, model = inbound.body, edit.model.encode("utf-8", "replace")
    part = form.part("model")
    if part is None:
        field = b'--%b\r\nContent-Disposition: form-data; name="model"\r\n\r\n%b\r\n' % (form.boundary, model)
        body = body[: form.begin] + field + body[form.begin :]
    else:
        body = body[: part.start] + model + body[part.end :]
    unsaid = [*(["instructions"] if edit.instructions else []), *edit.defaults, *edit.set, *target.set]
    return Encoded(
        inbound.operation.path,
        body,
        headers={"Content-Type": asked.content_type(inbound.headers)},
        loss=tuple(dict.fromkeys(unsaid)),
        text_bytes=form.text_bytes,
    )


def _parameters(members: Extra, path: str, edit: Edit) -> list[str]:
    """Defaults where the client says nothing, null included; locked ones always. Gives those without a member here."""
    loss: list[str] = []
    for parameter, value in edit.defaults.items():
        name = _COMPLETIONS.get(parameter) if path == COMPLETIONS else None
        if name is None:
            loss.append(parameter)
        elif parameter in edit.locked or name not in members or jsontext.is_null(members[name]):
            members[name] = value
    return loss


def _ask_usage(members: Extra, inbound: Inbound, edit: Edit, target: Target) -> bool:
    """Whether a streamed completion tells its usage; it is asked to where it may be."""
    if inbound.operation.path != COMPLETIONS or bytes(members.get("stream", b"")) != b"true":
        return False
    known = target.quirks.stream_options and "stream_options" not in edit.drop | target.drop | target.quirks.refused
    if not edit.usage or not known or _includes_usage(members):
        return _includes_usage(members)
    options = members.get("stream_options", jsontext.NULL)
    if jsontext.first(options) not in (b"{", b"n"):
        return False
    given = jsontext.members(options)
    members["stream_options"] = jsontext.raw(given | {"include_usage": _TRUE}) if given else _ASK
    return True


def _includes_usage(members: Extra) -> bool:
    options = jsontext.members(members.get("stream_options", jsontext.NULL))
    return bytes(options.get("include_usage", b"")) == b"true"

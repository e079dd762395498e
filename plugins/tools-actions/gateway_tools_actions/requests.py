"""Arguments of a model as a request: path, query, headers and body, each of which they cannot leave."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from gateway.wire.jsontext import encode
from gateway.wire.segments import segment

from .operations import Operation, Parameter

LONGEST_URL = 16_384
LONGEST_HEADER = 8_192
LARGEST_BODY = 4 * 2**20
_HEADER_TEXT = re.compile(r"[\x20-\x7e\xa0-\xff]*")
_SEPARATORS = {"form": ",", "simple": ",", "spaceDelimited": " ", "pipeDelimited": "|"}


class BadArguments(Exception):
    """In words for the model."""


class Asked(NamedTuple):
    """path, query: to be added to a base URL. body: None where none is sent."""

    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes | None


def asked(operation: Operation, arguments: Mapping[str, Any], reserved: str = "") -> Asked:
    """reserved: the query parameter that is the gateway's own. Raises BadArguments."""
    _check_names(operation, arguments)
    given = [(operation.arguments[name], value) for name, value in arguments.items() if value is not None]
    pairs = [pair for parameter, value in given if parameter.place == "query" for pair in _query(parameter, value)]
    query = urlencode(
        [pair for pair in pairs if pair[0].lower() != reserved.lower()], quote_via=quote, errors="replace"
    )
    path = _path(operation, arguments)
    if len(path) + len(query) > LONGEST_URL:
        raise BadArguments(f"What goes into the URL is longer than {LONGEST_URL} characters.")
    headers = {parameter.name: _header(parameter, value) for parameter, value in given if parameter.place == "header"}
    body = _body(operation, arguments)
    if body is not None and len(body) > LARGEST_BODY:
        raise BadArguments(f"What is to be sent is larger than {LARGEST_BODY} bytes.")
    return Asked(path, query, headers, body)


def _check_names(operation: Operation, arguments: Mapping[str, Any]) -> None:
    for name in arguments:
        if name not in operation.arguments:
            known = ", ".join(operation.arguments) or "none"
            raise BadArguments(f"There is no parameter {name[:100]!r}; there are: {known[:2000]}.")
    for name, parameter in operation.arguments.items():
        if parameter.required and name not in arguments:
            raise BadArguments(f"The parameter {name!r} is missing.")


def _path(operation: Operation, arguments: Mapping[str, Any]) -> str:
    pieces = [quote(piece, safe="/:@!$&'()*+,;=~%-._") for piece in operation.path]
    for number in range(1, len(pieces), 2):
        name = operation.path[number]
        text = _joined(operation.arguments[name], arguments[name])
        try:
            pieces[number] = segment(text, safe=",")
        except ValueError as error:
            raise BadArguments(f"The parameter {name!r} cannot be part of a path: {error}.") from error
    return "".join(pieces)


def _header(parameter: Parameter, value: Any) -> str:
    text = _joined(parameter, value)
    if len(text) > LONGEST_HEADER or not _HEADER_TEXT.fullmatch(text):
        what = f"it is longer than {LONGEST_HEADER} characters, or has some that no header can hold"
        raise BadArguments(f"The parameter {parameter.name!r} cannot be sent: {what}.")
    return text


def _query(parameter: Parameter, value: Any) -> Iterator[tuple[str, str]]:
    name = parameter.name
    if parameter.as_json or not isinstance(value, list | Mapping):
        yield name, _joined(parameter, value)
    elif isinstance(value, Mapping) and parameter.style == "deepObject":
        yield from ((f"{name}[{key}]", _text(part)) for key, part in value.items())
    elif isinstance(value, Mapping) and parameter.explode:
        yield from ((str(key), _text(part)) for key, part in value.items())
    elif isinstance(value, list) and parameter.explode:
        yield from ((name, _text(part)) for part in value)
    else:
        yield name, _joined(parameter, value)


def _joined(parameter: Parameter, value: Any) -> str:
    """As one text: lists with their style's separator, objects as `key,value`."""
    separator = _SEPARATORS.get(parameter.style, ",")
    if parameter.as_json:
        return _json(value).decode()
    if isinstance(value, list):
        return separator.join(map(_text, value))
    if isinstance(value, Mapping):
        between = "=" if parameter.explode else separator
        return separator.join(f"{key}{between}{_text(part)}" for key, part in value.items())
    return _text(value)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else _json(value).decode()


def _body(operation: Operation, arguments: Mapping[str, Any]) -> bytes | None:
    members = {
        parameter.name: arguments[name]
        for name, parameter in operation.arguments.items()
        if parameter.place == "body" and name in arguments
    }
    if not operation.body or not (members or operation.body_required):
        return None
    value = members.get("body") if operation.whole else members
    if operation.body == "json":
        return _json(value)
    if operation.body == "form":
        if not isinstance(value, Mapping):
            raise BadArguments("The parameter 'body' is to be an object.")
        return urlencode(list(_form(value)), errors="replace").encode()
    return _text(value).encode("utf-8", "replace")


def _form(value: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, part in value.items():
        if part is not None:
            yield from ((str(key), _text(one)) for one in (part if isinstance(part, list) else [part]))


def _json(value: Any) -> bytes:
    try:
        return encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise BadArguments("The arguments cannot be written as JSON.") from error

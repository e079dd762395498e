"""Operations of a document: what each takes, where its arguments go, and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from msgspec import Raw, Struct

from gateway import Finding
from gateway.wire.jsontext import UNREADABLE, raw

from .document import Document
from .names import default_operation_id
from .schemas import Alone, BadReference, Schema, resolved

METHODS = ("get", "head", "post", "put", "patch", "delete")
READING = frozenset(("get", "head"))
LARGEST_SCHEMA = 100_000
_LONGEST_DESCRIPTION = 1024
_TEMPLATE = re.compile(r"\{([^{}]*)\}")
_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+*-]+/[a-z0-9!#$&^_.+*-]+")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_OURS = re.compile(r"(?:accept(?:-.*)?|proxy-.*|sec-.*|x-forwarded-.*|x-real-ip|x-http-method.*|x-original-.*)")
_NEVER = frozenset(
    (
        "host",
        "authorization",
        "cookie",
        "content-type",
        "content-length",
        "content-encoding",
        "transfer-encoding",
        "connection",
        "keep-alive",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "forwarded",
        "via",
        "origin",
        "referer",
        "user-agent",
    )
)
In = Literal["path", "query", "header", "body"]
BodyKind = Literal["", "json", "form", "text"]
_KINDS: tuple[BodyKind, ...] = ("json", "form", "text")


class Parameter(Struct, frozen=True):
    """name: there. place: where it goes. style, explode: as OpenAPI has them. as_json: it is written as JSON there."""

    name: str
    place: In
    style: str = ""
    explode: bool = False
    required: bool = False
    as_json: bool = False


class Operation(Struct, frozen=True):
    """path: the text of its template, and between its pieces the names of arguments. arguments: by the names that
    models see. body: what it is sent as. whole: the body is one argument, and not each of its members.
    """

    id: str
    method: str
    template: str
    path: tuple[str, ...]
    description: str
    parameters: Raw
    arguments: Mapping[str, Parameter]
    body: BodyKind = ""
    content_type: str = ""
    whole: bool = False
    body_required: bool = False

    @property
    def read_only(self) -> bool:
        return self.method in ("GET", "HEAD")


class Found(NamedTuple):
    operations: Sequence[Operation]
    findings: Sequence[Finding]


class _Unusable(Exception):
    """what, todo: in words for the operator."""

    def __init__(self, what: str, todo: str) -> None:
        super().__init__(what)
        self.what, self.todo = what, todo


class _Body(NamedTuple):
    kind: BodyKind
    content_type: str
    schema: Any
    required: bool


def operations_of(document: Document, wanted: Sequence[str], reserved: str = "") -> Found:
    """wanted: by operationId; all where it is empty. reserved: the name of a header or query parameter of the
    gateway's own, which no model may fill.
    """
    found: list[Operation] = []
    findings: list[Finding] = []
    there: list[str] = []
    for path, method, item, operation in _all(document):
        named = operation.get("operationId")
        known = named if isinstance(named, str) and named else default_operation_id(method, path)
        there.append(known)
        if wanted and known not in wanted:
            continue
        steps = ("paths", path, method)
        try:
            found.append(_operation(document, known, method, path, item, operation, reserved))
        except _Unusable as error:
            findings.append(document.finding(steps, f"{known} is no tool: {error.what}", error.todo, "warning"))
        except BadReference as error:
            todo = "mend the document, or put what it refers to into it"
            findings.append(document.finding(steps, f"{known} is no tool: {error}", todo, "warning"))
    for name in wanted:
        if name not in there:
            what = f"the document has no operation {name!r}"
            findings.append(document.finding((), what, f"name one of {', '.join(there[:20]) or 'those it has'}"))
    return Found(found, findings)


def _all(document: Document) -> Iterator[tuple[str, str, Mapping[str, Any], Mapping[str, Any]]]:
    for path, item in document.data["paths"].items():
        try:
            item = resolved(document.data, item)
        except BadReference:
            continue
        if isinstance(item, Mapping) and isinstance(path, str):
            for method in METHODS:
                if isinstance(operation := item.get(method), Mapping):
                    yield path, method, item, operation


def _operation(
    document: Document,
    known: str,
    method: str,
    template: str,
    item: Mapping[str, Any],
    operation: Mapping[str, Any],
    reserved: str,
) -> Operation:
    alone = Alone(document.data)
    arguments: dict[str, Parameter] = {}
    properties: dict[str, Schema] = {}
    for parameter, schema in _parameters(document, alone, item, operation, reserved):
        if parameter.place == "path" and f"{{{parameter.name}}}" not in template:
            continue
        name = _free(arguments, parameter)
        arguments[name] = parameter
        properties[name] = schema
    body = _body(document, operation) if method not in READING else _Body("", "", None, False)
    whole = False
    if body.kind:
        members = _members(document, body)
        whole = members is None
        inside = {"body": (body.schema, body.required)} if members is None else members
        for member, (part, required) in inside.items():
            parameter = Parameter(member, "body", required=required)
            name = _free(arguments, parameter)
            arguments[name] = parameter
            properties[name] = alone.schema(part)
    return Operation(
        id=known,
        method=method.upper(),
        template=template,
        path=_pieces(template, arguments),
        description=_description(operation, method, template),
        parameters=_schema(properties, arguments),
        arguments=arguments,
        body=body.kind,
        content_type=body.content_type,
        whole=whole,
        body_required=body.required,
    )


def _free(taken: Mapping[str, Parameter], parameter: Parameter) -> str:
    """Its own name; where another place has that, too, with the place in front."""
    name = parameter.name
    while name in taken:
        name = f"{parameter.place}_{name}"
    return name


def _schema(properties: Mapping[str, Schema], arguments: Mapping[str, Parameter]) -> Raw:
    required = [name for name, parameter in arguments.items() if parameter.required]
    schema = {"type": "object", "properties": properties, **({"required": required} if required else {})}
    try:
        written = raw(schema)
    except (TypeError, *UNREADABLE) as error:
        raise _Unusable("its parameters cannot be written as JSON", "mend the document") from error
    if len(bytes(written)) > LARGEST_SCHEMA:
        what = f"its parameters come to more than {LARGEST_SCHEMA} bytes, and every call of a model would pay for them"
        raise _Unusable(what, "give a document with what is needed alone")
    return written


def _description(operation: Mapping[str, Any], method: str, template: str) -> str:
    """As LibreChat: the summary, or else the description."""
    said = operation.get("summary") or operation.get("description")
    text = said if isinstance(said, str) else f"{method.upper()} {template}"
    return text[:_LONGEST_DESCRIPTION]


def _pieces(template: str, arguments: Mapping[str, Parameter]) -> tuple[str, ...]:
    by_wire = {parameter.name: name for name, parameter in arguments.items() if parameter.place == "path"}
    pieces = _TEMPLATE.split(template)
    if not template.startswith("/") or set("?#\\").intersection("".join(pieces[::2])):
        raise _Unusable("its path is none that can be added to a URL", "mend the document")
    for number in range(1, len(pieces), 2):
        if pieces[number] not in by_wire:
            what = f"its path has {{{pieces[number]}}}, and no parameter has this name"
            raise _Unusable(what, "add it to `parameters`, with `in: path`")
        pieces[number] = by_wire[pieces[number]]
    return tuple(pieces)


def _parameters(
    document: Document, alone: Alone, item: Mapping[str, Any], operation: Mapping[str, Any], reserved: str
) -> Iterator[tuple[Parameter, Schema]]:
    """The operation's own count more than those of its path."""
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for one in (*_list(item.get("parameters")), *_list(operation.get("parameters"))):
        one = resolved(document.data, one)
        if isinstance(one, Mapping) and isinstance(one.get("name"), str) and isinstance(one.get("in"), str):
            found[one["in"], one["name"]] = one
    for (place, name), one in found.items():
        if place not in ("path", "query", "header"):
            if one.get("required") is True:
                raise _Unusable(f"it needs {name!r} in a {place}", "leave it out; models fill path, query and headers")
            continue
        if place == "header" and not fillable(name, reserved):
            continue
        if place == "query" and name.lower() == reserved.lower():
            continue
        yield _parameter(document, alone, name, place, one)


def fillable(header: str, reserved: str = "") -> bool:
    """Whether a model may say what stands in this header."""
    name = header.lower()
    return (
        bool(_TOKEN.fullmatch(name)) and name not in _NEVER and not _OURS.fullmatch(name) and name != reserved.lower()
    )


def _parameter(
    document: Document, alone: Alone, name: str, place: str, one: Mapping[str, Any]
) -> tuple[Parameter, Schema]:
    content = one.get("content")
    as_json = isinstance(content, Mapping) and bool(content)
    part: Any = next(iter(content.values())) if isinstance(content, Mapping) and content else one
    schema = alone.schema(part.get("schema", {}) if isinstance(part, Mapping) else {})
    if isinstance(said := one.get("description"), str) and said:
        schema["description"] = said[:_LONGEST_DESCRIPTION]
    style = one["style"] if isinstance(one.get("style"), str) else {"query": "form"}.get(place, "simple")
    explode = one["explode"] if isinstance(one.get("explode"), bool) else style == "form"
    required = one.get("required") is True or place == "path"
    where: In = "path" if place == "path" else "query" if place == "query" else "header"
    return Parameter(name, where, style, explode, required, as_json), schema


def _body(document: Document, operation: Mapping[str, Any]) -> _Body:
    said = resolved(document.data, operation.get("requestBody"))
    content = said.get("content") if isinstance(said, Mapping) else None
    if not isinstance(said, Mapping) or not isinstance(content, Mapping) or not content:
        return _Body("", "", None, False)
    by_type = {str(name).partition(";")[0].strip().lower(): part for name, part in content.items()}
    kinds = sorted((rank, order, name) for order, name in enumerate(by_type) if (rank := _rank(name)) is not None)
    if not kinds:
        if said.get("required") is not True:
            return _Body("", "", None, False)
        what = f"its body is {', '.join(by_type)[:200]}"
        raise _Unusable(what, "leave it out; bodies are JSON, forms or text here")
    rank, _, name = kinds[0]
    kind = _KINDS[rank]
    part = by_type[name]
    schema = part.get("schema", {}) if isinstance(part, Mapping) else {}
    sent = "application/json" if name == "*/*" else name
    return _Body(kind, sent, schema if kind != "text" else {"type": "string"}, said.get("required") is True)


def _rank(media_type: str) -> int | None:
    """JSON is better than a form, a form better than text."""
    if not _MEDIA_TYPE.fullmatch(media_type):
        return None
    if media_type in ("application/json", "*/*") or media_type.endswith("+json"):
        return 0
    if media_type == "application/x-www-form-urlencoded":
        return 1
    return 2 if media_type.startswith("text/") and "*" not in media_type else None


def _members(document: Document, body: _Body) -> Mapping[str, tuple[Any, bool]] | None:
    """Of a body that is an object with these members and no others; each is an argument, as in LibreChat. None of one
    that is anything else.
    """
    schema = resolved(document.data, body.schema)
    if body.kind == "text" or not isinstance(schema, Mapping):
        return None
    properties = schema.get("properties")
    if not isinstance(properties, Mapping) or not properties or schema.get("type", "object") != "object":
        return None
    if {"allOf", "anyOf", "oneOf", "not", "if", "patternProperties"} & set(schema):
        return None
    if schema.get("additionalProperties") not in (None, False):
        return None
    required = schema.get("required") if isinstance(schema.get("required"), list) else []
    found = {}
    for name, part in properties.items():
        target = resolved(document.data, part)
        if not (isinstance(target, Mapping) and target.get("readOnly") is True):
            found[str(name)] = (part, name in (required or ()))
    return found or None


def _list(found: Any) -> Sequence[Any]:
    return found if isinstance(found, list) else ()

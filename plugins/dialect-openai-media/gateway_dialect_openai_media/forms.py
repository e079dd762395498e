"""A body of `multipart/form-data`: where its parts are, without copying any. Sans-IO; sources: RFC 7578, RFC 2046.

A form is refused where another reader could see other parts in it, since then it could name another model upstream
than here: a boundary that stands in a part's content, line ends other than CRLF around it, or a name said twice.
"""

from __future__ import annotations

import re

import msgspec

from gateway import BadCall

PARTS_LIMIT = 512
HEAD_LIMIT = 16 * 2**10
"""Bytes of a part's header lines."""
FIELD_LIMIT = 4 * 2**10
"""Bytes of a field that is read."""

_TYPE = re.compile(r"multipart/form-data\s*(;.*)?", re.IGNORECASE | re.DOTALL)
_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PARAMETER = re.compile(rf"\s*;\s*({_WORD})\s*=\s*(?:\"((?:[^\"\\\r\n]|\\.)*)\"|({_WORD}))")
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_PADDING = re.compile(rb"[ \t]{0,64}\r\n")
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n]*)")


class Part(msgspec.Struct, frozen=True):
    """start, end: of its content. plain: its content stands as it is, not in a transfer encoding."""

    name: str
    file: bool
    start: int
    end: int
    plain: bool = True


class Form(msgspec.Struct, frozen=True):
    """boundary: without the dashes before it. begin: where the first delimiter stands."""

    boundary: bytes
    begin: int
    parts: tuple[Part, ...]

    def field(self, body: bytes, name: str) -> str | None:
        """The text of a field; None where it is not there. Raises BadCall where it cannot be told."""
        part = self.part(name)
        if part is None:
            return None
        if part.end - part.start > FIELD_LIMIT:
            raise _bad(name, "is too long")
        try:
            return body[part.start : part.end].decode()
        except UnicodeDecodeError as error:
            raise _bad(name, "is not valid UTF-8") from error

    def part(self, name: str) -> Part | None:
        """Raises BadCall where there are several, or one that upstreams may read otherwise."""
        found = [part for part in self.parts if part.name == name]
        if len(found) > 1:
            raise _bad(name, "is given more than once")
        if found and (found[0].file or not found[0].plain):
            raise _bad(name, "must be a plain field, not a file or an encoded one")
        return found[0] if found else None

    @property
    def fields_size(self) -> int:
        """Bytes of all parts that are no files."""
        return sum(part.end - part.start for part in self.parts if not part.file)


def is_form(content_type: str) -> bool:
    return _TYPE.fullmatch(content_type.strip()) is not None


def scan(body: bytes, content_type: str) -> Form:
    """Raises BadCall where the body is no such form."""
    boundary = _boundary(content_type)
    delimiter = b"--" + boundary
    begin = _next(body, delimiter, 0)
    at = begin
    parts: list[Part] = []
    while at >= 0:
        after = at + len(delimiter)
        if body.startswith(b"--", after):
            if _next(body, delimiter, after) >= 0:
                raise _broken("its boundary stands behind its end")
            return Form(boundary, begin, tuple(parts))
        padding = _PADDING.match(body, after)
        if padding is None:
            raise _broken("its boundary stands in a part's content")
        if len(parts) == PARTS_LIMIT:
            raise _broken(f"it has more than {PARTS_LIMIT} parts")
        at = _next(body, delimiter, padding.end())
        if at >= 0:
            parts.append(_part(body, padding.end(), at - 2))
    raise _broken("it has no end" if parts or begin >= 0 else "it has no parts")


def _boundary(content_type: str) -> bytes:
    found = _TYPE.fullmatch(content_type.strip())
    parameters = _parameters(found[1] or "") if found else None
    if parameters is None:
        raise _broken("its content type cannot be read")
    boundary = parameters.get("boundary", "")
    if not _BOUNDARY.fullmatch(boundary):
        raise _broken("its content type names no boundary")
    return boundary.encode()


def _next(body: bytes, delimiter: bytes, start: int) -> int:
    """The next delimiter at the start of a line; -1 where there is none. Within a line it is content."""
    at = body.find(delimiter, start)
    while at >= 0:
        if at == 0 or body[at - 2 : at] == b"\r\n":
            return at
        if body[at - 1 : at] in (b"\n", b"\r"):
            raise _broken("its boundary stands in a part's content")
        at = body.find(delimiter, at + 1)
    return -1


def _part(body: bytes, start: int, end: int) -> Part:
    """Header lines, a blank one, content. end: of the content, before the line end that is the boundary's."""
    if body.startswith(b"\r\n", start):
        raise _broken("a part has no name")
    blank = body.find(b"\r\n\r\n", start, min(start + HEAD_LIMIT, end))
    if blank < 0:
        raise _broken("a part has no header, or one that is too long")
    headers = _headers(body[start:blank])
    parameters = _disposition(headers.get("content-disposition", ""))
    encoding = headers.get("content-transfer-encoding", "").lower()
    return Part(
        parameters["name"],
        "filename" in parameters or "filename*" in parameters,
        blank + 4,
        end,
        encoding in ("", "binary", "8bit", "7bit"),
    )


def _headers(head: bytes) -> dict[str, str]:
    """By lower-case name. Folded lines, lines without a colon and repeated names are refused."""
    found: dict[str, str] = {}
    for line in head.split(b"\r\n"):
        match = _HEADER.fullmatch(line)
        name = match[1].decode().lower() if match else ""
        if match is None or name in found:
            raise _broken("a part's header cannot be read")
        found[name] = match[2].decode("utf-8", "surrogateescape").strip()
    return found


def _disposition(value: str) -> dict[str, str]:
    kind, semicolon, rest = value.partition(";")
    parameters = _parameters(semicolon + rest) if kind.strip().lower() == "form-data" else None
    if parameters is None or "name" not in parameters or "name*" in parameters:
        raise _broken("a part has no name")
    return parameters


def _parameters(text: str) -> dict[str, str] | None:
    """`; name=value` …, by lower-case name; None where they cannot be read or one is there twice."""
    found: dict[str, str] = {}
    at = 0
    while text[at:].strip(" \t;"):
        match = _PARAMETER.match(text, at)
        if match is None or match[1].lower() in found:
            return None
        quoted = match[2]
        found[match[1].lower()] = match[3] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        at = match.end()
    return found


def _broken(why: str) -> BadCall:
    return BadCall(f"The form in the request body cannot be read: {why}.", code="invalid_form")


def _bad(name: str, what: str) -> BadCall:
    return BadCall(f"`{name}` {what}.", param=name, code="invalid_value")

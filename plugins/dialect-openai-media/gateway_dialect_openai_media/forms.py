"""A body of `multipart/form-data`, read as it comes, its files left alone. Sans-IO; sources: RFC 7578, RFC 2046.

A form is refused where another reader could see other parts in it, since then it could name another model upstream
than here: a boundary that stands in a part's content, line ends other than CRLF around it, or a name said twice.
"""

from __future__ import annotations

import re

import msgspec

from gateway import BadCall, Intake

PARTS_LIMIT = 512
HEAD_LIMIT = 16 * 2**10
"""Bytes of a part's header lines."""
FIELD_LIMIT = 4 * 2**10
"""Bytes of a field that is read."""
READ = frozenset(("model", "stream", "n", "response_format"))
"""Fields that are looked at here, so there is one of each at most."""

_TYPE = re.compile(r"multipart/form-data\s*(;.*)?", re.IGNORECASE | re.DOTALL)
_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PARAMETER = re.compile(rf"\s*;\s*({_WORD})\s*=\s*(?:\"((?:[^\"\\\r\n]|\\.)*)\"|({_WORD}))")
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_PADDING = re.compile(rb"[ \t]{0,64}\r\n")
_UNDECIDED = re.compile(rb"-|[ \t]{0,64}\r?")
"""What may still become the form's end, or padding."""
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n]*)")


class Part(msgspec.Struct, frozen=True):
    """start, end: of its content in the body. value: of a field; None of a file, and where it is too long to be read.
    plain: its content stands as it is, not in a transfer encoding.
    """

    name: str
    file: bool
    start: int
    end: int = -1
    plain: bool = True
    value: bytes | None = None


class Form(Intake):
    """boundary: without the dashes before it. begin: where the first delimiter stands, -1 until it has come.

    Of what has come it holds what may be the beginning of a delimiter, a part's header, or a field.
    """

    def __init__(self, content_type: str) -> None:
        """Raises BadCall where no boundary is named."""
        self.boundary = _boundary(content_type)
        self.begin = -1
        self.parts: list[Part] = []
        self._delimiter = b"--" + self.boundary
        self._window = bytearray()
        self._base = 0
        self._looked = 0
        self._head = -1
        self._part: Part | None = None
        self._ended = False

    def feed(self, data: bytes) -> None:
        self._window += data
        while (at := self._next()) >= 0 and self._pass(at):
            pass
        if self._head >= 0 and self._part is None:
            self._part = self._opened(len(self._window))
        self._let_go()

    def finish(self) -> None:
        if not self._ended:
            raise _broken("it has no parts" if self.begin < 0 else "it has no end")

    def field(self, name: str) -> str | None:
        """The text of a field; None where it is not there. Raises BadCall where it cannot be told."""
        part = self.part(name)
        if part is None:
            return None
        if part.value is None:
            raise _bad(name, "is too long")
        try:
            return part.value.decode()
        except UnicodeDecodeError as error:
            raise _bad(name, "is not valid UTF-8") from error

    def part(self, name: str) -> Part | None:
        """Raises BadCall where it is one that upstreams may read otherwise."""
        found = next((part for part in self.parts if part.name == name), None)
        if found and (found.file or not found.plain):
            raise _bad(name, "must be a plain field, not a file or an encoded one")
        return found

    def _next(self) -> int:
        """Where the next delimiter at the start of a line is, -1 for none. Within a line it is content."""
        window, at = self._window, self._window.find(self._delimiter, self._looked)
        while at >= 0:
            if self._base + at == 0 or window[max(at - 2, 0) : at] == b"\r\n":
                self._looked = at
                return at
            if window[at - 1] in b"\r\n":
                raise _broken("its boundary stands in a part's content")
            at = window.find(self._delimiter, at + 1)
        self._looked = max(self._looked, len(window) - len(self._delimiter) + 1)
        return -1

    def _pass(self, at: int) -> bool:
        """Over a delimiter, into the next part or behind the form's end; False while it cannot be told which."""
        if self._ended:
            raise _broken("its boundary stands behind its end")
        window, after = self._window, at + len(self._delimiter)
        padding = _PADDING.match(window, after)
        if padding is None and not window.startswith(b"--", after):
            if _UNDECIDED.fullmatch(window, after):
                return False
            raise _broken("its boundary stands in a part's content")
        self._close(at)
        self._ended = padding is None
        if self._ended:
            self._looked = after
        elif len(self.parts) == PARTS_LIMIT:
            raise _broken(f"it has more than {PARTS_LIMIT} parts")
        else:
            assert padding is not None
            self._head = self._base + padding.end()
            self._looked = padding.end()
        return True

    def _close(self, at: int) -> None:
        """The part that ends where a delimiter stands, before the line end that is the delimiter's."""
        if self.begin < 0:
            self.begin = self._base + at
            return
        part = self._part or self._opened(at - 2)
        end = self._base + at - 2
        if part is None or end < part.start:
            raise _broken("a part has no header, or one that is too long")
        if part.name in READ and any(part.name == other.name for other in self.parts):
            raise _bad(part.name, "is given more than once")
        if not part.file:
            self.text_bytes += end - part.start
        held = not part.file and end - part.start <= FIELD_LIMIT
        value = bytes(self._window[part.start - self._base : at - 2]) if held else None
        self.parts.append(msgspec.structs.replace(part, end=end, value=value))
        self.enough = self.enough or part.name == "model"
        self._part, self._head = None, -1

    def _opened(self, end: int) -> Part | None:
        """Header lines and a blank one, before `end` of the window; None while that has not come."""
        start = self._head - self._base
        if self._window.startswith(b"\r\n", start):
            raise _broken("a part has no name")
        blank = self._window.find(b"\r\n\r\n", start, min(start + HEAD_LIMIT, end))
        if blank >= 0:
            return _part(bytes(self._window[start:blank]), self._base + blank + 4)
        if end - start >= HEAD_LIMIT:
            raise _broken("a part has no header, or one that is too long")
        return None

    def _let_go(self) -> None:
        """Two bytes before what is looked through next say whether a line begins there."""
        keep = self._looked - 2
        if self._part is None:
            keep = min(keep, self._head - self._base) if self._head >= 0 else keep
        elif not self._part.file and self._looked - (self._part.start - self._base) <= FIELD_LIMIT + 2:
            keep = min(keep, self._part.start - self._base)
        if keep > 0:
            del self._window[:keep]
            self._base += keep
            self._looked -= keep


def is_form(content_type: str) -> bool:
    return _TYPE.fullmatch(content_type.strip()) is not None


def scan(body: bytes, content_type: str) -> Form:
    """All of a form at once. Raises BadCall where the body is none."""
    form = Form(content_type)
    form.feed(body)
    form.finish()
    return form


def _boundary(content_type: str) -> bytes:
    found = _TYPE.fullmatch(content_type.strip())
    parameters = _parameters(found[1] or "") if found else None
    if parameters is None:
        raise _broken("its content type cannot be read")
    boundary = parameters.get("boundary", "")
    if not _BOUNDARY.fullmatch(boundary):
        raise _broken("its content type names no boundary")
    return boundary.encode()


def _part(head: bytes, start: int) -> Part:
    headers = _headers(head)
    parameters = _disposition(headers.get("content-disposition", ""))
    encoding = headers.get("content-transfer-encoding", "").lower()
    is_file = "filename" in parameters or "filename*" in parameters
    return Part(parameters["name"], is_file, start, plain=encoding in ("", "binary", "8bit", "7bit"))


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

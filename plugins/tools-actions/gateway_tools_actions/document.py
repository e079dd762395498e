"""An action's OpenAPI document: read from where it is, and what is wrong with it, each with its place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from gateway import Finding
from gateway.settings.yamlfile import Mark, parse

from .section import ActionFields

LARGEST = 8 * 2**20
Level = Literal["error", "warning", "note"]
Steps = tuple[str | int, ...]


class Unreadable(Exception):
    """finding: about the whole document."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(str(finding))
        self.finding = finding


class Document(NamedTuple):
    """path: of the setting that it came from. file: where it is, or "". marks: of its values, where those are known."""

    data: Mapping[str, Any]
    path: str
    file: str = ""
    marks: Mapping[Steps, Mark] = {}

    def finding(self, steps: Steps, what: str, todo: str, level: Level = "error") -> Finding:
        mark = next((self.marks[steps[:n]] for n in range(len(steps), 0, -1) if steps[:n] in self.marks), None)
        place = [f"line {mark.line}"] if mark else []
        where = ", ".join(
            [*([self.file] if self.file else []), *place, *([" ".join(map(str, steps))] if steps else [])]
        )
        return Finding(self.path, f"{where}: {what}" if where else what, todo, level)


def document_of(fields: ActionFields, path: str) -> Document:
    """path: of the action's settings. Raises Unreadable."""
    if bool(fields.file) == bool(fields.document):
        what = "`document` and `file` are both there" if fields.file else "there is neither `document` nor `file`"
        raise Unreadable(Finding(path, what, "give the OpenAPI document in one of them"))
    if fields.file:
        found = _from_file(fields.file, f"{path}.file")
    elif isinstance(fields.document, str):
        found = _from_text(fields.document, f"{path}.document", "")
    else:
        found = Document(fields.document, f"{path}.document")
    _check(found)
    return found


def _from_file(name: str, path: str) -> Document:
    try:
        file = Path(name).expanduser().absolute()
        if file.stat().st_size > LARGEST:
            raise Unreadable(Finding(path, f"{name} has more than {LARGEST} bytes", "give the part that is needed"))
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError, ValueError, RuntimeError) as error:
        what = error.strerror if isinstance(error, OSError) and error.strerror else "it is no UTF-8, or no file"
        raise Unreadable(Finding(path, f"{name} cannot be read: {what}", "name a file that is there")) from error
    return _from_text(text, path, name)


def _from_text(text: str, path: str, file: str) -> Document:
    try:
        return _whole(msgspec.json.decode(text), path, file)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        pass  # It is YAML, or JSON with something wrong, of which YAML's reader tells the place.
    parsed = parse(text, file)
    if parsed.findings:
        first = min(parsed.findings, key=lambda finding: finding.line)
        where = f"{file}, line {first.line}" if file else f"line {first.line}"
        raise Unreadable(Finding(path, f"{where}: {first.what}", "mend the document; nothing of it is used"))
    return _whole(parsed.data, path, file)._replace(marks=parsed.marks)


def _whole(data: Any, path: str, file: str) -> Document:
    document = Document(data if isinstance(data, dict) else {}, path, file)
    if not isinstance(data, dict):
        raise Unreadable(document.finding((), "the document is no mapping", "give an OpenAPI 3 document"))
    return document


def _check(document: Document) -> None:
    version = document.data.get("openapi")
    if not (isinstance(version, str | float) and str(version).startswith("3.")):
        what = "this is Swagger 2" if "swagger" in document.data else "it does not say `openapi: 3.…`"
        raise Unreadable(document.finding(("openapi",), what, "give an OpenAPI 3 document"))
    if not isinstance(document.data.get("paths"), dict) or not document.data["paths"]:
        raise Unreadable(document.finding(("paths",), "it has no paths", "give a document with operations"))

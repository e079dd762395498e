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
        where = " ".join(str(step) for step in steps)
        said = f"{where}: {what}" if where else what
        if not self.file:
            return Finding(self.path, said, todo, level)
        return Finding(self.path, said, todo, level, self.file, mark.line if mark else 1, mark.column if mark else 1)


def document_of(fields: ActionFields, path: str) -> Document:
    """path: of the action's settings. Raises Unreadable."""
    if bool(fields.file) == bool(fields.document):
        what = "`document` and `file` are both there" if fields.file else "there is neither `document` nor `file`"
        raise Unreadable(Finding(path, what, "give the OpenAPI document in one of them"))
    if fields.file:
        found = _from_file(Path(fields.file).expanduser().absolute(), f"{path}.file")
    elif isinstance(fields.document, str):
        found = _from_text(fields.document, f"{path}.document", "")
    else:
        found = Document(fields.document, f"{path}.document")
    _check(found)
    return found


def _from_file(file: Path, path: str) -> Document:
    try:
        if file.stat().st_size > LARGEST:
            raise Unreadable(Finding(path, f"{file} has more than {LARGEST} bytes", "give the part that is needed"))
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        what = error.strerror if isinstance(error, OSError) and error.strerror else "it is not UTF-8"
        raise Unreadable(Finding(path, f"{file} cannot be read: {what}", "name a file that is there")) from error
    return _from_text(text, path, str(file))


def _from_text(text: str, path: str, file: str) -> Document:
    try:
        return _whole(msgspec.json.decode(text), path, file)
    except (msgspec.DecodeError, RecursionError):
        pass  # It is YAML, or JSON with something wrong, of which YAML's reader tells the place.
    parsed = parse(text, file)
    if parsed.findings:
        first = min(parsed.findings, key=lambda finding: finding.line)
        what = first.what if file else f"line {first.line}: {first.what}"
        todo = "mend the document; nothing of it is used"
        place = (file, first.line, first.column) if file else ("", 0, 0)
        raise Unreadable(Finding(path, what, todo, "error", *place))
    return _whole(parsed.data, path, file)._replace(marks=parsed.marks)


def _whole(data: Any, path: str, file: str) -> Document:
    if not isinstance(data, dict):
        raise Unreadable(Finding(path, "the document is no mapping", "give an OpenAPI 3 document", file=file, line=1))
    return Document(data, path, file)


def _check(document: Document) -> None:
    version = document.data.get("openapi")
    if not (isinstance(version, str | float) and str(version).startswith("3.")):
        what = "this is Swagger 2" if "swagger" in document.data else "it does not say `openapi: 3.…`"
        raise Unreadable(document.finding(("openapi",), what, "give an OpenAPI 3 document"))
    if not isinstance(document.data.get("paths"), dict) or not document.data["paths"]:
        raise Unreadable(document.finding(("paths",), "it has no paths", "give a document with operations"))

"""Which files make the configuration, and what stands in them: librechat.yaml, gateway.yaml, `.env`, the environment.

Nothing here raises on what files hold; everything wrong is a Finding of the Document.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dotenv import dotenv_values

from .contract import Finding
from .paths import Steps
from .sources import Source, Sources
from .yamlfile import Mark, Parsed, parse

LIBRECHAT = "librechat.yaml"
GATEWAY = "gateway.yaml"
DEFAULTS = "defaults.yaml"
EMBEDDED = Path(__file__).with_name(DEFAULTS)


@dataclass(frozen=True)
class Document:
    """What the files say. marks, keys: places of values and of their names, by steps. files: those that were read.

    embedded: no file was found, these are the defaults. librechat: a librechat.yaml is part of it. origins: what set a
    value that no file has, as `GATEWAY_PORT` or `--port`.
    """

    data: dict[str, Any]
    environ: Mapping[str, str]
    marks: Mapping[Steps, Mark] = field(default_factory=dict)
    keys: Mapping[Steps, Mark] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    files: tuple[Path, ...] = ()
    embedded: bool = False
    librechat: bool = False
    origins: Mapping[Steps, str] = field(default_factory=dict)

    @property
    def written(self) -> float:
        """When its files were changed last, epoch seconds: for all processes that read them the same."""
        return max(_changed(path) for path in self.files or (EMBEDDED,))

    def finding(self, steps: Steps, finding: Finding, *, key: bool = False) -> Finding:
        """The finding with its place: the value's, the key's where asked, else the nearest thing around it."""
        mark = self.keys.get(steps) if key else self.marks.get(steps)
        while mark is None and steps:
            steps = steps[:-1]
            mark = self.marks.get(steps)
        if mark is None:
            return finding
        return Finding(finding.path, finding.what, finding.todo, finding.level, *mark)


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except (OSError, ValueError):
        return 0.0


def read(
    path: Path | None, environ: Mapping[str, str], directory: Path | None = None, sources: Sources | None = None
) -> Document:
    """The configuration. path: as given by the operator; without it `CONFIG_PATH`, librechat.yaml or gateway.yaml in
    the directory (the working one), else the embedded defaults. sources: where files are read, and remembered.
    """
    findings: list[Finding] = []
    sources = sources or Sources()
    here = Path() if directory is None else directory
    variables = {**_dotenv(sources.at(here / ".env"), here / ".env", findings), **environ}
    main = _choose(path, variables, here, findings, sources)
    if main is not None and main.parent.resolve() != here.resolve():
        beside = main.parent / ".env"
        variables = {**_dotenv(sources.at(beside), beside, findings), **variables}
    document = _defaults() if main is None else _files(main, sources)
    return replace(document, environ=variables, findings=(*findings, *document.findings))


def _choose(
    path: Path | None, environ: Mapping[str, str], here: Path, findings: list[Finding], sources: Sources
) -> Path | None:
    if path is not None:
        return path
    named = environ.get("CONFIG_PATH", "")
    if named.lower().startswith(("http://", "https://")):
        findings.append(
            Finding(
                "CONFIG_PATH",
                "a configuration is not read from a URL, since whoever answers there would own every key in it",
                "download the file and set CONFIG_PATH to its path",
            )
        )
    elif named:
        return Path(named)
    return next((here / name for name in (LIBRECHAT, GATEWAY) if sources.at(here / name).is_file), None)


def _defaults() -> Document:
    """Without places: nobody could open them."""
    return Document(parse(embedded(), DEFAULTS).data, {}, embedded=True)


def embedded() -> str:
    """The text of the configuration that runs without a file."""
    return EMBEDDED.read_text("utf-8")


def _files(main: Path, sources: Sources) -> Document:
    """The file, and the gateway.yaml beside it."""
    parsed, present = _load(sources.at(main), str(main))
    if main.name == GATEWAY:
        return _document(_as_block(parsed, main), (main,) if present else (), librechat=False)
    beside = main.parent / GATEWAY
    if not sources.at(beside).is_file:
        return _document(parsed, (main,) if present else (), librechat=True)
    block = _as_block(_load(sources.at(beside), str(beside))[0], beside)
    return _document(_join(parsed, block, main, beside), (main, beside), librechat=True)


def _document(parsed: Parsed, read_files: tuple[Path, ...], *, librechat: bool) -> Document:
    data, findings = parsed.data, list(parsed.findings)
    if data is not None and not isinstance(data, dict):
        mark = parsed.marks[()]
        findings.append(Finding("", "the file holds no mapping of keys", "write `key: value` lines", "error", *mark))
    return Document(
        data if isinstance(data, dict) else {},
        {},
        parsed.marks,
        parsed.keys,
        tuple(findings),
        read_files,
        librechat=librechat and isinstance(data, dict),
    )


def _load(source: Source, name: str) -> tuple[Parsed, bool]:
    """The parsed file, and whether it could be read."""
    if source.text is None:
        return _failed(f"the file cannot be read: {source.why}", "name another, or run without one", name), False
    try:
        text = source.text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        return _failed("the file is not UTF-8 text", "save it as UTF-8", name, line), True
    parsed = parse(text, name)
    if parsed.data is None and not parsed.findings:
        parsed.findings.append(Finding("", "the file is empty", "nothing is configured by it", "warning", name, 1, 1))
    return parsed, True


def _failed(what: str, todo: str, name: str, line: int = 1) -> Parsed:
    return Parsed(findings=[Finding("", what, todo, "error", name, line, 1)])


def _as_block(parsed: Parsed, file: Path) -> Parsed:
    """A gateway.yaml holds the `gateway:` block, with or without that key around it."""
    if not isinstance(parsed.data, dict) or not parsed.data:
        return parsed
    if "gateway" not in parsed.data:
        return Parsed({"gateway": parsed.data}, _under(parsed.marks), _under(parsed.keys), parsed.findings)
    for name in parsed.data:
        if name != "gateway":
            mark = parsed.keys[(name,)]
            what, todo = (
                f"only `gateway:` may stand in {file.name}",
                f"move `{name}` to {LIBRECHAT} or under `gateway:`",
            )
            parsed.findings.append(Finding(name, what, todo, "error", *mark))
    parsed.data = {"gateway": parsed.data["gateway"]}
    return parsed


def _under(marks: Mapping[Steps, Mark]) -> dict[Steps, Mark]:
    return {("gateway", *steps): mark for steps, mark in marks.items()}


def _join(main: Parsed, block: Parsed, file: Path, beside: Path) -> Parsed:
    findings = [*main.findings, *block.findings]
    if not isinstance(block.data, dict) or (main.data is not None and not isinstance(main.data, dict)):
        return Parsed(main.data, main.marks, main.keys, findings)
    if main.data and "gateway" in main.data:
        mark = block.marks.get(("gateway",)) or block.marks[()]
        what = f"{file} and {beside} both hold `gateway:`"
        findings.append(Finding("gateway", what, "keep one of the two blocks", "error", *mark))
        return Parsed(main.data, main.marks, main.keys, findings)
    data = {**(main.data or {}), **block.data}
    return Parsed(data, {**block.marks, **main.marks}, {**block.keys, **main.keys}, findings)


def _dotenv(source: Source, file: Path, findings: list[Finding]) -> dict[str, str]:
    """`.env` as LibreChat reads it: no variables within values."""
    if not source.is_file:
        return {}
    try:
        text = None if source.text is None else source.text.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = None
    if text is None:
        why = source.why or "it is not UTF-8 text"
        findings.append(
            Finding("", f"the file cannot be read: {why}", "its variables are not set", "warning", str(file), 1, 1)
        )
        return {}
    values = dotenv_values(stream=io.StringIO(text, newline=None), interpolate=False)
    return {name: value for name, value in values.items() if value is not None}

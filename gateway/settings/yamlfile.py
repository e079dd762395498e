"""YAML text to values, each with its place in the file. Never raises: what is wrong becomes findings.

Values are those of YAML 1.2's core schema, as LibreChat's js-yaml reads them: `on`, `no` and `1:30` are text, `012` is
12. The parser's events are read instead of its nodes: PyYAML composes nodes by recursion in C and crashes on deep
nesting, and would let aliases multiply without bound.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml

from .contract import Finding
from .paths import Steps, text

DEEPEST = 64
MOST_VALUES = 100_000
_PREFIX = "tag:yaml.org,2002:"
_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_TRUE = frozenset(("true", "True", "TRUE"))
_FALSE = frozenset(("false", "False", "FALSE"))
_INT = re.compile(r"[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0o[0-7_]+|[0-9][0-9_]*)$")
_FLOAT = re.compile(r"[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?$")
_SPECIAL = re.compile(r"[-+]?\.(?:inf|Inf|INF)$|\.(?:nan|NaN|NAN)$")
_TAGGED: dict[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "bool": (bool,), "null": (type(None),)}
_Loader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Mark(NamedTuple):
    """A place in a file; line and column count from 1."""

    file: str
    line: int
    column: int


@dataclass
class Parsed:
    """data: None where the text cannot be read. marks: of values. keys: of the names in front of them."""

    data: Any = None
    marks: dict[Steps, Mark] = field(default_factory=dict)
    keys: dict[Steps, Mark] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


class Unreadable(Exception):
    def __init__(self, what: str, line: int, column: int, todo: str = "") -> None:
        super().__init__(what)
        self.what, self.line, self.column, self.todo = what, line, column, todo


@dataclass
class Node:
    """kind: scalar, list or mapping. value: text, nodes, or pairs of nodes. plain: a scalar without quotes."""

    kind: str
    tag: str | None
    line: int
    column: int
    value: Any
    plain: bool = False


def parse(source: str, file: str) -> Parsed:
    """The first document of the text; a second one is a finding."""
    result = Parsed()
    try:
        root = _tree(source)
        if root is not None:
            _Reader(file, result).read(root)
    except Unreadable as error:
        result.data = None
        result.findings.append(_finding(file, error.what, error.line, error.column, error.todo))
    except yaml.reader.ReaderError as error:
        line, column = _position(source, error.position)
        result.findings.append(
            _finding(file, f"the text has a character that YAML refuses: {error.reason}", line, column)
        )
    except yaml.MarkedYAMLError as error:
        line, column = _within(source, error.problem_mark or error.context_mark)
        result.findings.append(_finding(file, f"this is not YAML: {error.problem or error.context}", line, column))
    return result


def _finding(file: str, what: str, line: int, column: int, todo: str = "") -> Finding:
    return Finding("", what, todo or "mend the file; nothing of it is used", "error", file, line, column)


def _position(source: str, at: int) -> tuple[int, int]:
    before = source.encode("utf-8", "replace")[:at].decode("utf-8", "replace")
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def _within(source: str, mark: Any) -> tuple[int, int]:
    """Where a problem is; what the parser sees behind the last line is at its end."""
    lines = source.split("\n")
    if mark is None:
        return 1, 1
    if mark.line < len(lines):
        return mark.line + 1, mark.column + 1
    return len(lines), len(lines[-1]) + 1


def _tree(source: str) -> Node | None:
    """The nodes, aliases resolved to the very node they name."""
    loader = _Loader(source)
    try:
        return _grow(iter(loader.get_event, None))
    finally:
        loader.dispose()


def _grow(events: Iterator[Any]) -> Node | None:
    anchors: dict[str, Node] = {}
    root: list[Node] = []
    open_nodes: list[Node] = [Node("list", None, 1, 1, root)]
    for event in events:
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        if isinstance(event, yaml.DocumentStartEvent) and root:
            raise Unreadable("the file has a second document", line, column, "keep one; remove the line `---`")
        if isinstance(event, yaml.CollectionEndEvent):
            _close(open_nodes.pop())
        elif isinstance(event, yaml.NodeEvent):
            node = _node(event, anchors, line, column)
            open_nodes[-1].value.append(node)
            if isinstance(event, yaml.CollectionStartEvent):
                open_nodes.append(node)
                if len(open_nodes) > DEEPEST:
                    raise Unreadable(f"the file is nested deeper than {DEEPEST} levels", line, column)
    return root[0] if root else None


def _node(event: Any, anchors: dict[str, Node], line: int, column: int) -> Node:
    if isinstance(event, yaml.AliasEvent):
        if event.anchor not in anchors:
            raise Unreadable(f"the alias `*{event.anchor}` names no anchor before it", line, column)
        return anchors[event.anchor]
    if isinstance(event, yaml.ScalarEvent):
        node = Node("scalar", event.tag, line, column, event.value, plain=event.implicit[0] and not event.tag)
    else:
        kind = "mapping" if isinstance(event, yaml.MappingStartEvent) else "list"
        node = Node(kind, event.tag, line, column, [])
    if event.anchor:
        anchors[event.anchor] = node
    return node


def _close(node: Node) -> None:
    if node.kind == "mapping":
        node.value = list(zip(node.value[::2], node.value[1::2], strict=True))


class _Reader:
    """Nodes to values. Aliases are read again wherever they stand, within the cap."""

    def __init__(self, file: str, result: Parsed) -> None:
        self.file = file
        self.result = result
        self.count = 0

    def read(self, root: Node) -> None:
        self.result.data = self._value(root, ())

    def _value(self, node: Node, steps: Steps) -> Any:
        self.count += 1
        if self.count > MOST_VALUES:
            raise Unreadable(
                f"the file has more than {MOST_VALUES} values; aliases multiply them", node.line, node.column
            )
        if len(steps) > DEEPEST:
            raise Unreadable("an alias contains itself, or the file is nested too deeply", node.line, node.column)
        self.result.marks[steps] = Mark(self.file, node.line, node.column)
        if node.kind == "scalar":
            return _scalar(node)
        _check_tag(node)
        if node.kind == "list":
            return [self._value(item, (*steps, number)) for number, item in enumerate(node.value)]
        return self._mapping(node, steps)

    def _mapping(self, node: Node, steps: Steps) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in self._pairs(node, steps):
            place = (*steps, key.value)
            if key.value in found:
                self._duplicate(key, place)
            self.result.keys[place] = Mark(self.file, key.line, key.column)
            found[key.value] = self._value(value, place)
        for key, value in self._merged(node, 0):
            if key.value not in found:
                place = (*steps, key.value)
                self.result.keys[place] = Mark(self.file, key.line, key.column)
                found[key.value] = self._value(value, place)
        return found

    def _pairs(self, node: Node, steps: Steps) -> Iterator[tuple[Node, Node]]:
        for key, value in node.value:
            if key.kind != "scalar":
                raise Unreadable("a list or mapping cannot be a key", key.line, key.column)
            if not _is_merge(key):
                yield key, value

    def _merged(self, node: Node, depth: int) -> Iterator[tuple[Node, Node]]:
        """What `<<` brings: of several, the first wins."""
        for key, value in node.value:
            if not _is_merge(key):
                continue
            for source in value.value if value.kind == "list" else [value]:
                if source.kind != "mapping":
                    raise Unreadable("`<<` takes a mapping or a list of mappings", value.line, value.column)
                if depth > DEEPEST:
                    raise Unreadable("`<<` contains itself", value.line, value.column)
                yield from self._pairs_counted(source, depth)

    def _pairs_counted(self, source: Node, depth: int) -> Iterator[tuple[Node, Node]]:
        for pair in self._pairs(source, ()):
            self.count += 1
            if self.count > MOST_VALUES:
                raise Unreadable(f"`<<` makes more than {MOST_VALUES} values", source.line, source.column)
            yield pair
        yield from self._merged(source, depth + 1)

    def _duplicate(self, key: Node, place: Steps) -> None:
        first = self.result.keys[place]
        self.result.findings.append(
            Finding(
                text(place),
                f"the key stands twice, first in line {first.line}",
                "remove one of them",
                "error",
                self.file,
                key.line,
                key.column,
            )
        )


def _is_merge(key: Node) -> bool:
    return key.kind == "scalar" and key.plain and key.value == "<<"


def _check_tag(node: Node) -> None:
    if node.tag not in (None, "!", f"{_PREFIX}seq", f"{_PREFIX}map"):
        raise Unreadable(f"the tag `{node.tag}` is not understood here", node.line, node.column, "remove it")


def _scalar(node: Node) -> Any:
    if node.plain:
        return plain(node.value)
    if node.tag in (None, "!", f"{_PREFIX}str"):
        return node.value
    value, wanted = plain(node.value), _TAGGED.get((node.tag or "").removeprefix(_PREFIX), ())
    if not isinstance(value, wanted):
        raise Unreadable(f"the tag `{node.tag}` is not understood here", node.line, node.column, "remove it")
    return value


def plain(word: str) -> Any:
    """What a scalar without quotes means."""
    if word in _NULL:
        return None
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    return _number(word) if word[0] in "-+.0123456789" else word


def _number(word: str) -> Any:
    if _SPECIAL.match(word):
        return float(word.lower().replace(".", ""))
    digits = word.replace("_", "")
    if word.endswith("_"):
        return word
    if _INT.match(word):
        return _whole(digits)
    return float(digits) if _FLOAT.match(word) else word


def _whole(digits: str) -> int | float | str:
    bare = digits.lstrip("+-")
    base = {"0b": 2, "0x": 16, "0o": 8}.get(bare[:2], 10)
    try:
        return int(digits, base)
    except ValueError:
        return float(digits) if base == 10 else digits

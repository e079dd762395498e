"""Golden `.exchange` files: one case a file, readable and diffable, checked sans-IO against dialect objects.

A file is a title in `#` lines, then parts. A part is a line `>>> name: words`, optional `key: value` lines, a blank
line, and a body that reaches to the next part:

    # A chat client on a Responses upstream: text

    >>> client asks: openai-chat POST /v1/chat/completions
    x-some-header: its value

    {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "stop": ["."]}

    >>> upstream gets: open-responses /responses
    loss: stop

    {"model": "m", "input": [...]}

    >>> upstream answers: 200 application/json

    {"id": "resp_1", "object": "response", ...}

    >>> client gets: 200 application/json
    usage: input=9 output=3

    {"id": "resp_1", "object": "chat.completion", ...}

Parts
- `client asks: DIALECT METHOD PATH` (needed): headers as lines, the body as the client sends it.
- `route:` JSON, only with what differs from the defaults: `model` (the upstream's name, default the client's),
  `instructions`, `defaults`, `locked`, `usage` (of the Edit), `set`, `drop`, `quirks`, `state_domain` (of the Target).
- `call:` the call in canonical form, as JSON.
- `upstream gets: DIALECT PATH`: lines `loss` (comma-separated), `usage-asked: yes`, `query`, then headers.
  Leave the body out to prove nothing more of it.
- `upstream answers: STATUS TYPE [crlf] [unended] [lost]`: headers as lines. crlf: its lines end so. unended: no blank
  line after the last event, or no end of the last of JSON lines. lost: the connection breaks after it. A dialect may
  stand first where the file has no `upstream gets`: `upstream answers: openai-chat 200 text/event-stream`.
- `events:` the reply in canonical form, one JSON object a line; translation only.
- `client gets: STATUS TYPE [crlf] [unended]`: lines `usage`, `loss`. Or `client gets: same` with these lines: status,
  type and every byte as the upstream answered. A request that is refused has its error here and no upstream parts.

All of `call`, `upstream gets`, `events` and `client gets` are expectations; those in the file are checked.
JSON is compared formatted, with the order of members and the spelling of numbers and strings; other bodies byte for
byte. Every reply is also fed byte by byte and in odd pieces, and must come out the same.
`GATEWAY_UPDATE_GOLDEN=1` rewrites the expectations that do not hold, so a new one begins as `>>> client gets:`
(`>>> upstream gets: open-responses /responses` and `?` as its body). In a test:

    @pytest.mark.parametrize("path", golden.files(__file__), ids=lambda path: path.stem)
    def test_golden_exchange(path):
        golden.run_case(golden.load(path), installed.servers(), installed.clients())

A case whose other dialect is not installed raises NotInstalled; `golden.check(path)` is the above with a skip.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from ..dialect import ClientDialect, Edit, Encoded, Parameter, ServerDialect
from ..errors import GatewayError
from ..events import Event, Failed
from ..inbound import Inbound
from ..provider import Quirks, Target
from ..usage import Usage
from ..wire.lines import CONTENT_TYPE as JSON_LINES
from . import installed, replay
from .replay import Answered, UpstreamAnswer

UPDATE = "GATEWAY_UPDATE_GOLDEN"
_PART = re.compile(r"^>>> (client asks|route|call|upstream gets|upstream answers|events|client gets):(.*)$")
_SIZES = (1, 7, 61)
_ENDS = {"text/event-stream": "\n\n", JSON_LINES: "\n"}
D = TypeVar("D")


class NotInstalled(LookupError):
    """The case names a dialect that no installed plugin has."""


class Part(msgspec.Struct):
    """words: after the name. lines: its `key: value` pairs. body: without the blank lines around it."""

    name: str
    words: list[str]
    lines: dict[str, str]
    body: str


class Case(msgspec.Struct):
    path: Path
    title: str
    parts: dict[str, Part]


class Way(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The part `route`."""

    model: str | None = None
    quirks: Quirks = Quirks()
    set: dict[str, msgspec.Raw] = {}
    drop: frozenset[str] = frozenset()
    state_domain: str = "golden"
    instructions: str | None = None
    defaults: dict[Parameter, msgspec.Raw] = {}
    locked: frozenset[Parameter] = frozenset()
    usage: bool = True

    def edit(self, model: str) -> Edit:
        return Edit(model, self.instructions, self.defaults, self.locked, usage=self.usage)

    def target(self, model: str) -> Target:
        return msgspec.structs.replace(
            replay.target(model, state_domain=self.state_domain), quirks=self.quirks, set=self.set, drop=self.drop
        )


def files(test: str) -> list[Path]:
    """All cases in the folder `golden` beside a test file."""
    return sorted((Path(test).parent / "golden").glob("*.exchange"))


def check(path: Path) -> None:
    """Runs a case on the installed dialects; skips it where one of them is not."""
    import pytest

    try:
        run_case(load(path), installed.servers(), installed.clients())
    except NotInstalled as missing:
        pytest.skip(str(missing))


def load(path: Path) -> Case:
    """Raises ValueError with file and line where it is not a case."""
    case = Case(path, "", {})
    part: Part | None = None
    texts: dict[str, list[str]] = {}
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if found := _PART.match(line):
            part = Part(found[1], found[2].split(), {}, "")
            if case.parts.setdefault(part.name, part) is not part:
                raise ValueError(f"{path}:{number}: a second part `{part.name}`")
            texts[part.name] = []
        elif line.startswith(">>>"):
            raise ValueError(f"{path}:{number}: no such part: {line}")
        elif part is None:
            case.title += line.removeprefix("#").strip() + "\n" if line else ""
        else:
            texts[part.name].append(line)
    for name, text in texts.items():
        _fill(case.parts[name], text)
    if "client asks" not in case.parts or len(case.parts["client asks"].words) != 3:
        raise ValueError(f"{path}: the part `>>> client asks: DIALECT METHOD PATH` is missing")
    return case


def run_case(case: Case, servers: Iterable[ServerDialect], clients: Iterable[ClientDialect]) -> None:
    """Raises AssertionError with a diff where an expectation does not hold, NotInstalled where a dialect is missing."""
    got = _run(case, {d.name: d for d in servers}, {d.name: d for d in clients})
    wrong = [part for name, part in got.items() if name in case.parts and not _holds(case, part)]
    for name in ("call", "upstream gets", "events", "client gets"):
        if name in case.parts and name not in got:
            raise AssertionError(f"{case.path}: `{name}` is expected, but the exchange does not come to it")
    if wrong and os.environ.get(UPDATE) == "1":
        case.parts.update({part.name: part for part in wrong})
        case.path.write_text(written(case), "utf-8")
    elif wrong:
        raise AssertionError("\n".join(_diff(case, part) for part in wrong))


def written(case: Case) -> str:
    """The file's text."""
    title = "".join(f"# {line}".rstrip() + "\n" for line in case.title.splitlines())
    return title + "".join("\n" + _text(part) for part in case.parts.values())


def _fill(part: Part, text: list[str]) -> None:
    while text and text[0].strip():
        key, colon, value = text[0].partition(": ")
        if not colon or not re.fullmatch(r"[A-Za-z0-9_-]+", key) or key in ("data", "event", "id"):
            break
        part.lines[key.lower()] = value.strip()
        text = text[1:]
    part.body = "\n".join(text).strip("\n")


def _text(part: Part) -> str:
    head = " ".join([f">>> {part.name}:", *part.words])
    lines = "".join(f"{key}: {value}\n" for key, value in part.lines.items())
    return f"{head}\n{lines}" + (f"\n{part.body}\n" if part.body else "")


def _run(case: Case, servers: Mapping[str, ServerDialect], clients: Mapping[str, ClientDialect]) -> dict[str, Part]:
    """The expectations as they came out."""
    asks = case.parts["client asks"]
    server = _named(servers, asks.words[0], "server")
    request = replay.inbound(server, asks.body.encode(), asks.words[2], asks.words[1], asks.lines)
    try:
        return _agreed(case, server, clients, request)
    except GatewayError as error:
        return {"client gets": _gets(replay.refusal(server, request, error))}


def _agreed(
    case: Case, server: ServerDialect, clients: Mapping[str, ClientDialect], request: Inbound
) -> dict[str, Part]:
    got = {}
    model = server.peek(request).model or ""
    if "call" in case.parts:
        got["call"] = Part("call", [], {}, _formatted(msgspec.json.encode(server.decode(request))))
    name = _upstream_dialect(case)
    if name is None:
        server.decode(request)
        return got
    client = _named(clients, name, "client")
    way = _way(case)
    to, edit = way.target(way.model or model), way.edit(way.model or model)
    asked = replay.ask(server, client, request, edit, to)
    got["upstream gets"] = _upstream_gets(client, asked[0])
    if reply := _upstream_answers(case):
        whole = replay.answer(server, client, request, asked, to, reply)
        for size in _SIZES:
            _same_reply(case, whole, replay.answer(server, client, request, asked, to, reply, size), size)
        got["events"] = Part("events", [], {}, "\n".join(_line(event) for event in whole.events))
        got["client gets"] = _same(case, reply, whole) or _gets(whole)
    return got


def _same_reply(case: Case, whole: Answered, split: Answered, size: int) -> None:
    if whole.body != split.body or whole.usage != split.usage:
        raise AssertionError(
            f"{case.path}: read in pieces of {size} bytes the client gets something else\n"
            + "\n".join(_compared(whole.body.decode(), split.body.decode()))
        )


def _named(dialects: Mapping[str, D], name: str, half: str) -> D:
    try:
        return dialects[name]
    except KeyError:
        raise NotInstalled(f"no installed plugin has the {half} half of the dialect {name}") from None


def _upstream_dialect(case: Case) -> str | None:
    gets, answers = case.parts.get("upstream gets"), case.parts.get("upstream answers")
    if gets is not None and gets.words:
        return gets.words[0]
    if answers is not None and not answers.words[0].isdigit():
        return answers.words[0]
    if answers is not None or gets is not None:
        raise ValueError(f"{case.path}: neither upstream part names its dialect")
    return None


def _way(case: Case) -> Way:
    part = case.parts.get("route")
    return msgspec.json.decode(part.body, type=Way) if part else Way()


def _upstream_answers(case: Case) -> UpstreamAnswer | None:
    part = case.parts.get("upstream answers")
    if part is None:
        return None
    words = [word for word in part.words if word not in ("crlf", "unended", "lost")]
    status, content_type = words[-2:]
    text = part.body
    if text and "unended" not in part.words:
        text += _end(content_type)
    if "crlf" in part.words:
        text = text.replace("\n", "\r\n")
    return UpstreamAnswer(int(status), content_type, text.encode(), part.lines, "lost" in part.words)


def _upstream_gets(client: ClientDialect, encoded: Encoded) -> Part:
    lines = {"loss": ", ".join(encoded.loss)} if encoded.loss else {}
    if encoded.usage_asked:
        lines["usage-asked"] = "yes"
    if encoded.query:
        lines["query"] = "&".join(f"{key}={value}" for key, value in encoded.query.items())
    lines.update({key.lower(): value for key, value in encoded.headers.items()})
    return Part("upstream gets", [client.name, encoded.path], lines, _formatted(encoded.body))


def _same(case: Case, reply: UpstreamAnswer, answered: Answered) -> Part | None:
    """The part in its short form, where the file has that or nothing yet and it is true."""
    expected = case.parts.get("client gets")
    same = (answered.status, answered.content_type, answered.body) == (reply.status, reply.content_type, reply.body)
    if expected is None or expected.words not in ([], ["same"]) or not same:
        return None
    return msgspec.structs.replace(_gets(answered), words=["same"], body="")


def _gets(answered: Answered) -> Part:
    lines = {}
    if answered.usage is not None:
        lines["usage"] = _counts(answered.usage)
    if answered.loss:
        lines["loss"] = ", ".join(answered.loss)
    words = [str(answered.status), answered.content_type.replace("; ", ";")]
    end = _end(answered.content_type)
    if not end:
        return Part("client gets", words, lines, _formatted(answered.body))
    text = answered.body.decode()
    if "\r\n" in text:
        words.append("crlf")
        text = text.replace("\r\n", "\n")
    if text and not text.endswith(end):
        words.append("unended")
    return Part("client gets", words, lines, text.strip("\n"))


def _holds(case: Case, part: Part) -> bool:
    expected = case.parts[part.name]
    if not expected.body and part.name == "upstream gets" and expected.words:
        return expected.words == part.words
    return _text(part) == _text(_normal(expected))


def _diff(case: Case, part: Part) -> str:
    old = _text(_normal(case.parts[part.name]))
    head = f"{case.path}: `{part.name}` came out otherwise ({UPDATE}=1 accepts it)"
    return "\n".join([head, *_compared(old, _text(part))])


def _compared(old: str, new: str) -> list[str]:
    return list(difflib.unified_diff(old.splitlines(), new.splitlines(), "expected", "actual", lineterm="", n=2))


def _normal(part: Part) -> Part:
    if part.name == "events" or not part.body.startswith(("{", "[")) or any(_end(word) for word in part.words):
        return part
    return msgspec.structs.replace(part, body=_formatted(part.body.encode()))


def _end(content_type: str) -> str:
    """What a stream's last event ends with; "" for what is no stream."""
    return next((end for kind, end in _ENDS.items() if content_type.startswith(kind)), "")


def _formatted(body: bytes) -> str:
    try:
        return msgspec.json.format(body, indent=2).decode()
    except msgspec.DecodeError:
        return body.decode("utf-8", "backslashreplace").strip("\n")


def _line(event: Event) -> str:
    if isinstance(event, Failed):
        return msgspec.json.encode({"type": "failed", "code": event.error.code, "public": event.error.public}).decode()
    return msgspec.json.encode(event).decode()


def _counts(usage: Usage) -> str:
    counts = msgspec.to_builtins(usage)
    return " ".join(f"{key}={value}" for key, value in counts.items() if key != "type")

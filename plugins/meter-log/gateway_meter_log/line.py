"""A UsageRecord as a log line: an object for machines, a sentence for people. Never what was asked or answered.

What clients choose (names of models, of lost members) is cut and escaped: it may be long, or pretend to be a line.
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Any

import msgspec

from gateway import Usage, UsageRecord
from gateway.logs import redact

MOST_TEXT = 200
MOST_LOSS = 20


class Tokens(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What was reported, by kind."""

    input: int | None = None
    cache_read: int | None = None
    cache_write_5m: int | None = None
    cache_write_1h: int | None = None
    output: int | None = None
    reasoning: int | None = None
    estimated: bool = False


class Line(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """The members in their order; what is empty is left out, except status and outcome. Durations are milliseconds.

    time: when the exchange ended. attempts: where there were several. delegated: whether all that it did was to ask
    others, whose lines name it as their parent.
    """

    time: str
    level: str
    logger: str
    status: int
    outcome: str
    id: str = ""
    request_id: str = ""
    started: str = ""
    client: str = ""
    user: str = ""
    key: str = ""
    key_label: str = ""
    operation: str = ""
    dialect: str = ""
    upstream_dialect: str = ""
    agent: str = ""
    endpoint: str = ""
    model_asked: str = ""
    model_served: str = ""
    stream: bool = False
    tokens: Tokens | None = None
    duration_ms: float | None = None
    first_byte_ms: float | None = None
    attempts: int | None = None
    loss: tuple[str, ...] = ()
    error: str = ""
    parent: str = ""
    delegated: bool = False


_encode = msgspec.json.Encoder().encode
_NOTHING = Tokens()


def json_line(record: UsageRecord) -> str:
    """With its newline; without anything that looks like a key."""
    line = line_of(record)
    try:
        return redact(_encode(line).decode()) + "\n"
    except UnicodeEncodeError:  # a lone surrogate in a name that no client chose
        return redact(_encode(_cleaned(msgspec.to_builtins(line))).decode()) + "\n"


def console_line(record: UsageRecord) -> str:
    """With its newline; without anything that looks like a key."""
    ended = time.localtime(record.started + record.duration)
    return redact(f"{time.strftime('%H:%M:%S', ended)} INFO    {sentence(record)}") + "\n"


def fields(record: UsageRecord) -> dict[str, Any]:
    """The members that a log record does not have itself."""
    members: dict[str, Any] = msgspec.to_builtins(line_of(record))
    return {name: value for name, value in members.items() if name not in ("time", "level", "logger")}


def line_of(record: UsageRecord) -> Line:
    attempts, first_byte = len(record.attempts), record.first_byte
    return Line(
        moment(record.started + record.duration) + "Z",
        "info",
        "gateway.access",
        record.status,
        record.outcome,
        record.id,
        clean(record.request_id),
        moment(record.started) + "+00:00",
        record.peer,
        record.user_id,
        record.key_id,
        clean(record.key_label),
        record.operation,
        record.dialect,
        record.upstream_dialect,
        record.agent,
        record.endpoint,
        clean(record.model_asked),
        clean(record.model_served),
        record.stream,
        tokens(record.usage),
        _milliseconds(record.duration) or None,
        None if first_byte is None else _milliseconds(first_byte) or None,
        attempts if attempts > 1 else None,
        tuple([clean(path) for path in record.loss[:MOST_LOSS]]) if record.loss else (),
        error_class(record) if record.error else "",
        record.parent,
        record.delegated,
    )


def sentence(record: UsageRecord) -> str:
    """`200 complete agent_a -> openAI/gpt-x, 12+34 tokens, 812.4 ms (first byte 120.1), u1, ex_…`"""
    usage = record.usage
    served = f" -> {record.endpoint}/{clean(record.model_served)}" if record.endpoint else ""
    parts = [f"{record.status} {record.outcome} {clean(record.model_asked) or record.operation}{served}"]
    if usage.total:
        parts.append(f"{usage.prompt}+{usage.output or 0} tokens{' (estimated)' if usage.estimated else ''}")
    first = "" if record.first_byte is None else f" (first byte {_milliseconds(record.first_byte)})"
    parts.append(f"{_milliseconds(record.duration)} ms{first}")
    parts += [text for text in (error_class(record), record.user_id, record.id) if text]
    return ", ".join(parts)


def tokens(usage: Usage) -> Tokens | None:
    found = Tokens(
        usage.input,
        usage.cache_read,
        usage.cache_write_5m,
        usage.cache_write_1h,
        usage.output,
        usage.reasoning,
        usage.estimated,
    )
    return None if found == _NOTHING else found


def error_class(record: UsageRecord) -> str:
    """Without its words, which may quote an upstream and through it the call."""
    return record.error.partition(":")[0]


def clean(text: str) -> str:
    shown = text[:MOST_TEXT]
    return shown if shown.isprintable() else shown.encode("unicode_escape", "replace").decode()


def moment(at: float) -> str:
    """Epoch seconds as an ISO time in UTC, to the millisecond, without a zone."""
    second, millisecond = divmod(round(at * 1e6) // 1000, 1000)
    return f"{_second(second)}.{millisecond:03d}"


@lru_cache(16)
def _second(at: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at))


def _milliseconds(seconds: float) -> float:
    # To a tenth; `round` to a digit takes three times as long.
    return int(seconds * 10_000 + 0.5) / 10


def _cleaned(members: dict[str, Any]) -> dict[str, Any]:
    return {name: clean(value) if isinstance(value, str) else value for name, value in members.items()}

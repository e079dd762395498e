"""A UsageRecord as a log line: fields for machines, a sentence for people. Never what was asked or answered.

What clients choose (names of models, of lost members) is cut and escaped: it may be long, or pretend to be a line.
"""

from __future__ import annotations

from datetime import UTC, datetime

from gateway import Usage, UsageRecord

Field = str | int | float | bool | list[str] | dict[str, int | bool]
MOST_TEXT = 200
MOST_LOSS = 20


def fields(record: UsageRecord) -> dict[str, Field]:
    """What is empty is left out, except status and outcome. Durations are milliseconds."""
    found: dict[str, Field | None] = {
        "id": record.id,
        "request_id": clean(record.request_id),
        "started": datetime.fromtimestamp(record.started, UTC).isoformat(timespec="milliseconds"),
        "client": record.peer,
        "user": record.user_id,
        "key": record.key_id,
        "key_label": clean(record.key_label),
        "operation": record.operation,
        "dialect": record.dialect,
        "upstream_dialect": record.upstream_dialect,
        "agent": record.agent,
        "endpoint": record.endpoint,
        "model_asked": clean(record.model_asked),
        "model_served": clean(record.model_served),
        "stream": record.stream,
        "tokens": tokens(record.usage),
        "duration_ms": _milliseconds(record.duration),
        "first_byte_ms": None if record.first_byte is None else _milliseconds(record.first_byte),
        "attempts": len(record.attempts) if len(record.attempts) > 1 else None,
        "loss": [clean(path) for path in record.loss[:MOST_LOSS]],
        "error": error_class(record),
    }
    said: dict[str, Field] = {"status": record.status, "outcome": record.outcome}
    return said | {name: value for name, value in found.items() if value}


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


def tokens(usage: Usage) -> dict[str, int | bool]:
    """What was reported, by kind."""
    counts = {
        "input": usage.input,
        "cache_read": usage.cache_read,
        "cache_write_5m": usage.cache_write_5m,
        "cache_write_1h": usage.cache_write_1h,
        "output": usage.output,
        "reasoning": usage.reasoning,
        "estimated": usage.estimated or None,
    }
    return {kind: count for kind, count in counts.items() if count is not None}


def error_class(record: UsageRecord) -> str:
    """Without its words, which may quote an upstream and through it the call."""
    return record.error.partition(":")[0]


def clean(text: str) -> str:
    shown = text[:MOST_TEXT]
    return shown if shown.isprintable() else shown.encode("unicode_escape", "replace").decode()


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 1)

"""Invoice: what a provider says was used or is to be paid, by day and model, out of the CSV that its console exports.

Neither vendor documents the columns of these files, which are the fields of the usage and cost APIs laid flat:
https://platform.openai.com/docs/api-reference/usage (buckets of `start_time`, Unix seconds; `input_tokens` includes
`input_cached_tokens`; costs in `amount.value` by `line_item`, as `gpt-4o-2024-08-06, cached input`) and
https://support.anthropic.com/en/articles/9534590-cost-and-usage-reporting-in-console (usage by model's id; costs in
`cost_usd` by model's name, as `Claude Opus 4.5`, and kind of token; days in UTC). The columns here are those of files
that users have published.
"""

from __future__ import annotations

import csv
import datetime
import io
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation

from msgspec import Struct

from gateway import BadCall
from gateway.money import USD

TOKENS = ("input", "cache_read", "cache_write", "output")
COST = ("cost",)
MOST = 10**15
"""No figure is larger."""
Columns = Mapping[str, str]
_DATED = re.compile(r"-(\d{8}|\d{4}-\d{2}-\d{2}|latest)$")
_APART = re.compile(r"[\s._]+")


class Bucket(Struct, frozen=True, order=True):
    """day: ISO, in UTC. model: its plain name."""

    day: str
    model: str


class Invoice(Struct, frozen=True):
    """measures: what the file counts, TOKENS or COST, the latter in nano-USD. days: the first and the last.

    names: of models as the file has them.
    """

    kind: str
    measures: tuple[str, ...]
    days: tuple[str, str]
    figures: Mapping[Bucket, Mapping[str, int]]
    names: Mapping[str, str]


class Kind(Struct, frozen=True):
    """One kind of file. columns: that tell it from others. model: "" in a row that says only that nothing was used."""

    name: str
    columns: frozenset[str]
    measures: tuple[str, ...]
    day: Callable[[Columns], str]
    model: Callable[[Columns], str]
    figures: Callable[[Columns], Mapping[str, Decimal]]


def plain(model: str) -> str:
    """What a model is called everywhere: without a date, in lower case, with dashes: `claude-opus-4-5`."""
    return _DATED.sub("", _APART.sub("-", model.strip().lower()))


def read_invoice(text: str) -> Invoice:
    """Raises BadCall, with the line where there is one."""
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    kind = _kind_of(frozenset(rows.fieldnames or ()))
    days: list[str] = []
    sums: dict[Bucket, dict[str, Decimal]] = {}
    names: dict[str, str] = {}
    for row in rows:
        day, model, figures = _read(kind, row, rows.line_num)
        days.append(day)
        if not any(figures.values()):
            continue
        if not model:
            raise BadCall(f"Line {rows.line_num} names no model; export the file grouped by model, costs by line item.")
        names.setdefault(plain(model), model)
        sum_ = sums.setdefault(Bucket(day, plain(model)), dict.fromkeys(kind.measures, Decimal(0)))
        for name, figure in figures.items():
            sum_[name] += figure
    if not days:
        raise BadCall("The file has no rows under its header.")
    figures_by_bucket = {bucket: {name: round(sum_) for name, sum_ in of.items()} for bucket, of in sums.items()}
    return Invoice(kind.name, kind.measures, (min(days), max(days)), figures_by_bucket, names)


def _kind_of(columns: frozenset[str]) -> Kind:
    for kind in KINDS:
        if kind.columns <= columns:
            return kind
    known = "; ".join(f"{kind.name}: {', '.join(sorted(kind.columns))}" for kind in KINDS)
    raise BadCall(f"This is none of the exports that are known here, by the columns of its first line. {known}.")


def _read(kind: Kind, row: Columns, line: int) -> tuple[str, str, Mapping[str, Decimal]]:
    if None in row.values() or None in row:
        raise BadCall(f"Line {line} has not as many columns as the first one; the file may have been cut off.")
    try:
        return kind.day(row), kind.model(row), kind.figures(row)
    except (ValueError, OverflowError, OSError) as error:
        raise BadCall(f"Line {line} is no row of {kind.name}: {error or type(error).__name__}.") from error


def _number(row: Columns, column: str) -> Decimal:
    """0 where nothing is written. Raises ValueError."""
    text = (row.get(column) or "").strip().replace(",", "")
    try:
        found = Decimal(text or 0)
    except InvalidOperation as error:
        raise ValueError(f"{column} is {text[:40]!r}, which is no number") from error
    if not found.is_finite() or abs(found) > MOST:
        raise ValueError(f"{column} is {text[:40]!r}, which is no number")
    return found


def _bucket_day(row: Columns) -> str:
    start = datetime.datetime.fromtimestamp(int(row["start_time"]), datetime.UTC)
    return start.date().isoformat()


def _usage_day(row: Columns) -> str:
    return datetime.date.fromisoformat(row["usage_date_utc"].strip()[:10]).isoformat()


def _openai_tokens(row: Columns) -> Mapping[str, Decimal]:
    cached = _number(row, "input_cached_tokens")
    read = _number(row, "input_tokens") - cached
    return dict(zip(TOKENS, (read, cached, Decimal(0), _number(row, "output_tokens")), strict=True))


def _openai_cost(row: Columns) -> Mapping[str, Decimal]:
    currency = row["amount_currency"].strip().lower()
    if currency not in ("", "usd"):
        raise ValueError(f"amount_currency is {currency[:10]!r}; only USD can be compared with the ledger")
    return {"cost": _number(row, "amount_value") * USD}


def _anthropic_tokens(row: Columns) -> Mapping[str, Decimal]:
    written = _number(row, "usage_input_tokens_cache_write_5m") + _number(row, "usage_input_tokens_cache_write_1h")
    read, cached = _number(row, "usage_input_tokens_no_cache"), _number(row, "usage_input_tokens_cache_read")
    return dict(zip(TOKENS, (read, cached, written, _number(row, "usage_output_tokens")), strict=True))


def _anthropic_cost(row: Columns) -> Mapping[str, Decimal]:
    return {"cost": _number(row, "cost_usd") * USD}


KINDS: Sequence[Kind] = (
    Kind(
        "OpenAI's costs",
        frozenset(("start_time", "amount_value", "amount_currency", "line_item")),
        COST,
        _bucket_day,
        lambda row: row["line_item"].partition(",")[0].strip(),
        _openai_cost,
    ),
    Kind(
        "OpenAI's usage",
        frozenset(("start_time", "model", "input_tokens", "output_tokens")),
        TOKENS,
        _bucket_day,
        lambda row: row["model"].strip(),
        _openai_tokens,
    ),
    Kind(
        "Anthropic's usage",
        frozenset(("usage_date_utc", "model_version", "usage_input_tokens_no_cache", "usage_output_tokens")),
        TOKENS,
        _usage_day,
        lambda row: row["model_version"].strip(),
        _anthropic_tokens,
    ),
    Kind(
        "Anthropic's costs",
        frozenset(("usage_date_utc", "model", "cost_usd")),
        COST,
        _usage_day,
        # Costs of tools have no model; what kind they are of stands elsewhere.
        lambda row: (row["model"] or row.get("cost_type") or "").strip(),
        _anthropic_cost,
    ),
)

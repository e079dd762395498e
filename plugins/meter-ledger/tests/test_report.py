"""A report adds up, names keys and users, and shows what is an estimate."""

from __future__ import annotations

import csv
import io

from gateway_meter_ledger.report import COUNTS, Names, Report, Row, cells, printable, rows_of, sum_of, to_csv
from hypothesis import given
from hypothesis import strategies as st

from gateway import UsageTotal

NAMES = Names({"key_1": "laptop"}, {"usr_1": "ann"})
TOTALS = [
    UsageTotal(("key_1", "usr_1", "gpt"), 1000, 3, 12_345, 10, 0, 60, 0, 250),
    UsageTotal(("environment", "operator", "x,\x1b[31m"), 1, 0, 1, 2, 0, 4, 0, 0),
]


def report(totals: list[UsageTotal]) -> Report:
    rows = rows_of(totals, ("key", "user", "model"), NAMES)
    return Report("UTC", None, None, ("key", "user", "model"), rows, sum_of(rows))


def test_the_table_has_names_a_total_and_the_estimated_share() -> None:
    columns, rows = cells(report(TOTALS))
    assert columns == ["key", "user", "model", "exchanges", "errors", "input", "cache read", "output", "estimated"]
    assert rows == [
        ["laptop", "ann", "gpt", "1,000", "3", "12,345", "10", "60", "25 %"],
        ["environment", "operator", "x,�[31m", "1", "0", "1", "2", "4", "-"],
        ["total", "", "", "1,001", "3", "12,346", "12", "64", "25 %"],
    ]


def test_a_share_is_never_rounded_to_nothing_or_all() -> None:
    shares = []
    for estimated in (0, 1, 500, 999, 1000):
        [row, _] = cells(report([UsageTotal(("a", "b", "c"), 1000, 0, 0, 0, 0, 0, 0, estimated)]))[1]
        shares.append(row[-1])
    assert shares == ["-", "<1 %", "50 %", ">99 %", "100 %"]


def test_csv_has_ids_with_names_beside_and_raw_numbers() -> None:
    lines = list(csv.DictReader(io.StringIO(to_csv(report(TOTALS)))))
    assert [line["key"] for line in lines] == ["key_1", "environment"]
    assert [line["key_name"] for line in lines] == ["laptop", ""]
    assert [line["user_name"] for line in lines] == ["ann", ""]
    assert lines[0]["input"] == "12345"
    assert lines[1]["model"] == "x,�[31m"


@given(st.lists(st.lists(st.integers(0, 10**12), min_size=8, max_size=8), max_size=6))
def test_the_total_is_the_sum_of_every_column(counts: list[list[int]]) -> None:
    rows = [Row({}, {}, *line) for line in counts]
    assert sum_of(rows).counts == tuple(sum(line[column] for line in counts) for column in range(len(COUNTS)))


@given(st.text())
def test_what_is_printed_is_printable(text: str) -> None:
    assert printable(text).isprintable()
    assert len(printable(text)) == len(text)

"""A report adds up, names keys and users, and shows what is an estimate."""

from __future__ import annotations

import csv
import io

from gateway_meter_ledger.report import COUNTS, Names, Report, Row, cells, printable, rows_of, sum_of, to_csv
from hypothesis import given
from hypothesis import strategies as st

from gateway import UsageTotal
from gateway.ledger import ChargeTotal

NAMES = Names({"key_1": "laptop"}, {"usr_1": "ann"})
TOTALS = [
    UsageTotal(("environment", "operator", "x,\x1b[31m"), 1, 0, 1, 2, 0, 4, 0, 0),
    UsageTotal(("key_1", "usr_1", "gpt"), 1000, 3, 12_345, 10, 0, 60, 0, 250),
]


def report(totals: list[UsageTotal]) -> Report:
    rows = rows_of(totals, ("key", "user", "model"), NAMES)
    return Report("UTC", None, None, ("key", "user", "model"), rows, sum_of(rows))


def test_the_table_has_names_a_total_and_the_estimated_share() -> None:
    columns, rows = cells(report(TOTALS))
    assert columns == ["key", "user", "model", "exchanges", "errors", "input", "cache read", "output", "estimated"]
    assert rows == [
        ["environment", "operator", "x,�[31m", "1", "0", "1", "2", "4", "-"],
        ["laptop", "ann", "gpt", "1,000", "3", "12,345", "10", "60", "25 %"],
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
    assert [line["key"] for line in lines] == ["environment", "key_1"]
    assert [line["key_name"] for line in lines] == ["", "laptop"]
    assert [line["user_name"] for line in lines] == ["", "ann"]
    assert lines[1]["input"] == "12345"
    assert lines[0]["model"] == "x,�[31m"


def test_money_stands_beside_the_tokens_of_its_group_or_alone() -> None:
    charges = [
        ChargeTotal(("key_1", "usr_1", "gpt"), 4, 30_000, 24_500, 500, 10_000_000, 1, 0, 0, 0, 0),
        ChargeTotal(("key_2", "usr_1", "gpt"), 1, 1_000, 1_000, 1_000, 0, 1, 0, 0, 0, 0),
    ]
    by = ("key", "user", "model")
    rows = rows_of(TOTALS, by, NAMES, charges)
    made = Report("UTC", None, None, by, rows, sum_of(rows))
    columns, shown = cells(made)
    assert columns[-6:] == ["price in credits", "credits", "USD", "of it estimated", "vendors' USD", "unpriced"]
    assert [row[-6:] for row in shown] == [
        ["0", "0", "0.00", "-", "0.00", "-"],
        ["30", "24.5", "0.0000245", "2 %", "0.01", "25 %"],
        ["1", "1", "0.000001", "100 %", "0.00", "100 %"],
        ["31", "25.5", "0.0000255", "6 %", "0.01", "40 %"],
    ]
    lines = list(csv.DictReader(io.StringIO(to_csv(made))))
    assert [line["taken"] for line in lines] == ["0", "24500", "1000"]
    assert (lines[2]["exchanges"], lines[2]["cost"]) == ("0", "0")


@given(st.lists(st.lists(st.integers(0, 10**12), min_size=8, max_size=8), max_size=6))
def test_the_total_is_the_sum_of_every_column(counts: list[list[int]]) -> None:
    rows = [Row({}, {}, *line) for line in counts]
    assert sum_of(rows).counts == tuple(sum(line[column] for line in counts) for column in range(len(COUNTS)))


@given(st.text())
def test_what_is_printed_is_printable(text: str) -> None:
    assert printable(text).isprintable()
    assert len(printable(text)) == len(text)

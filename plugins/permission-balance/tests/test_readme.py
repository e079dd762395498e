"""The README's table of what becomes of an attempt is what the code does."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, get_args

import pytest

from gateway import Attempt, Usage
from gateway.money import Rule
from gateway.pipeline.settlement import rule_of, used

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
TABLE = README.partition("| outcome | tokens | charged | rule |\n")[2].partition("\n\n")[0].splitlines()[1:]
ROWS = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in TABLE]
SENT: dict[str, Any] = {"sent": True, "status": 200, "input_bytes": 400, "output_bytes": 80}
TOLD: dict[str, Any] = {**SENT, "usage": Usage(input=40, output=10)}
CASES: dict[str, Sequence[tuple[bool, dict[str, Any]]]] = {
    "complete, usage reported": [(True, {**TOLD, "outcome": "complete"})],
    "complete, no usage reported": [(True, {**SENT, "outcome": "complete"})],
    "client gone before anything was sent": [(False, {"outcome": "client_gone"})],
    "client gone after that": [(answered, {**each, "outcome": "client_gone"})
                               for answered in (True, False) for each in (SENT, TOLD)],
    "refused by the gateway (402, a limit, a lost feature, no key), or not reached": [
        (False, {"outcome": "refused"}), (False, {"outcome": "upstream_error"})],
    "upstream's error status": [(False, {**SENT, "status": 500, "outcome": "upstream_error"})],
    "upstream's failure, timeout or lost connection before the client had anything": [
        (False, {**each, "outcome": outcome})
        for outcome in ("upstream_error", "timeout", "broken")
        for each in (SENT, TOLD)
    ],
    "the same after the client had something": [
        (True, {**each, "outcome": outcome}) for outcome in ("timeout", "broken") for each in (SENT, TOLD)
    ],
    "stopped because the balance or a budget was spent": [
        (True, {**each, "outcome": "refused"}) for each in (SENT, TOLD)
    ],
    "gateway killed": [],
}  # fmt: skip


def test_each_outcome_has_a_row_and_each_rule_is_in_one() -> None:
    assert [row[0] for row in ROWS] == list(CASES)
    assert {rule for row in ROWS for rule in rules(row)} == set(get_args(Rule))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_row_has_the_rules_that_settle_it(
    row: list[str], make_exchange: Callable[..., Any], make_attempt: Callable[..., Attempt]
) -> None:
    found = set()
    for answered, fields in CASES[row[0]]:
        attempt = make_attempt(make_exchange())
        for name, value in fields.items():
            setattr(attempt, name, value)
        attempt.usage = used(attempt)
        found.add(rule_of(attempt, answered))
    assert found == (rules(row) if CASES[row[0]] else set())
    assert ("free" in rules(row)) == (row[2] == "nothing")


def rules(row: Sequence[str]) -> set[str]:
    return set(re.findall(r"`(\w+)`", row[3]))

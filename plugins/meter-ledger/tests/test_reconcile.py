"""`gateway reconcile` on a real store: what matches, what differs, and what is missing on either side."""

from __future__ import annotations

import asyncio
import datetime
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from gateway_meter_ledger.reconcile import reconcile

from gateway import Charge, Usage
from gateway.cli.context import Context
from gateway.ledger import Settlement
from gateway.testing import installed

NOON = datetime.datetime(2025, 11, 2, 12, tzinfo=datetime.UTC).timestamp()
DAY, HEAD = 86_400, "start_time,model,input_tokens,output_tokens,input_cached_tokens\n"
USAGE = HEAD + "1762041600,gpt-4o-2024-08-06,1100,500,100\n"
COSTS = "usage_date_utc,model,cost_usd,cost_type\n2025-11-02,Claude Opus 4.5,0.25,token\n"


def settlement(number: int, model: str, usage: Usage, cost: int | None, **fields: Any) -> Settlement:
    exact = "" if cost is None else str(cost)
    charge = Charge("reported", 5, "5", cost=cost, cost_exact=exact)
    given = {"at": NOON, "endpoint": "openAI", "outcome": "complete"} | fields
    return Settlement(attempt=f"at_{number}", model=model, usage=usage, charge=charge, **given)


class Console:
    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def context(self) -> Context:
        return Context(environ={"GATEWAY_STATE_DIR": str(self._directory / "state")})

    def __call__(self, text: str, *words: str) -> Result:
        file = self._directory / "export.csv"
        file.write_text(text, "utf-8")
        return CliRunner(env={"COLUMNS": "250"}).invoke(reconcile, [str(file), *words], obj=self.context())

    def json(self, text: str, *words: str, code: int = 0) -> Any:
        result = self(text, *words, "--json")
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)

    def settle(self, settlements: Sequence[Settlement]) -> None:
        async def work() -> None:
            async with self.context().store() as store:
                assert store.ledger is not None
                for one in settlements:
                    store.ledger.settle(one)
                await store.ledger.flush()

        asyncio.run(work())


@pytest.fixture
def gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Console:
    if "store-sql" not in installed.plugins():
        pytest.skip("plugins/store-sql is not installed")
    monkeypatch.chdir(tmp_path)
    made = Console(tmp_path)
    made.settle(
        [
            settlement(1, "gpt-4o", Usage(600, 100, output=200), 1_000),
            settlement(2, "gpt-4o", Usage(400, output=300), 2_000),
            settlement(3, "gpt-4o", Usage(), 0, outcome="upstream_error"),
            settlement(4, "gpt-4o", Usage(9, output=9), 9, at=NOON + DAY),
            settlement(5, "claude-opus-4-5", Usage(9, output=9), 250_000_000, endpoint="anthropic"),
        ]
    )
    return made


def test_what_both_have_alike_is_matched(gateway: Console) -> None:
    told = gateway.json(USAGE, "--endpoint", "openAI", "--tolerance", "0")
    figures = {"input": 1000, "cache_read": 100, "cache_write": 0, "output": 500}
    nothing = dict.fromkeys(figures, 0)
    assert told["lines"] == [
        {
            "day": "2025-11-02",
            "model": "gpt-4o",
            "state": "matched",
            "invoice": figures,
            "ledger": figures,
            "difference": nothing,
            "unpriced": 0,
        }
    ]
    assert (told["kind"], told["since"], told["until"]) == ("OpenAI's usage", "2025-11-02", "2025-11-02")
    assert told["difference"] == nothing


def test_money_is_compared_with_what_vendors_ask(gateway: Console) -> None:
    [line] = gateway.json(COSTS, "--endpoint", "anthropic", "--tolerance", "0")["lines"]
    assert (line["state"], line["invoice"], line["ledger"]) == ("matched", {"cost": 250_000_000}, {"cost": 250_000_000})
    dearer = COSTS.replace("0.25", "0.26")
    [line] = gateway.json(dearer, "--endpoint", "anthropic", code=1)["lines"]
    assert (line["state"], line["difference"]) == ("differs", {"cost": 10_000_000})
    assert "0.26 USD, 0.25 USD, 0.01 USD" in gateway(dearer, "--endpoint", "anthropic").output


@pytest.mark.parametrize(("output", "tolerance", "code"), [(505, "1", 0), (506, "1", 1), (501, "0", 1), (999, "60", 0)])
def test_a_difference_counts_beyond_the_tolerance(gateway: Console, output: int, tolerance: str, code: int) -> None:
    text = USAGE.replace(",500,", f",{output},")
    told = gateway.json(text, "--endpoint", "openAI", "--tolerance", tolerance, code=code)
    assert [line["state"] for line in told["lines"]] == ["differs" if code else "matched"]
    assert told["difference"]["output"] == output - 500


def test_what_one_side_lacks_is_named(gateway: Console) -> None:
    text = HEAD + "1762041600,gpt-5,7,8,0\n1762128000,gpt-4o,9,9,0\n"
    told = gateway.json(text, code=1)
    assert [(line["day"], line["model"], line["state"]) for line in told["lines"]] == [
        ("2025-11-02", "claude-opus-4-5", "not on the invoice"),
        ("2025-11-02", "gpt-4o", "not on the invoice"),
        ("2025-11-02", "gpt-5", "not in the ledger"),
        ("2025-11-03", "gpt-4o", "matched"),
    ]
    shown = gateway(text)
    assert shown.exit_code == 1
    assert "1 matched, 3 did not" in shown.output
    assert told["lines"][2]["ledger"] is None


def test_attempts_without_a_price_are_told_beside_the_cost(gateway: Console) -> None:
    gateway.settle([settlement(6, "odd", Usage(5, output=5), None, endpoint="anthropic")])
    lines = gateway.json(COSTS, "--endpoint", "anthropic", code=1)["lines"]
    assert [(line["model"], line["state"], line["unpriced"]) for line in lines] == [
        ("claude-opus-4-5", "matched", 0),
        ("odd", "not on the invoice", 1),
    ]


def test_what_cannot_be_read_is_said_in_a_sentence(gateway: Console) -> None:
    refused = gateway("a,b\n1,2\n")
    assert (refused.exit_code, "none of the exports" in refused.output) == (1, True)
    assert gateway(USAGE, "--tolerance", "-1").exit_code == 2
    assert "Traceback" not in refused.output

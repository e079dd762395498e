"""The verdict on a log and a ledger: sound ones have no flaw, and each flaw is found."""

from __future__ import annotations

import msgspec
import pytest
from asked import Asked
from verdict import Evidence, flaws

ANSWERED = Asked("at_1_1", 1, "answer", "answered", began=True, read=100, wrote=50)
SETTLED = {
    "attempt": "at_1_1",
    "user_id": "operator",
    "outcome": "complete",
    "rule": "reported",
    "price": 200_000,
    "taken": 200_000,
    "taken_from": '{"user:operator":200000}',
}
ACCOUNT = {"owner": "user:operator", "available": 800_000, "held": 0, "spent": 200_000, "granted": -1_000_000}
UNKNOWN = {**SETTLED, "outcome": "unknown", "rule": "unknown"}
SOUND = Evidence([ANSWERED], [SETTLED], [ACCOUNT])


def kinds(evidence):
    return [flaw.kind for flaw in flaws(evidence)]


def test_what_is_settled_as_the_upstream_told_has_no_flaw():
    assert kinds(SOUND._replace(settled={"ex_1"}, orderly={1})) == []


def test_what_a_kill_met_may_be_unknown():
    assert kinds(SOUND._replace(settlements=[UNKNOWN])) == []


@pytest.mark.parametrize("more", [{"settled": {"ex_1"}}, {"orderly": {1}}])
def test_what_was_settled_before_may_not_be_unknown(more):
    assert kinds(SOUND._replace(settlements=[UNKNOWN], **more)) == ["lost"]


def test_a_request_that_is_not_in_the_ledger_is_missing():
    nothing_spent = {**ACCOUNT, "available": 1_000_000, "spent": 0}
    assert kinds(SOUND._replace(settlements=[], accounts=[nothing_spent])) == ["missing"]


def test_a_settlement_without_a_request_is_invented_unless_a_kill_met_it():
    assert kinds(SOUND._replace(log=[])) == ["invented"]
    assert kinds(SOUND._replace(log=[], settlements=[UNKNOWN])) == []


def test_a_request_is_sent_again_only_where_its_connection_may_have_been_stale():
    cut = Asked("at_1_1", 1, "cut", "cut")
    assert kinds(SOUND._replace(log=[cut, ANSWERED])) == []
    assert kinds(SOUND._replace(log=[ANSWERED, ANSWERED])) == ["twice"]


@pytest.mark.parametrize(
    "changes",
    [{"outcome": "refused", "began": False}, {"outcome": "cut", "began": False}, {"outcome": "cut"}, {"wrote": 51}],
)
def test_a_price_is_that_of_what_came(changes):
    assert kinds(SOUND._replace(log=[msgspec.structs.replace(ANSWERED, **changes)])) == ["price"]


def test_who_left_before_a_refusal_was_read_may_pay():
    refused = msgspec.structs.replace(ANSWERED, outcome="refused", began=False)
    assert kinds(SOUND._replace(log=[refused], settlements=[{**SETTLED, "outcome": "client_gone"}])) == []


def test_accounts_are_never_below_zero_and_hold_what_they_were_given():
    spent = {**ACCOUNT, "available": -1, "granted": -199_999}
    assert kinds(SOUND._replace(accounts=[spent])) == ["negative"]
    assert kinds(SOUND._replace(accounts=[{**ACCOUNT, "granted": 0}])) == ["unbalanced"]
    assert kinds(SOUND._replace(accounts=[{**ACCOUNT, "spent": 0, "available": 1_000_000}])) == ["unbalanced"]

"""How much a call may read and write at most, by whoever limits it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from gateway_permission_balance.estimate import Estimate, estimate, tokens_of
from gateway_permission_balance.tariffs import Rated

from gateway import Edit, Envelope, Prices
from gateway.inbound import Operation
from gateway.money import tariff_of

TARIFF = tariff_of(Prices(1, 1))
assert TARIFF is not None
Make = Callable[..., Any]


def rated(context: int | None = None, max_output: int | None = None) -> Rated:
    return Rated(TARIFF, None, context, max_output)  # type: ignore[arg-type]


def limited(name: str, tokens: int, locked: bool = False) -> Edit:
    return Edit("m", defaults={name: msgspec.Raw(b"%d" % tokens)}, locked=frozenset((name,)) if locked else frozenset())  # type: ignore[dict-item,arg-type]


@pytest.mark.parametrize(
    ("asked", "facts", "wanted"),
    [
        (None, rated(), Estimate(100, 4096, limited=False)),
        (50, rated(), Estimate(100, 50)),
        (5000, rated(max_output=300), Estimate(100, 300)),
        (None, rated(context=150), Estimate(100, 50)),
        (200, rated(context=150, max_output=300), Estimate(100, 50)),
        (None, rated(context=60), Estimate(60, 0)),
        (-5, rated(), Estimate(100, 0)),
    ],
)
def test_the_least_limit_counts(make_exchange: Make, asked: int | None, facts: Rated, wanted: Estimate) -> None:
    exchange = make_exchange(b"x" * 400, Envelope(max_output=asked))
    assert estimate(exchange, facts, 4096) == wanted


def test_every_choice_writes_as_much(make_exchange: Make) -> None:
    exchange = make_exchange(b"x" * 400, Envelope(max_output=50, choices=3))
    assert estimate(exchange, rated(), 4096) == Estimate(100, 150, 3)


@pytest.mark.parametrize(
    ("asked", "edit", "output"),
    [
        (None, limited("max_output_tokens", 70), 70),
        (90, limited("max_output_tokens", 70), 90),
        (90, limited("max_output_tokens", 70, locked=True), 70),
        (90, limited("top_k", 70), 90),
    ],
)
def test_an_agents_limit_counts_where_it_applies(make_exchange: Make, asked: Any, edit: Edit, output: int) -> None:
    assert estimate(make_exchange(b"", Envelope(max_output=asked), edit), rated(), 4096).output == output


def test_an_agents_instructions_are_read_as_well(make_exchange: Make) -> None:
    exchange = make_exchange(b"x" * 400, edit=Edit("m", instructions="Grüße in Reimen."))
    assert estimate(exchange, rated(max_output=9), 4096) == Estimate(105, 9)


def test_what_has_no_text_to_write_is_held_for_by_its_input(make_exchange: Make) -> None:
    exchange = make_exchange(b"x" * 400)
    exchange.inbound.operation = Operation("media", "POST", "/embeddings")
    assert estimate(exchange, rated(max_output=9), 4096) == Estimate(100, 0)


@pytest.mark.parametrize("before", [b'"url":"data:image/png;base64,', b'{"type":"base64","data":"', b'"data": "'])
def test_pictures_within_a_long_body_are_no_text(make_exchange: Make, before: bytes) -> None:
    body = b'{"text":"%s",' % (b"y" * 4000) + before + b"A" * 100_000 + b'","more":"' + before + b"B" * 9000 + b'"}'
    text = len(body) - 109_000
    assert tokens_of(make_exchange(body).inbound) == -(-text // 4) + 2000


def test_short_marks_and_cut_bodies_count_as_text(make_exchange: Make) -> None:
    body = b'{"data":"short","x":"' + b"z" * 50_000 + b'"data":"' + b"A" * 9000
    assert tokens_of(make_exchange(body).inbound) == -(-len(body) // 4)


def test_of_a_form_its_texts_are_counted(make_exchange: Make) -> None:
    class Intake:
        text_bytes = 41

    inbound = make_exchange(b"x" * 400).inbound
    inbound.intake = Intake()
    assert tokens_of(inbound) == 11

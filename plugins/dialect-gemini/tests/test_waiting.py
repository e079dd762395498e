"""Which call a result is of."""

from __future__ import annotations

from gateway_dialect_gemini.waiting import Waiting


def test_by_its_id_whoever_wrote_it() -> None:
    waiting = Waiting()
    waiting.add("a", "f", "a")
    waiting.add("minted", "f", "a")
    assert waiting.answered("minted", "other") == "minted"
    assert waiting.answered("a", "f") == "a"
    assert waiting.answered("a", "f") is None


def test_without_an_id_the_first_of_its_name_that_waits() -> None:
    waiting = Waiting()
    for identity, name, given in (("1", "f", None), ("2", "g", None), ("3", "f", "3"), ("4", "f", None)):
        waiting.add(identity, name, given)
    assert [waiting.answered(None, "f") for _ in range(4)] == ["1", "3", "4", None]
    assert waiting.answered(None, "g") == "2"


def test_with_an_id_that_no_call_has_one_without_an_id_comes_first() -> None:
    waiting = Waiting()
    for identity, given in (("1", "1"), ("2", None)):
        waiting.add(identity, "f", given)
    assert [waiting.answered("new", "f") for _ in range(3)] == ["2", "1", None]

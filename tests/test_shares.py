from __future__ import annotations

from pathlib import Path

import pytest

from gateway.shares import ABSENT, Shares, lay_out


@pytest.fixture
def three(tmp_path: Path) -> list[Shares]:
    file = tmp_path / "connections"
    lay_out(file, 3)
    return [Shares(file, index) for index in range(3)]


def test_who_has_more_than_another_is_ahead(three: list[Shares]) -> None:
    for one, count in zip(three, (2, 1, 3), strict=True):
        one.tell(count)
    assert [one.is_ahead for one in three] == [True, False, True]


def test_with_as_many_as_the_others_nobody_is_ahead(three: list[Shares]) -> None:
    for one in three:
        one.tell(7)
    assert not any(one.is_ahead for one in three)


def test_nobody_waits_for_a_worker_that_has_not_come_or_has_left(three: list[Shares]) -> None:
    first, second, _ = three
    first.tell(5)
    assert not first.is_ahead
    second.tell(0)
    assert first.is_ahead
    second.leave()
    assert not first.is_ahead


def test_what_one_process_tells_others_read(tmp_path: Path) -> None:
    file = tmp_path / "connections"
    lay_out(file, 2)
    Shares(file, 1).tell(9)
    assert file.read_bytes() == ABSENT.to_bytes(4, "little") + (9).to_bytes(4, "little")

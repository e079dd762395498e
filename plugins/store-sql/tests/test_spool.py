"""What waits on the disk comes back once, whole, to whoever may take it."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from gateway_store_sql import spool as spooling
from gateway_store_sql.spool import Spool

from gateway import AttemptRecord, StartupError, Usage, UsageRecord

Make = Callable[..., UsageRecord]
PLENTY = 2**30


@pytest.fixture
def folder(directory: Path) -> Path:
    return directory / "usage-spool"


@pytest.fixture
def spool(folder: Path) -> Iterator[Spool]:
    spool = Spool(folder, PLENTY)
    spool.open()
    yield spool
    spool.close()


@pytest.fixture
def other(folder: Path, spool: Spool) -> Iterator[Spool]:
    """Of another process, as far as locks go."""
    other = Spool(folder, PLENTY)
    other.open()
    yield other
    other.close()


def taken(spool: Spool) -> list[UsageRecord]:
    """All that is there for it, which is then removed."""
    found: list[UsageRecord] = []
    while (segment := spool.take()) is not None:
        found += segment.records
        segment.remove()
    return found


def test_records_come_back_in_order_and_once(spool: Spool, record: Make, folder: Path) -> None:
    full = record("ex1", usage=Usage(1, 2), attempts=(AttemptRecord("at1", "e", "m", "d", "complete"),), loss=("stop",))
    records = [full, *(record(f"ex{number}") for number in range(2, 100))]
    assert spool.write(records[:50]) == (50, [])
    assert spool.write(records[50:]) == (49, [])
    assert spool.waiting
    assert taken(spool) == records
    assert not spool.waiting
    assert os.listdir(folder) == []


def test_a_file_that_another_process_writes_is_left_to_it(spool: Spool, other: Spool, record: Make) -> None:
    spool.write([record("ex1")])
    other.write([record("ex2")])
    assert taken(other) == [record("ex2")]
    assert taken(spool) == [record("ex1")]


def test_a_file_that_another_process_reads_is_left_to_it_until_it_gives_it_back(
    spool: Spool, other: Spool, record: Make
) -> None:
    spool.write([record("ex1")])
    segment = spool.take()
    assert segment is not None
    assert taken(other) == []
    segment.release()
    assert taken(other) == [record("ex1")]


def test_what_a_process_left_behind_is_taken_by_the_next(spool: Spool, other: Spool, record: Make) -> None:
    other.write([record("ex1")])
    other.close()
    assert taken(spool) == [record("ex1")]


def test_a_line_that_was_cut_is_counted_and_the_others_are_read(spool: Spool, folder: Path, record: Make) -> None:
    spool.write([record("ex1"), record("ex2")])
    spool.close()
    [file] = folder.iterdir()
    file.write_bytes(file.read_bytes()[:-20])
    segment = spool.take()
    assert segment is not None
    assert (segment.records, segment.spoiled) == ([record("ex1")], 1)
    segment.release()


def test_files_are_of_a_size_to_be_read_at_once(
    spool: Spool, folder: Path, record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spooling, "LARGEST", 5000)
    records = [record(f"ex{number}") for number in range(500)]
    for start in range(0, 500, 10):
        spool.write(records[start : start + 10])
    sizes = [file.stat().st_size for file in folder.iterdir()]
    assert len(sizes) > 5
    assert max(sizes) < 10_000
    assert taken(spool) == records


def test_no_more_is_taken_than_the_limit_of_the_directory(folder: Path, record: Make) -> None:
    first, second = Spool(folder, 3000), Spool(folder, 3000)
    first.open()
    records = [record(f"ex{number}") for number in range(100)]
    count, refused = first.write(records)
    assert 0 < count < 100
    assert refused == []
    assert sum(file.stat().st_size for file in folder.iterdir()) <= 3000
    second.open()
    assert second.write(records) == (0, [])
    first.close()
    assert taken(second) == records[:count]
    assert second.write(records)[0] == count
    second.close()


def test_a_record_that_is_none_is_refused_and_the_others_are_kept(spool: Spool, record: Make) -> None:
    count, refused = spool.write([record("ex1"), record("ex2", operation=None), record("ex3", agent="\ud800\0")])
    assert (count, len(refused)) == (3, 1)
    assert taken(spool) == [record("ex1"), record("ex3", agent="?�")]


def test_a_full_disk_leaves_no_half_line_before_others(
    spool: Spool, record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write

    def half(handle: int, lines: bytes) -> int:
        if len(lines) < 100:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(handle, lines[: len(lines) // 2])

    with monkeypatch.context() as full:
        full.setattr(os, "write", half)
        with pytest.raises(OSError, match="No space"):
            spool.write([record(f"ex{number}") for number in range(10)])
    records = [record(f"ex{number}") for number in range(10)]
    assert spool.write(records) == (10, [])
    found = taken(spool)
    assert found[-10:] == records
    assert {one.id for one in found} == {one.id for one in records}


def test_files_are_for_their_owners_eyes_only(folder: Path, record: Make) -> None:
    before = os.umask(0)
    try:
        spool = Spool(folder, PLENTY)
        spool.open()
        spool.write([record("ex1")])
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
        spool.close()
    finally:
        os.umask(before)


def test_a_directory_that_cannot_be_written_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StartupError, match=r"file/below .*gateway\.store\.directory"):
        Spool(tmp_path / "file" / "below", PLENTY).open()

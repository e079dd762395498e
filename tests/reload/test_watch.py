"""Which changes of files are seen, and when."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.reload.watch import Watch, pause
from gateway.settings.core import Core, ReloadSettings
from gateway.settings.sources import Sources, sign


@pytest.fixture
def file(tmp_path: Path) -> Path:
    found = tmp_path / "librechat.yaml"
    found.write_text("one")
    return found


@pytest.fixture
def watch(file: Path) -> Watch:
    sources = Sources()
    sources.at(file)
    sources.at(file.with_name("gateway.yaml"))
    return Watch(sources.signs)


def test_a_change_is_told_once_and_only_when_it_rests(watch: Watch, file: Path) -> None:
    assert not watch.changed()
    file.write_text("half")
    assert not watch.changed()
    file.write_text("the whole")
    assert not watch.changed()
    assert watch.changed()
    assert not watch.changed()


def test_a_rename_of_the_same_size_and_time_is_a_change(watch: Watch, file: Path) -> None:
    beside = file.with_name("beside")
    beside.write_text("two")
    os.utime(beside, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))
    beside.rename(file)
    assert [watch.changed(), watch.changed()] == [False, True]


def test_what_appears_and_what_goes_is_a_change(watch: Watch, file: Path) -> None:
    file.with_name("gateway.yaml").write_text("{}")
    assert [watch.changed(), watch.changed()] == [False, True]
    file.unlink()
    assert [watch.changed(), watch.changed()] == [False, True]


def test_what_was_written_while_it_was_read_is_a_change(watch: Watch, file: Path) -> None:
    before = sign(file)
    file.write_text("written after the reading")
    watch.follow({str(file): before})
    assert [watch.changed(), watch.changed()] == [False, True]


@pytest.mark.parametrize(("given", "seconds"), [(4.0, 2.0), (True, 1.0), (False, None)])
def test_how_often_it_is_looked(given: float | bool, seconds: float | None) -> None:
    assert pause(Core(reload=ReloadSettings(watch=given))) == seconds

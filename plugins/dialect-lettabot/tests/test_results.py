"""What became of calls is kept for its owner alone, for a while, and in files where there is a place for them."""

import logging
import os
import stat

import pytest
from gateway_dialect_lettabot.files import InFiles
from gateway_dialect_lettabot.results import MOST, InMemory, Kept, new_id, results_of
from gateway_dialect_lettabot.settings import Options
from msgspec import Raw
from msgspec.structs import replace

from gateway import Egress, Services, Unavailable, vault_of
from gateway.testing.installed import NoUpstream

BODY = Raw('{"success":true,"response":"Grüße"}'.encode())
CREDS = "0123456789abcdef" * 4


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def vault():
    return vault_of(CREDS, None)


@pytest.fixture(params=["memory", "files"])
def results(request, clock, vault, tmp_path):
    return InMemory(clock) if request.param == "memory" else InFiles(tmp_path / "runs", vault, clock)


@pytest.fixture
def kept():
    return Kept(new_id(), "ada", "Poet", 1060.0)


def test_what_is_kept_is_found_and_what_came_later_counts(results, kept):
    results.put(kept)
    assert results.get(kept.id, "ada") == kept
    later = replace(kept, status=200, body=BODY)
    results.put(later)
    assert results.get(kept.id, "ada") == later


def test_it_is_its_owners_alone(results, kept):
    results.put(kept)
    assert results.get(kept.id, "eve") is None


def test_its_time_ends(results, kept, clock):
    results.put(kept)
    clock.now = 1060.0
    assert results.get(kept.id, "ada") is None


@pytest.mark.parametrize("identity", ["", "x", "../" * 6 + "etc/passwd", "x" * 32, "x" * 65, "a/b" * 9])
def test_what_is_not_there_is_not_found(results, kept, identity):
    results.put(kept)
    assert results.get(identity, "ada") is None


def test_memory_holds_no_more_than_it_should(clock):
    results = InMemory(clock)
    names = [f"{number:032}" for number in range(MOST + 1)]
    for name in names:
        results.put(Kept(name, "ada", "Poet", 1060.0))
    assert results.get(names[0], "ada") is None
    assert results.get(names[1], "ada") is not None


def test_files_are_encrypted_and_the_owners_alone(clock, vault, tmp_path, kept):
    results = InFiles(tmp_path / "runs", vault, clock)
    results.put(replace(kept, status=200, body=BODY))
    [file] = (tmp_path / "runs").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert b"success" not in file.read_bytes()
    assert "Grüße".encode() not in file.read_bytes()


def test_another_process_finds_them(clock, vault, tmp_path, kept):
    InFiles(tmp_path, vault, clock).put(kept)
    assert InFiles(tmp_path, vault, clock).get(kept.id, "ada") == kept
    assert InFiles(tmp_path, vault_of("f" * 64, None), clock).get(kept.id, "ada") is None


def test_files_whose_time_is_over_go(clock, vault, tmp_path, kept):
    results = InFiles(tmp_path, vault, clock)
    results.put(kept)
    clock.now = 1100.0
    results.put(replace(kept, id=new_id(), expires=1200.0))
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.skipif(os.name == "nt", reason="a file stands in the folder's way")
def test_a_folder_that_cannot_be_written_is_said(clock, vault, tmp_path, kept):
    (tmp_path / "runs").write_text("no folder")
    with pytest.raises(Unavailable):
        InFiles(tmp_path / "runs", vault, clock).put(kept)


class Kind:
    def __init__(self, directory):
        self.directory = directory


@pytest.mark.parametrize(
    ("directory", "beside", "key", "kind"),
    [
        ("", "STATE", CREDS, InFiles),
        ("", None, CREDS, InMemory),
        ("STATE", None, CREDS, InFiles),
        ("STATE", None, None, InMemory),
    ],
    ids=["beside the store", "no place", "a place of its own", "no key"],
)
def test_settings_and_store_say_where(tmp_path, directory, beside, key, kind):
    place = {"STATE": str(tmp_path), "": "", None: None}
    services = Services(
        NoUpstream(),
        Egress(),
        Kind(place[beside]),
        lambda: 0.0,
        logging.getLogger("test.lettabot"),
        vault=vault_of(key, None),
    )
    assert type(results_of(Options(directory=place[directory]), services)) is kind


def test_ids_cannot_be_guessed():
    assert len({new_id() for _ in range(100)}) == 100
    assert len(new_id()) == 32

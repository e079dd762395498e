"""A configuration is what its files held when they were read, and keeps what counts since the start."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from gateway.cli.context import Context
from gateway.secret import Secret
from gateway.settings import Core, Section
from gateway.settings.contract import Settings
from gateway.settings.core import Listen, Tls
from gateway.settings.fixed import held
from gateway.settings.reading import read
from gateway.settings.sources import Source, Sources, is_endless


class Store(msgspec.Struct, frozen=True):
    url: Secret | None = None
    size: int = 1


def test_who_is_given_the_sources_reads_the_same_whatever_became_of_the_files(tmp_path: Path) -> None:
    file = tmp_path / "librechat.yaml"
    file.write_text("version: one\n")
    (tmp_path / ".env").write_text("KEY=a\n")
    first = Sources()
    read(file, {}, tmp_path, first)
    known = msgspec.json.decode(msgspec.json.encode(first.known), type=dict[str, Source])
    file.unlink()
    (tmp_path / ".env").write_text("KEY=b\n")
    (tmp_path / "gateway.yaml").write_text("workers: 3\n")
    again = read(file, {}, tmp_path, Sources(known))
    assert (again.data, again.environ["KEY"], again.findings) == ({"version": "one"}, "a", ())
    assert Sources(known).revision == first.revision


def test_the_revision_is_that_of_the_text(tmp_path: Path) -> None:
    file = tmp_path / "librechat.yaml"

    def revision(text: str) -> str:
        file.write_text(text)
        sources = Sources()
        read(file, {}, tmp_path, sources)
        return sources.revision

    assert revision("a: 1") == revision("a: 1") != revision("a: 2")


def test_a_pipe_is_not_read_twice(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").touch()
    assert [is_endless(tmp_path / name) for name in ("pipe", "file", "none")] == [True, False, False]


def test_what_counts_since_the_start_is_kept_and_named() -> None:
    sections = [Section("gateway.store", Store, fixed=True)]
    started = Core(listen=Listen(port=1), workers=2)
    changed = Core(listen=Listen(port=2, tls=Tls("c", "k"), cors_origins=("*",)), workers=3, unenforced="refuse")
    first = Settings({Core: started, Store: Store(Secret("${URL}"))}, {"URL": "a"}, frozenset())
    after = Settings({Core: changed, Store: Store(Secret("${URL}"))}, {"URL": "b"}, frozenset())
    settings, findings = held(first, after, sections)
    paths = ["gateway.listen.port", "gateway.listen.tls", "gateway.workers", "gateway.store.url"]
    assert [finding.path for finding in findings] == paths
    core = settings.one(Core)
    assert (core.listen.port, core.listen.tls, core.workers) == (1, None, 2)
    assert (core.listen.cors_origins, core.unenforced) == (("*",), "refuse")


@pytest.mark.parametrize(("text", "watch"), [("0.5", 0.5), ("off", False)])
def test_the_watch_is_seconds_or_off(tmp_path: Path, text: str, watch: float | bool) -> None:
    context = Context(environ={"GATEWAY_RELOAD_WATCH": text, "CONFIG_PATH": str(tmp_path / "none.yaml")})
    assert context.core.reload.watch == watch

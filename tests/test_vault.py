"""What is sealed opens for its owner, under its key, and for nobody else."""

from __future__ import annotations

import multiprocessing
import stat
from pathlib import Path

import pytest

from gateway import Sealed, Secret, Unavailable
from gateway.vault import FILE, FileVault, Vault, vault_of

KEY = "0f" * 32


def opened(vault: Vault | None, sealed: bytes, owner: str) -> str:
    assert vault is not None
    return vault.open(sealed, owner).reveal()


def sealed(vault: Vault | None, text: str, owner: str) -> bytes:
    assert vault is not None
    return vault.seal(Secret(text), owner)


def test_what_is_sealed_is_not_to_be_read_and_opens_for_its_owner_alone() -> None:
    vault = vault_of(KEY)
    kept = sealed(vault, "sk-canary", "u1/openrouter")
    assert b"canary" not in kept
    assert kept != sealed(vault, "sk-canary", "u1/openrouter")
    assert opened(vault_of(f" {KEY}\n"), kept, "u1/openrouter") == "sk-canary"
    for owner in ("u2/openrouter", "u1/other"):
        with pytest.raises(Sealed):
            opened(vault, kept, owner)


@pytest.mark.parametrize("kept", [b"", b"short", b"x" * 40])
def test_what_is_damaged_does_not_open(kept: bytes) -> None:
    with pytest.raises(Sealed):
        opened(vault_of(KEY), kept, "u1/e")


@pytest.mark.parametrize("key", ["xyz", "0f" * 31, "0f" * 33, "é" * 64])
def test_a_key_of_another_form_is_refused_without_being_quoted(key: str) -> None:
    with pytest.raises(ValueError, match="64 hex digits") as caught:
        vault_of(key)
    assert key not in str(caught.value)


def test_without_key_and_place_there_is_none() -> None:
    assert vault_of(None) is vault_of("  ") is None


def test_the_key_in_a_file_is_made_when_it_is_needed_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    vault = vault_of(None, str(tmp_path))
    assert list(tmp_path.iterdir()) == []
    kept = sealed(vault, "sk-canary", "u1/e")
    [file] = tmp_path.iterdir()
    assert file.name == FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert opened(vault_of(None, str(tmp_path)), kept, "u1/e") == "sk-canary"
    with pytest.raises(Sealed):
        opened(vault_of(KEY, str(tmp_path)), kept, "u1/e")


def test_without_a_directory_to_write_to_it_says_so_and_starts_all_the_same(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        sealed(vault_of(None, str(tmp_path / "not" / "there")), "x", "u1/e")
    (tmp_path / FILE).write_text("no key")
    with pytest.raises(Unavailable):
        sealed(vault_of(None, str(tmp_path)), "x", "u1/e")


def _seal(directory: str, queue: multiprocessing.Queue[bytes]) -> None:
    queue.put(FileVault(Path(directory)).seal(Secret("sk-canary"), "u1/e"))


def test_processes_that_begin_at_once_agree_on_one_key(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    queue: multiprocessing.Queue[bytes] = context.Queue()
    running = [context.Process(target=_seal, args=(str(tmp_path), queue)) for _ in range(3)]
    for process in running:
        process.start()
    kept = [queue.get(timeout=60) for _ in running]
    for process in running:
        process.join()
    assert {opened(vault_of(None, str(tmp_path)), one, "u1/e") for one in kept} == {"sk-canary"}
    assert [file.name for file in tmp_path.iterdir()] == [FILE]

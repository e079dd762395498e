"""Every kept input of the fuzzer, once more through its target."""

from __future__ import annotations

from pathlib import Path

import pytest
from targets import targets

CORPUS = Path(__file__).resolve().parents[2] / "contrib" / "fuzz" / "corpus"
TARGETS = targets()


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_no_kept_input_fails_its_target(name: str) -> None:
    inputs = sorted((CORPUS / name).iterdir())
    assert inputs
    for path in inputs:
        try:
            TARGETS[name](path.read_bytes())
        except Exception as error:
            raise AssertionError(f"{name}/{path.name}") from error


def test_the_corpus_is_small_and_of_targets_that_there_are() -> None:
    for folder in CORPUS.iterdir():
        assert folder.name in TARGETS
        inputs = list(folder.iterdir())
        assert len(inputs) <= 100
        assert all(path.stat().st_size <= 4096 for path in inputs), folder.name

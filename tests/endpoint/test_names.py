"""Names of models in variables and in files of data."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway import PluginError
from gateway.endpoint import DefaultNames, listed


@pytest.mark.parametrize(
    ("text", "names"), [(None, ()), ("", ()), (" , ", ()), ("a", ("a",)), (" a, b/c ,,d:e,", ("a", "b/c", "d:e"))]
)
def test_commas_stand_between_names(text: str | None, names: tuple[str, ...]) -> None:
    assert listed(text) == names


def test_a_file_says_where_its_names_are_from(tmp_path: Path) -> None:
    file = tmp_path / "models.json"
    file.write_text('{"about": "x", "source": "s", "date": "2026-11-20", "names": ["a", "b"]}')
    assert DefaultNames.read(file) == DefaultNames("s", "2026-11-20", ("a", "b"))


@pytest.mark.parametrize("content", [b"", b"[]", b'{"source": "s"}', b'{"source": "\xff"}', None])
def test_a_file_that_is_none_stops_the_start(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "models.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(PluginError, match="has no names of models"):
        DefaultNames.read(file)

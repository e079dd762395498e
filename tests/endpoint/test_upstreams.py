"""Rows of known upstreams: read, overridden, found, and what they make of the quirks."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway import PluginError, Quirks
from gateway.endpoint.upstreams import UNKNOWN, Known, KnownUpstreams

ROWS = """
acme:
  names: ["acme*", widgets]
  hosts: [api.acme.example]
  stream_options: false
  refused: [logit_bias]
acme-eu:
  hosts: [eu.api.acme.example]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    found = tmp_path / "upstreams.yaml"
    found.write_text(ROWS)
    return found


@pytest.mark.parametrize(
    ("name", "host", "row"),
    [
        ("x", "api.acme.example", "acme"),
        ("x", "API.acme.example", "acme"),
        ("x", "west.api.acme.example", "acme"),
        ("x", "eu.api.acme.example", "acme-eu"),
        ("acme-eu", "api.acme.example", "acme"),
        ("acme", "proxy.example", "acme"),
        ("ACME-2", "", "acme"),
        ("widgets", "", "acme"),
        ("acme-eu", "", "acme-eu"),
        ("x", "notapi.acme.example", None),
        ("x", "api.acme.example.evil", None),
        ("", "", None),
    ],
)
def test_the_nearest_host_counts_before_the_name(file: Path, name: str, host: str, row: str | None) -> None:
    upstreams = KnownUpstreams.read(file)
    assert upstreams.find(name, host) is (upstreams.rows[row] if row else UNKNOWN)


def test_an_operators_row_is_laid_over_the_files_column_by_column(file: Path) -> None:
    own = {"acme": Known(refused=(), reasoning_key="thoughts"), "New": Known(hosts=("new.example",))}
    upstreams = KnownUpstreams.read(file, own)
    assert upstreams.rows["acme"] == Known(
        names=("acme*", "widgets"),
        hosts=("api.acme.example",),
        stream_options=False,
        refused=(),
        reasoning_key="thoughts",
    )
    assert upstreams.find("x", "new.example") == upstreams.find("NEW") == own["New"]


def test_only_what_is_known_departs_from_the_default() -> None:
    assert UNKNOWN.quirks(Quirks()) == Quirks()
    default = Quirks(max_completion_tokens=False, refused=frozenset(("a",)), reasoning_key="r")
    assert UNKNOWN.quirks(default) == default
    row = Known(stream_options=False, max_completion_tokens=True, refused=("b",), reasoning_format="object")
    assert row.quirks(default) == Quirks(
        stream_options=False,
        max_completion_tokens=True,
        refused=frozenset(("b",)),
        reasoning_format="object",
        reasoning_key="r",
    )


@pytest.mark.parametrize("text", ["acme: {hosts: 1}", "acme: {hots: [a]}", "[", "- acme", "\x00"])
def test_a_file_that_is_not_such_rows_says_where_it_is(tmp_path: Path, text: str) -> None:
    file = tmp_path / "upstreams.yaml"
    file.write_text(text)
    with pytest.raises(PluginError, match=r"upstreams\.yaml has no rows"):
        KnownUpstreams.read(file)


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="has no rows"):
        KnownUpstreams.read(tmp_path / "none.yaml")

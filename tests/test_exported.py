"""Exports are read in every form that mongoexport writes; what is wrong is named by its place."""

from __future__ import annotations

import contextlib
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import BadCall
from gateway.exported import documents, epoch, iso, plain

ONE, OTHER = {"_id": {"$oid": "66b0a0"}, "n": {"$numberInt": "7"}}, {"_id": {"$oid": "66b0a1"}}
READ = [{"_id": "66b0a0", "n": 7}, {"_id": "66b0a1"}]
MOMENT = 1893456000.0


def read(data: bytes) -> list[dict[str, Any]]:
    return list(documents(io.BytesIO(data), "keys.json"))


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["bare", "marked"])
def test_lines_an_array_and_indented_documents_are_read(indent: int | None, mark: str) -> None:
    one_by_one = "\n".join(json.dumps(one, indent=indent) for one in (ONE, OTHER))
    for text in (one_by_one, f"\n{one_by_one}\n\n", json.dumps([ONE, OTHER], indent=indent)):
        assert read((mark + text).encode()) == READ


def test_an_empty_file_has_none() -> None:
    assert (read(b""), read(b"[]\n"), read(b" \n")) == ([], [], [])


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b'{"a": 1}\n{"a": \n', "keys.json: line 3, column 1 is not JSON: Expecting value"),
        (b'{"a": 1}\nkey', "keys.json: line 2, column 1 is not JSON"),
        (b"[{}, 7]", "keys.json: entry 2 is '7', and no object"),
        (b'{"a": "\xff"}', "keys.json is not JSON: 'utf-8'"),
        (b'{"a":' * 100_000, "keys.json is nested too deeply"),
        (b"[" * 450 + b"{}" + b"]" * 450 + b"", "entry 1 is "),
    ],
    ids=["half", "word", "number", "bytes", "deep", "lists"],
)
def test_what_is_wrong_is_named_by_its_place(data: bytes, why: str) -> None:
    with pytest.raises(BadCall, match=f"{why}.*Nothing was imported"):
        read(data)


@pytest.mark.parametrize("depth", [300, 600, 900, 1200])
def test_what_is_nested_deeply_is_read_or_refused(depth: int) -> None:
    with contextlib.suppress(BadCall):
        read(b'{"a":' * depth + b"1" + b"}" * depth)


@pytest.mark.parametrize(
    "written",
    [
        {"$date": "2030-01-01T00:00:00Z"},
        {"$date": 1893456000000},
        {"$date": {"$numberLong": "1893456000000"}},
        {"$numberLong": "1893456000000"},
        "2030-01-01T01:00:00+01:00",
        "2030-01-01T00:00:00",
        1893456000000,
    ],
    ids=["text", "number", "long", "long alone", "offset", "no offset", "milliseconds"],
)
def test_dates_are_read_in_every_form(written: object) -> None:
    assert (epoch(written), epoch(plain(written))) == (MOMENT, MOMENT)


@pytest.mark.parametrize(
    "written",
    ["soon", True, None, [], "9" * 19, "9" * 400, float("inf"), float("nan"), 10**400],
    ids=["word", "truth", "null", "list", "late", "no number", "infinity", "nan", "large"],
)
def test_what_is_no_date_is_none(written: object) -> None:
    assert epoch(written) is None
    assert plain({"$date": written}) == {"$date": written} or written != written


def test_extended_json_becomes_plain() -> None:
    given = {"a": {"$numberDecimal": "1.5"}, "b": [{"$numberInt": "7"}], "c": {"$date": "2025-01-01T01:00:00+01:00"}}
    assert plain(given) == {"a": 1.5, "b": [7], "c": "2025-01-01T00:00:00.000Z"}
    assert iso(-62_135_596_800.0) == "0001-01-01T00:00:00.000Z"


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(BadCall):
        read(data)


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=25),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["$date", "$oid", "$numberLong", "$numberDecimal", "a"]), inner, max_size=2)
    ),
    max_leaves=8,
)


@given(_values)
def test_any_document_becomes_plain(value: object) -> None:
    read(json.dumps({"a": value}).encode())

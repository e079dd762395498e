"""LibreChat's export is read in every form that mongoexport writes, and nothing is taken from a file that is wrong."""

from __future__ import annotations

import contextlib
import json

import pytest
from gateway_auth_keys.importing import Exported, parse
from hypothesis import given
from hypothesis import strategies as st

from gateway import BadCall

HASH = "ab" * 32
ENTRY = {
    "_id": {"$oid": "66b0a0a0a0a0a0a0a0a0a0a0"},
    "userId": {"$oid": "66b0a0a0a0a0a0a0a0a0a0a1"},
    "name": "laptop",
    "keyHash": HASH,
    "keyPrefix": "sk-ab12c",
    "expiresAt": {"$date": "2030-01-01T00:00:00.000Z"},
    "lastUsedAt": {"$date": "2026-01-01T00:00:00Z"},
    "__v": 0,
}
FOUND = Exported(HASH, "sk-ab12c", "laptop", "66b0a0a0a0a0a0a0a0a0a0a1", 1893456000.0)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(ENTRY) + "\n" + json.dumps(ENTRY) + "\n",
        json.dumps([ENTRY, ENTRY]),
        json.dumps(ENTRY, indent=2) + "\n" + json.dumps(ENTRY, indent=2),
        "\ufeff" + json.dumps([ENTRY, ENTRY], indent=1),
    ],
)
def test_lines_an_array_and_indented_documents_are_read(text: str) -> None:
    assert parse(text.encode()) == [FOUND, FOUND]


@pytest.mark.parametrize(
    "expires",
    [
        {"$date": "2030-01-01T00:00:00Z"},
        {"$date": 1893456000000},
        {"$date": {"$numberLong": "1893456000000"}},
        "2030-01-01T01:00:00+01:00",
        "2030-01-01T00:00:00",
        1893456000000,
    ],
)
def test_dates_are_read_in_every_form(expires: object) -> None:
    assert parse(json.dumps({**ENTRY, "expiresAt": expires}).encode()) == [FOUND]


def test_what_is_optional_may_be_missing() -> None:
    [found] = parse(json.dumps({"keyHash": HASH.upper(), "userId": "u1", "expiresAt": None}).encode())
    assert found == Exported(HASH, "sk-", "imported", "u1", None)


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ({**ENTRY, "keyHash": "ab"}, "entry 2: keyHash is not a SHA-256 in hex"),
        ({**ENTRY, "keyHash": None}, "entry 2: keyHash is missing"),
        ({**ENTRY, "userId": {}}, "entry 2: userId is missing"),
        ({**ENTRY, "expiresAt": "soon"}, "entry 2: expiresAt is not a date"),
        ({**ENTRY, "expiresAt": True}, "entry 2: expiresAt is not a date"),
        ({**ENTRY, "expiresAt": "9" * 400}, "entry 2: expiresAt is not a date"),
        (7, "entry 2: this is not an object"),
    ],
)
def test_what_is_wrong_is_named_by_its_entry(entry: object, why: str) -> None:
    with pytest.raises(BadCall, match=why):
        parse((json.dumps(ENTRY) + json.dumps(entry)).encode())


def test_what_is_not_json_is_named_by_its_line() -> None:
    with pytest.raises(BadCall, match="Line 2, column 1 is not JSON"):
        parse((json.dumps(ENTRY) + "\nkeyHash").encode())


def test_an_empty_file_has_no_keys() -> None:
    assert parse(b"") == []
    assert parse(b"[]\n") == []


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(BadCall):
        parse(data)

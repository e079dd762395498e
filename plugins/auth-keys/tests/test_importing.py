"""LibreChat's keys are read from its export, and nothing is taken from a file that is wrong."""

from __future__ import annotations

import json

import pytest
from gateway_auth_keys.importing import Exported, parse

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


def test_every_entry_of_a_file_is_read() -> None:
    assert parse((json.dumps(ENTRY) + "\n" + json.dumps(ENTRY, indent=2)).encode()) == [FOUND, FOUND]


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
        (7, "The file: entry 2 is '7', and no object"),
    ],
)
def test_what_is_wrong_is_named_by_its_entry(entry: object, why: str) -> None:
    with pytest.raises(BadCall, match=why):
        parse((json.dumps(ENTRY) + json.dumps(entry)).encode())


def test_what_is_not_json_is_named_by_its_line() -> None:
    with pytest.raises(BadCall, match="The file: line 2, column 1 is not JSON"):
        parse((json.dumps(ENTRY) + "\nkeyHash").encode())


def test_an_empty_file_has_no_keys() -> None:
    assert parse(b"") == []
    assert parse(b"[]\n") == []

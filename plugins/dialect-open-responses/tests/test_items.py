"""Items get types and ids, are what they refer to, answer calls that were made, and keep secrets for their makers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from gateway_dialect_open_responses import proofs
from gateway_dialect_open_responses.state import items, references
from msgspec import Raw

from gateway import BadCall
from gateway.wire.jsontext import raw

Json = dict[str, Any]
CALL: Json = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{}"}


def plain(found: list[Raw]) -> list[Any]:
    return [json.loads(bytes(item)) for item in found]


@pytest.mark.parametrize(
    ("value", "found"),
    [(None, []), ("Hi", [{"type": "message", "role": "user", "content": "Hi"}]), ([CALL], [CALL])],
    ids=["nothing", "text", "items"],
)
def test_an_input_is_a_list_of_items(value: Any, found: list[Json]) -> None:
    assert plain(items.given(None if value is None else raw(value))) == found


@pytest.mark.parametrize(
    ("item", "kept"),
    [
        (
            {"role": "user", "content": "Hi"},
            {
                "id": "msg_si0",
                "type": "message",
                "status": "completed",
                "content": [{"type": "input_text", "text": "Hi"}],
            },
        ),
        (
            {"role": "assistant", "content": "Hi", "id": "msg_own"},
            {"id": "msg_own", "type": "message", "content": [{"type": "output_text", "text": "Hi", "annotations": []}]},
        ),
        ({"type": "function_call_output", "call_id": "c", "output": "x"}, {"id": "fco_si0"}),
        ({"type": "strange:thing", "more": 1}, {"id": "item_si0", "type": "strange:thing", "more": 1}),
        ({"id": "msg_7"}, {"id": "msg_7", "type": "item_reference"}),
    ],
    ids=["user", "assistant", "result", "unknown", "reference"],
)
def test_what_is_kept_has_a_type_and_an_id(item: Json, kept: Json) -> None:
    [named] = plain(items.named([raw(item)], "s"))
    assert named == named | kept


@pytest.mark.parametrize(
    ("item", "param"),
    [({"content": "x"}, "input[1].type"), (7, "input[1]")],
    ids=["no-type", "no-object"],
)
def test_what_is_no_item_is_named_by_its_place(item: Any, param: str) -> None:
    with pytest.raises(BadCall) as caught:
        items.named([raw({"role": "user", "content": "Hi"}), raw(item)], "s")
    assert caught.value.param == param


def test_references_are_what_they_refer_to() -> None:
    known = [raw({"id": "msg_1", "type": "message", "role": "user", "content": "one"})]
    asked = [raw({"type": "item_reference", "id": "fc_1"}), raw(CALL), raw({"id": "msg_1"})]
    assert references.resolved(asked, known, {}) == [asked[1], asked[1], known[0]]
    with pytest.raises(BadCall, match="msg_2") as caught:
        references.resolved([raw({"id": "msg_2"})], known, {})
    assert (caught.value.code, caught.value.param) == ("item_not_found", "input[0]")


def test_results_are_of_calls_that_were_made() -> None:
    result = raw({"type": "function_call_output", "call_id": "c1", "output": "x"})
    items.check_results([result], [raw(CALL)])
    items.check_results([raw(CALL), result], [])
    with pytest.raises(BadCall, match="c1"):
        items.check_results([result], [])


def test_secrets_go_back_to_their_makers_and_thoughts_without_one_lose_their_ids() -> None:
    secret = raw({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "S"})
    bare = raw({"type": "reasoning", "id": "rs_2", "summary": []})
    assert items.again([secret, bare], None) == [secret, raw({"type": "reasoning", "summary": []})]
    [packed] = items.again([secret], "theirs")
    carried = proofs.unpacked(raw(plain([packed])[0]["encrypted_content"]))
    assert carried is not None
    assert carried.domain == "theirs"
    assert items.packed(packed, "others") == packed


def test_what_cannot_be_read_has_neither_kind_nor_id_nor_role() -> None:
    for odd in (Raw(b"7"), raw({"type": 7}), raw({})):
        assert (items.kind_of(odd), items.id_of(odd), items.role_of(odd)) == ("", "", "")

"""wire.jsontext: what upstreams send is read, and what we write can be written, lone surrogates and all."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from gateway.wire import jsontext

HALF = b'"\\ud83d"'
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters()) | st.just("half \ud83d"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


class Part(msgspec.Struct, tag="part"):
    text: str
    more: Raw = jsontext.NULL


@given(values)
def test_what_was_written_is_read_as_it_was(value):
    assert jsontext.loaded(jsontext.encode(value)) == value
    assert bytes(jsontext.raw(value)) == jsontext.encode(value)


@given(values)
def test_what_was_mended_msgspec_reads(value):
    msgspec.json.decode(jsontext.mended(jsontext.encode(value)))


def test_a_line_has_no_line_breaks():
    assert jsontext.line({"a": Raw(b'{\r\n "b": [1,\n "c d"]}')}) == b'{"a":{"b":[1,"c d"]}}'
    assert jsontext.line({"a": Raw(HALF[:-1] + b'\\n"'), "b": Raw(b"[\r]")}) == b'{"a":"\\ud83d\\n","b":[]}'
    assert jsontext.line({"a": Raw(b"[1, 2]")}) == b'{"a":[1, 2]}'


def test_a_lone_surrogate_is_written_with_escapes_in_structs_and_beside_raw_json():
    told = {"parts": [Part("\ud83d", Raw(b'{"a": 1}'))], "raw": Raw(HALF)}
    assert jsontext.encode(told) == b'{"parts":[{"type":"part","text":"\\ud83d","more":{"a":1}}],"raw":"\\ud83d"}'


def test_without_one_raw_json_keeps_its_bytes():
    assert jsontext.encode({"a": Raw(b"1.50"), "ü": "ü"}) == '{"a":1.50,"ü":"ü"}'.encode()


def test_what_json_has_no_form_for_is_no_text_by_accident():
    with pytest.raises(TypeError):
        jsontext.encode({"half": "\ud83d", "other": object()})


@pytest.mark.parametrize("data", [b"", b"{", b"nope", b'{"a":1} x', b"[" * 100_000])
def test_what_is_no_json_is_unreadable(data):
    for read in (jsontext.loaded, jsontext.mended):
        with pytest.raises(jsontext.UNREADABLE):
            read(data)
    assert (jsontext.members(data), jsontext.objects(data)) == ({}, [])


def test_anything_is_json_of_any_kind_or_nothing():
    assert [jsontext.anything(data) for data in (b'["\\ud83d"]', b"1", b"{", b"", b"[" * 100_000)] == [
        ["\ud83d"],
        1,
        None,
        None,
        None,
    ]


def test_bytes_that_are_not_utf8_are_replaced():
    assert jsontext.loaded(b'{"a":"\xff"}') == {"a": "\ufffd"}
    assert json.loads(jsontext.mended(b'{"a":"\xff\\ud83d"}')) == {"a": "\ufffd?"}


def test_what_is_sound_is_utf8_and_keeps_its_bytes_where_it_was():
    for data in (b"plain", "Grüße".encode()):
        assert jsontext.sound(data) is data
    assert jsontext.sound(b"a\xffb\xed\xa0\x80").decode() == "a\ufffdb\ufffd\ufffd\ufffd"


def test_mended_json_holds_no_numbers_that_json_has_not():
    with pytest.raises(jsontext.UNREADABLE):
        jsontext.mended(b"NaN")


@pytest.mark.parametrize("name", [b'"a"', b'"\\ude00"'])
def test_members_are_raw_json_whatever_their_names(name):
    assert jsontext.members(b"{" + name + b":[1,2]}") == {json.loads(name): Raw(b"[1,2]")}


def test_what_is_no_object_has_no_members_and_what_is_no_list_no_objects():
    assert (jsontext.members(b"[1]"), jsontext.members(b"null")) == ({}, {})
    assert (jsontext.objects(b"{}"), jsontext.objects(b"null")) == ([], [])
    assert jsontext.objects(b'[{"a":1},2,{"\\ud83d":3}]') == [{"a": Raw(b"1")}, {}, {"\ud83d": Raw(b"3")}]


def test_members_are_merged_at_every_depth_and_the_later_ones_win():
    known = {"a": 1, "b": {"c": 2, "d": {"e": 3}}, "f": {"g": 4}}
    extra = {"a": Raw(b"5"), "b": Raw(b'{"d":{"h":6}}'), "i": Raw(b"7"), "f": Raw(b"8")}
    merged = json.loads(jsontext.encode(jsontext.merged(known, extra)))
    assert merged == {"a": 5, "b": {"c": 2, "d": {"e": 3, "h": 6}}, "f": {"g": 4}, "i": 7}


def test_the_first_byte_tells_the_type():
    assert [jsontext.first(Raw(data)) for data in (b'"a"', b"{}", b"")] == [b'"', b"{", b""]
    assert (jsontext.is_null(jsontext.NULL), jsontext.is_null(Raw(b'"null"'))) == (True, False)

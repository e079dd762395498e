"""wire.members: what a client sent is read with the path of what is wrong, and nothing unknown is lost."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from gateway import BadCall
from gateway.wire.members import ARRAY, FLAG, INTEGER, NUMBER, RAW, TEXT, Kind, Members, parsed

DEEP = b"[" * 100_000 + b"]" * 100_000
BODY = b'{"a":"x","n":null,"o":{"p":[{"q":7}]},"l":[1,2],"u":{"v": 1.50}}'
values = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3) | st.lists(st.integers(), max_size=2)


@pytest.fixture
def members():
    return Members(parsed(BODY))


def refused(read):
    with pytest.raises(BadCall) as caught:
        read()
    assert caught.value.status == 400
    return caught.value.param, caught.value.code, caught.value.public


def test_what_is_taken_is_gone_and_the_rest_keeps_its_bytes(members):
    assert (members.take("a", TEXT), members.take("a", TEXT)) == ("x", None)
    assert members.array("l") == [Raw(b"1"), Raw(b"2")]
    assert members.inner("o") is not None
    assert members.rest() == {"n": Raw(b"null"), "u": Raw(b'{"v": 1.50}')}
    assert members.given() == {"u": Raw(b'{"v": 1.50}')}


def test_what_is_only_seen_stays(members):
    assert members.seen("a") == members.seen("a") == Raw(b'"x"')
    assert "a" in members.rest()


@pytest.mark.parametrize("name", ["n", "absent"])
def test_null_counts_as_not_given(members, name):
    assert members.seen(name) is members.take(name, FLAG) is members.inner(name) is members.raw(name) is None
    assert members.array(name) == []
    path, code, words = refused(lambda: members.need(name, TEXT))
    assert (path, code, words) == (name, "missing_required_parameter", f"`{name}` is required.")


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        (TEXT, b"7", "a string"),
        (FLAG, b'"yes"', "true or false"),
        (INTEGER, b"1.5", "an integer"),
        (NUMBER, b"1e999", "a finite number"),
        (ARRAY, b"{}", "an array"),
        (Kind(list[str], "a list of strings"), b"[7]", "a list of strings"),
    ],
)
def test_a_member_of_another_kind_is_named_with_its_path(kind, value, words):
    members = Members({"b": Raw(value)}, "a[0]")
    path, code, said = refused(lambda: members.take("b", kind))
    assert (path, code, said) == ("a[0].b", "invalid_type", f"`a[0].b` must be {words}.")


def test_paths_lead_through_objects_and_arrays(members):
    inner = members.needed_inner("o")
    element = Members.of(inner.array("p")[0], f"{inner.at('p')}[0]")
    assert refused(lambda: element.take("q", TEXT))[0] == "o.p[0].q"
    assert refused(lambda: Members.of(Raw(b"1"), "o.p[1]"))[::2] == ("o.p[1]", "`o.p[1]` must be an object.")
    wrong = element.wrong("q", "must be small")
    assert (wrong.param, wrong.code, wrong.public) == ("o.p[0].q", "invalid_value", "`o.p[0].q` must be small.")


def test_what_is_left_of_a_member_can_be_given_back(members):
    members.raw("u")
    members.put("u", Raw(b"{}"))
    assert members.given()["u"] == Raw(b"{}")


def test_a_member_that_is_nested_too_deeply_is_named():
    assert refused(lambda: RAW.read(DEEP, "a"))[::2] == ("a", "`a` is nested too deeply.")


@given(st.dictionaries(st.text(max_size=3), values, max_size=5))
def test_every_object_is_parsed_to_its_members(value):
    found = parsed(json.dumps(value, ensure_ascii=False).encode())
    assert {name: json.loads(bytes(raw)) for name, raw in found.items()} == value


def test_the_last_of_duplicate_members_counts():
    assert parsed(b'{"a":1,"b":2,"\\u0061":3}') == {"a": Raw(b"3"), "b": Raw(b"2")}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"[]", "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b"{", "not valid JSON"),
        (b'{"a":NaN}', "not valid JSON"),
        ('{"a":1}'.encode("utf-16"), "not valid UTF-8"),
        ('{"a":1}'.encode("utf-16-le"), "not valid JSON"),
        (b'{"a":"\xff"}', "not valid UTF-8"),
        (b'{"a":' + DEEP + b"}", "nested too deeply"),
        (b'{"\\ud83d":1}', "lone UTF-16 surrogate"),
        (b'{"\\ud83d":1', "not valid JSON"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_with_the_reason(body, words):
    path, code, said = refused(lambda: parsed(body))
    assert (path, code) == (None, "invalid_json")
    assert words in said

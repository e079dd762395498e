"""Names in the paths of URLs."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import BadCall
from gateway.wire.segments import model_segment, segment

AWAY = ("", ".", "..", "/", "../x", "x/..", "a/../b", "a/./b", "a//b", "/a", "a/", "..\\x", "a\\..\\b", "a\n/..")


@pytest.mark.parametrize(
    ("name", "encoded"),
    [
        ("gpt-4.1", "gpt-4.1"),
        ("a..b", "a..b"),
        ("...", "..."),
        ("org/model:free", "org%2Fmodel%3Afree"),
        ("a?b#c", "a%3Fb%23c"),
        ("a\r\nx: 1", "a%0D%0Ax%3A%201"),
        ("%2e%2e", "%252e%252e"),
        ("\ud800", "%3F"),
        ("ü", "%C3%BC"),
    ],
)
def test_what_has_a_meaning_in_urls_is_encoded(name: str, encoded: str) -> None:
    assert segment(name) == encoded


def test_what_may_stay_is_said() -> None:
    assert segment("claude@2026", safe="@") == "claude@2026"


@pytest.mark.parametrize("name", AWAY)
def test_what_servers_take_for_a_step_in_any_encoding_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="it is empty"):
        segment(name)
    with pytest.raises(BadCall) as caught:
        model_segment(name)
    assert (caught.value.param, caught.value.status) == ("model", 400)


@given(st.text(st.sampled_from("a.%/\\?#:@\r\n é")))
def test_no_name_leaves_its_place(name: str) -> None:
    try:
        encoded = segment(name)
    except ValueError:
        return
    assert encoded.isascii()
    assert not set(encoded) & set("/\\?#:@\r\n ")
    assert unquote(encoded) == name
    assert not {"", ".", ".."} & set(unquote(encoded).replace("\\", "/").split("/"))

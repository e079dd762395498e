"""JSON arrays, cut after each element."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from gateway_dialect_gemini import arrays, framings
from hypothesis import given
from hypothesis import strategies as st

from gateway import UpstreamBroken

JSON = st.recursive(
    st.text(max_size=6) | st.integers() | st.none() | st.sampled_from(['"', "\\", '\\"', "]}", "[{"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.lists(st.dictionaries(st.text(max_size=3), JSON, max_size=3), min_size=1, max_size=4),
    st.lists(st.integers(0, 400), max_size=8),
    st.booleans(),
)
def test_any_split_gives_the_same_elements(elements: list[object], cuts: list[int], pretty: bool) -> None:
    body = json.dumps(elements, indent=2 if pretty else None).encode()
    frames, found = framings.Frames(), []
    at = sorted({0, len(body), *(cut for cut in cuts if cut < len(body))})
    for start, end in pairwise(at):
        found += frames.whole(body[start:end])
    assert [json.loads(frames.payload(piece)) for piece in found] == elements
    assert b"".join(found) + frames.rest() == body
    assert frames.ended


def test_an_array_that_is_not_closed_has_not_ended() -> None:
    splitter = arrays.Splitter()
    assert splitter.whole(b'[{"a": "]"}') == [b'[{"a": "]"}']
    assert splitter.whole(b', {"b": [') == []
    assert not splitter.ended
    assert splitter.rest() == b', {"b": ['


def test_one_object_is_a_whole_reply() -> None:
    splitter = arrays.Splitter()
    assert splitter.whole(b'{"a": {}') == []
    assert splitter.whole(b"}\n") == [b'{"a": {}}']
    assert splitter.ended


def test_an_element_that_is_too_large_is_broken() -> None:
    splitter = arrays.Splitter(limit=10)
    with pytest.raises(UpstreamBroken, match="too large"):
        splitter.whole(b'[{"a": "0123456789')


def test_more_closed_than_opened_is_no_defect() -> None:
    assert arrays.Splitter().whole(b'[}]}]{"a": 1}') == [b'[}]}]{"a": 1}']


def test_events_hold_one_line() -> None:
    assert framings.event(b'{\n  "a": "b c"\r\n}') == b'data: {"a":"b c"}\r\n\r\n'

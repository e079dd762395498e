"""lines: JSON lines survive any split, and a line has a length."""

import pytest

from gateway import UpstreamBroken
from gateway.wire import lines

STREAM = b'{"a":1}\n\n{"b":"\\n"}\r\n{"c":3}'


@pytest.mark.parametrize("size", [1, 2, 5, 7, 100])
def test_any_split_gives_the_same_texts_and_every_byte(size):
    splitter = lines.Splitter()
    whole = [splitter.whole(STREAM[at : at + size]) for at in range(0, len(STREAM), size)]
    assert all(piece == b"" or piece.endswith(b"\n") for piece in whole)
    rest = splitter.rest()
    assert rest == b'{"c":3}'
    assert b"".join(whole) + rest == STREAM
    assert [text for piece in [*whole, rest] for text in lines.texts(piece)] == [b'{"a":1}', b'{"b":"\\n"}', b'{"c":3}']


def test_what_is_left_is_given_once():
    splitter = lines.Splitter()
    assert splitter.whole(b"{") == b""
    assert (splitter.rest(), splitter.rest()) == (b"{", b"")


def test_a_line_that_is_too_long_breaks():
    splitter = lines.Splitter(limit=4)
    assert splitter.whole(b"12345\n1234") == b"12345\n"
    with pytest.raises(UpstreamBroken):
        splitter.whole(b"5")


def test_a_frame_is_one_line():
    assert lines.texts(lines.frame(b"{}") + lines.frame(b"[]")) == [b"{}", b"[]"]

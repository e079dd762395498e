"""wire.shapes: what an upstream sends is read as it should be, or as it is meant."""

import msgspec
import pytest

from gateway import UpstreamBroken
from gateway.wire.shapes import Shape


class Counted(msgspec.Struct):
    text: str = ""
    count: int | None = None


SHAPE = Shape(Counted, "a count")


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b'{"text":"a","count":1,"more":[]}', Counted("a", 1)),
        (b'{"count":"1"}', Counted("", 1)),
        (b'{"count":1.0}', Counted("", 1)),
        (b'{"text":"\\ud83d"}', Counted("\ud83d")),
        (b'{"text":"\xff"}', Counted("\ufffd")),
        (b"{}", Counted()),
    ],
)
def test_what_is_meant_is_read(data, found):
    assert SHAPE.read(data) == SHAPE.seen(data) == found


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b'{"text":1}', b'{"count":"x"}', b"[" * 100_000])
def test_anything_else_is_the_upstreams_fault(data):
    with pytest.raises(UpstreamBroken, match="not a count"):
        SHAPE.read(data)
    assert SHAPE.seen(data) is None

"""wire.outlines: a body that fits is read at once, any other is explained."""

import msgspec
import pytest

from gateway import BadCall
from gateway.wire.members import TEXT, Members, parsed
from gateway.wire.outlines import outlined


class Outline(msgspec.Struct):
    model: str = ""


DECODER = msgspec.json.Decoder(Outline)


def explained(body):
    return Outline(Members(parsed(body)).take("model", TEXT) or "default")


def never(body):
    raise AssertionError("it fits")


def test_a_body_that_fits_needs_no_explanation():
    assert outlined('{"model":"mé","more":[{}]}'.encode(), DECODER, never) == Outline("mé")


def test_a_body_that_does_not_fit_is_explained_or_read_after_all():
    with pytest.raises(BadCall) as refused:
        outlined(b'{"model":7}', DECODER, explained)
    assert refused.value.param == "model"
    assert outlined(b'{"model":null}', DECODER, explained) == Outline("default")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty"),
        (b"{", "not valid JSON"),
        (b'{"more":"\xff"}', "UTF-8"),
        (b'{"more":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "deeply"),
        (b'{"model":"\\ud83d"}', "surrogate"),
    ],
)
def test_what_is_no_json_is_refused_with_the_reason(body, words):
    with pytest.raises(BadCall) as refused:
        outlined(body, DECODER, never)
    assert words in refused.value.public

"""wire.bodies: a reply that is one JSON text is read when it is whole."""

import pytest

from gateway import Finished, Started, UpstreamBroken
from gateway.wire import bodies
from gateway.wire.bodies import BodyDecoder, BodyTap


class Decoder(BodyDecoder):
    def read(self, body):
        return [Started(model=body.decode()), Finished()]


class Reading(BodyTap):
    def read(self, body):
        self.complete = body == b"whole"
        self.output_bytes = 3


def test_a_decoder_gives_all_events_at_the_end():
    decoder = Decoder()
    assert [list(decoder.feed(piece)) for piece in (b"wh", b"", b"ole")] == [[], [], []]
    assert decoder.finish() == [Started(model="whole"), Finished()]


def test_a_decoder_holds_no_more_than_it_should(monkeypatch):
    monkeypatch.setattr(bodies, "BODY_LIMIT", 10)
    decoder = Decoder()
    decoder.feed(b"x" * 10)
    with pytest.raises(UpstreamBroken):
        decoder.feed(b"x")


def test_a_tap_passes_bytes_on_at_once_and_reads_them_at_the_end():
    tap = Reading()
    assert [tap.feed(piece) for piece in (b"wh", b"ole")] == [b"wh", b"ole"]
    assert (tap.output_bytes, tap.complete) == (5, False)
    assert tap.finish() == b""
    assert (tap.output_bytes, tap.complete) == (3, True)


def test_a_tap_says_nothing_within_half_a_json_text():
    tap = Reading()
    tap.feed(b'{"a":')
    assert tap.fail(UpstreamBroken("The connection was lost.")) == b""
    assert (tap.output_bytes, tap.complete) == (5, False)

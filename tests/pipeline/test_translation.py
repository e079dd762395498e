from __future__ import annotations

from gateway import BlockDelta, BlockStart, Started, Text
from gateway.pipeline.translation import Translation
from gateway.testing.toy import ToyStream


def test_what_a_model_said_is_counted_in_bytes_as_a_tap_counts_it() -> None:
    translation = Translation(None, ToyStream(), "r", "m")
    said = [BlockDelta(0, 0, "Hi "), BlockDelta(0, 0, "你好")]
    translation.encode([Started("", "m"), BlockStart(0, 0, Text("")), *said])
    assert translation.output_bytes == len("Hi 你好".encode())

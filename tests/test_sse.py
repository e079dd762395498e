"""sse: any split of the bytes gives the same pieces, and pieces are whole events."""

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gateway import UpstreamBroken, sse

LINE_ENDS = (b"\n", b"\r\n", b"\r")
lines = st.sampled_from(
    [b"", b"", b"data: {}", b"data:x", b"data: a b", b"data", b": comment", b":", b"event: ping", b"id: 7", b"\xc3\xa9"]
)
texts = st.lists(st.tuples(lines, st.sampled_from(LINE_ENDS)), max_size=14).map(
    lambda pairs: b"".join(line + end for line, end in pairs)
)
streams = st.tuples(texts, st.sampled_from([b"", b"", b"data: unended", b"\r", b": x"])).map(b"".join)
one_ended = st.tuples(st.lists(lines, max_size=14), st.sampled_from(LINE_ENDS)).map(
    lambda pair: b"".join(line + pair[1] for line in pair[0])
)
cuts = st.lists(st.integers(0, 120), max_size=8)


def pieces_by_the_standard(stream):
    """Character by character: a piece ends after each empty line; the rest is the last piece."""
    pieces, piece, line, at = [], b"", b"", 0
    while at < len(stream):
        end = next((end for end in (b"\r\n", b"\n", b"\r") if stream.startswith(end, at)), b"")
        byte = end or stream[at : at + 1]
        piece, at = piece + byte, at + len(byte)
        if end and not line:
            pieces.append(piece)
            piece = b""
        line = b"" if end else line + byte
    return pieces + ([piece] if piece else [])


def read(stream, at):
    """What `Splitter` gives for reads that end at these places, and what is left."""
    splitter, blocks, start = sse.Splitter(), [], 0
    for end in [*sorted({cut for cut in at if cut < len(stream)}), len(stream)]:
        blocks.append(splitter.whole(stream[start:end]))
        start = end
    return blocks, splitter.rest()


@given(streams | one_ended)
@example(b"data: a\r\n\r\ndata: b\r\n\r\n")
@example(b"data: a\n\n\ndata: b\n\n")
@example(b"\n\ndata: a\n\n")
@example(b"data: a\r\n\n")
def test_events_are_cut_after_every_blank_line(stream):
    assert sse.events(stream) == pieces_by_the_standard(stream)


@given(streams | one_ended, cuts)
@example(b"data: a\r\n\r\ndata: b\r\n\r\n", [10])
@example(b"data: a\r\r\n", [9])
@example(b"data: a\n\r\n\r\n", [9])
@example(b"data: a\r\n\r", [])
def test_any_split_gives_the_same_bytes_and_the_same_events(stream, at):
    blocks, rest = read(stream, at)
    assert b"".join(blocks) + rest == stream
    cut = [event for block in [*blocks, rest] for event in sse.events(block)]
    assert cut == pieces_by_the_standard(stream)


@given(streams | one_ended, cuts)
def test_blocks_end_with_a_blank_line_and_hold_back_at_most_one_event(stream, at):
    blocks, rest = read(stream, at)
    for block in filter(None, blocks):
        last = pieces_by_the_standard(block)[-1]
        assert pieces_by_the_standard(last + b"data: next") == [last, b"data: next"]
    assert len([piece for piece in pieces_by_the_standard(rest) if piece.strip(b"\r\n")]) <= 1


def test_a_crlf_cut_after_its_cr_is_not_a_blank_line_of_its_own():
    splitter = sse.Splitter()
    assert splitter.whole(b"data: a\r\n\r") == b""
    assert splitter.whole(b"\n") == b"data: a\r\n\r\n"
    assert splitter.whole(b"data: b\r") == b""
    assert splitter.whole(b"\ndata: c\r\n\r\n") == b"data: b\r\ndata: c\r\n\r\n"


def test_a_cr_boundary_is_found_once_its_next_byte_is_known():
    splitter = sse.Splitter()
    assert splitter.whole(b"data: a\r\r") == b""
    assert splitter.whole(b"data: b") == b"data: a\r\r"
    assert splitter.rest() == b"data: b"


@pytest.fixture
def large(monkeypatch):
    """Every event that does not come at once is a large one."""
    monkeypatch.setattr(sse, "LARGE", 0)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(streams | one_ended, cuts)
@example(b"data: a\r\n\r\ndata: b\r\n\r\n", [10])
@example(b"data: a\r\r\n", [8])
@example(b"data: a\n\r\n\r\n", [9])
@example(b"data: a\r\rdata: b\r\r", [9])
def test_any_split_gives_the_same_however_large_events_are(large, stream, at):
    test_any_split_gives_the_same_bytes_and_the_same_events.hypothesis.inner_test(stream, at)
    test_blocks_end_with_a_blank_line_and_hold_back_at_most_one_event.hypothesis.inner_test(stream, at)


def test_a_large_event_is_looked_through_once(monkeypatch):
    looked = []
    boundary = sse._last_boundary
    monkeypatch.setattr(sse, "_last_boundary", lambda data: (looked.append(len(data)), boundary(data))[1])
    event = b"data: " + b"x" * 2**20 + b"\n\n"
    splitter = sse.Splitter()
    came = [splitter.whole(event[at : at + 2**12]) for at in range(0, len(event), 2**12)]
    assert b"".join(came) == event
    assert sum(looked) < 4 * len(event)


def test_whole_events_are_not_held_back():
    splitter = sse.Splitter()
    assert splitter.whole(b"data: a\n\ndata: b") == b"data: a\n\n"
    assert splitter.whole(b"\n\n") == b"data: b\n\n"
    assert splitter.whole(b": ping\r\n\r\n") == b": ping\r\n\r\n"
    assert splitter.rest() == b""


def test_an_event_beyond_the_limit_is_the_upstreams_fault():
    splitter = sse.Splitter(limit=100)
    assert splitter.whole(b"data: " + b"x" * 500 + b"\n\n")
    splitter.whole(b"data: " + b"x" * 90)
    with pytest.raises(UpstreamBroken):
        splitter.whole(b"x" * 90)


def test_a_large_event_beyond_the_limit_is_too(large):
    splitter = sse.Splitter(limit=100)
    splitter.whole(b"data: " + b"x" * 90)
    with pytest.raises(UpstreamBroken):
        splitter.whole(b"x" * 90)


@pytest.mark.parametrize(
    ("event", "data"),
    [
        (b"data: one\n\n", b"one"),
        (b"data:one\n\n", b"one"),
        (b"data:  one\n\n", b" one"),
        (b"data: one\r\n\r\n", b"one"),
        (b"data: one\r\r", b"one"),
        (b"data: one", b"one"),
        (b"data: one\n", b"one"),
        (b"\ndata: one\n\n", b"one"),
        (b"\xef\xbb\xbfdata: one\n\n", b"one"),
        (b"data: one\ndata: two\n\n", b"one\ntwo"),
        (b"data: one\r\ndata: two\r\n\r\n", b"one\ntwo"),
        (b"data: one\rdata: two\n\n", b"one\ntwo"),
        (b"event: ping\ndata: one\nid: 3\n\n", b"one"),
        (b": comment\ndata: one\n\n", b"one"),
        (b": comment\n\n", b""),
        (b"event: ping\n\n", b""),
        (b"dates: one\n\n", b""),
        (b"\n", b""),
        (b"", b""),
    ],
)
def test_data_joins_the_data_lines(event, data):
    assert sse.data(event) == data


@pytest.mark.parametrize(
    ("event", "name"),
    [
        (b"event: ping\ndata: one\n\n", b"ping"),
        (b"event:ping\r\ndata: one\r\n\r\n", b"ping"),
        (b"data: one\revent: ping\r\r", b"ping"),
        (b'data: {"a": "event: ping"}\n\n', b""),
        (b"data: one\n\n", b""),
        (b": event: ping\n\n", b""),
    ],
)
def test_named_is_the_event_line(event, name):
    assert sse.named(event) == name


@given(st.binary(), st.sampled_from([b"", b"ping"]))
def test_a_frame_reads_back_as_one_event(payload, name):
    event = sse.frame(payload, name)
    assert sse.events(event) == [event]
    assert sse.named(event) == name
    assert sse.data(event) == payload.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    assert b"\r" not in event


@given(streams | one_ended, st.integers(1, 4))
@example(b"data: a\n\ndata: b\n\ndata: c\n\n", 1)
@example(b"data: a\n\n\ndata: b\n\n", 1)
@example(b"data: a\n\ndata: b\r\n\r\ndata: c\n\n", 1)
def test_the_last_events_begin_at_a_boundary_and_are_not_too_few(stream, count):
    start = sse.last_events(stream, count)
    assert sse.events(stream[:start]) + sse.events(stream[start:]) == sse.events(stream)
    assert start == 0 or len(sse.events(stream[start:])) >= count


def test_only_the_last_events_are_looked_for():
    assert sse.last_events(b"data: a\n\ndata: b\n\ndata: c\n\n", 2) == len(b"data: a\n\n")
    assert sse.last_events(b"data: a\n\ndata: b\n\n", 2) == 0
    assert sse.last_events(b"data: a\r\n\r\ndata: b\r\n\r\n", 1) == 0


def test_an_event_that_is_too_large_is_let_go():
    splitter = sse.Splitter(limit=10)
    with pytest.raises(UpstreamBroken):
        splitter.whole(b"data: " + b"x" * 20)
    assert splitter.rest() == b""

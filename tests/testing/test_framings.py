"""The kit on a dialect whose streams are JSON lines: a sound one passes, defects of framing are found."""

import msgspec
import pytest

from gateway import Envelope, Operation, sse
from gateway.testing import conformance, golden, replay
from gateway.testing.conformance import clients, servers
from gateway.testing.toy import ToyClient, ToyDecoder, ToyServer, ToyStream, ToyTap
from gateway.wire import lines


def as_line(event: bytes) -> bytes:
    return lines.frame(sse.data(event)) if event else b""


class LineStream(ToyStream):
    content_type = lines.CONTENT_TYPE

    def encode(self, event):
        return as_line(super().encode(event))

    def idle(self):
        return b""

    def fail(self, error):
        return as_line(super().fail(error))


class LineServer(ToyServer):
    def peek(self, inbound):
        return msgspec.structs.replace(super().peek(inbound), framing="lines")

    def encoder(self, call, inbound, framing):
        return LineStream() if framing == "lines" else super().encoder(call, inbound, framing)


class Framed:
    """The splitter that the toy's readers use, its lines given to them as events."""

    def __init__(self):
        self._lines = lines.Splitter()

    def whole(self, data):
        return self._events(self._lines.whole(data))

    def rest(self):
        return self._events(self._lines.rest())

    def _events(self, block):
        return b"".join(sse.frame(text) for text in lines.texts(block))


class LineDecoder(ToyDecoder):
    def __init__(self, stream):
        super().__init__(stream)
        self._splitter = Framed()


class LineTap(ToyTap):
    def __init__(self, stream):
        super().__init__(stream)
        self._splitter = lines.Splitter()

    def feed(self, data):
        if not self._stream:
            return super().feed(data)
        return self._looked(self._splitter.whole(data))

    def fail(self, error):
        return as_line(super().fail(error))

    def finish(self):
        return self._looked(self._splitter.rest()) if self._stream else super().finish()

    def _looked(self, block):
        for text in lines.texts(block):
            self._look(text)
        return block


class LineClient(ToyClient):
    def streams(self, media_type, encoded):
        return media_type == lines.CONTENT_TYPE

    def decoder(self, target, stream):
        return LineDecoder(stream)

    def tap(self, target, stream, encoded, inbound):
        return LineTap(stream)


SOUND = [
    check
    for check in [
        *servers.checks(LineServer(), LineClient()),
        *clients.checks(LineClient(), LineServer()),
    ]
    if not any(what in str(check) for what in ("a good request", "reads back"))  # the toy has no tools
]


@pytest.mark.parametrize("check", SOUND, ids=str)
def test_a_sound_dialect_of_lines_passes(check):
    check()


def failing(found, name):
    [check] = [check for check in found if name in str(check)]
    with pytest.raises(AssertionError):
        check()


def test_a_stream_of_the_wrong_type_is_found():
    class Wrong(LineServer):
        def encoder(self, call, inbound, framing):
            return ToyStream() if framing == "lines" else super().encoder(call, inbound, framing)

    failing(servers.checks(Wrong(), LineClient()), "a stream is whole events")


def test_half_a_line_is_found():
    class Half(LineStream):
        def encode(self, event):
            return super().encode(event).removesuffix(b"\n")

    class Wrong(LineServer):
        def encoder(self, call, inbound, framing):
            return Half() if framing == "lines" else super().encoder(call, inbound, framing)

    failing(servers.checks(Wrong(), LineClient()), "a stream is whole events")


def test_a_tap_that_gives_half_a_line_is_found():
    class Leaky(LineTap):
        def feed(self, data):
            return data

    class Wrong(LineClient):
        def tap(self, target, stream, encoded, inbound):
            return Leaky(stream)

    failing(clients.checks(Wrong(), LineServer()), "a cut reply is not complete")


def test_a_framing_that_the_kit_cannot_read_is_said():
    class Other(ToyServer):
        def peek(self, inbound):
            return Envelope("m", True, framing="array")

    [check] = [check for check in servers.checks(Other(), ToyClient()) if "a stream is whole" in str(check)]
    with pytest.raises(AssertionError, match="array"):
        check()


def test_a_model_is_named_by_its_id():
    class Other(ToyServer):
        operations = (*ToyServer.operations, Operation("models", "GET", "/toys/one/{model}"))

    failing(servers.checks(Other(), None), "it says what it serves")


CASE = """# Lines

>>> client asks: toy POST /v1/toy

{"model": "m", "text": "Hi", "stream": true}

>>> upstream answers: toy 200 application/x-ndjson

{"text":"He"}
{"end":"stop"}

>>> client gets: %s
%s"""
SAME = '\n{"text":"He"}\n{"end":"stop"}\n'


@pytest.mark.parametrize(("words", "body"), [("same", ""), ("200 application/x-ndjson", SAME)])
def test_a_golden_exchange_may_be_of_lines(words, body, tmp_path):
    path = tmp_path / "lines.exchange"
    path.write_text(CASE % (words, body))
    golden.run_case(golden.load(path), [LineServer()], [LineClient()])


def test_a_golden_exchange_of_lines_that_comes_out_otherwise_fails(tmp_path):
    path = tmp_path / "lines.exchange"
    path.write_text(CASE % ("200 application/x-ndjson unended", SAME))
    with pytest.raises(AssertionError, match="came out otherwise"):
        golden.run_case(golden.load(path), [LineServer()], [LineClient()])


def test_an_answer_of_lines_is_a_stream():
    assert replay.UpstreamAnswer(200, "application/x-ndjson; charset=utf-8", b"").stream
    assert conformance.framings.framing_of("lines").media_type == "application/x-ndjson"

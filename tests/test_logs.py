"""What the log looks like, that no key gets into it, and that its lines stay whole."""

import io
import json
import logging
import os
import re
import threading
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import logs
from gateway.settings.core import Log

KEY = "sk-" + "0123456789abcdef" * 4
CANARIES = {
    f"the key {KEY} was sent": "the key sk-0123*** was sent",
    f"authorization: Bearer {KEY}": "authorization: Bearer ***",
    "BEARER  opaque.token": "BEARER  ***",
    "GET /v1beta/models?key=AIzaSyCanary&alt=sse": "GET /v1beta/models?key=***&alt=sse",
    "/x?alt=sse&KEY=AIzaSyCanary": "/x?alt=sse&KEY=***",
    f'{{"api_key":"{KEY}"}}': '{"api_key":"sk-0123***"}',
    "sk-proj-Ab_c-defghijkl": "sk-proj***",
}


@pytest.fixture
def stream(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(logs, "sys", SimpleNamespace(stderr=stream))  # pytest sets the real one anew for the test
    names = ("gateway", "aiohttp.server", "aiohttp.access", "asyncio")
    before = [(log, log.handlers[:], log.level, log.propagate) for log in map(logging.getLogger, names)]
    yield stream
    for log, handlers, level, propagate in before:
        log.handlers[:], log.propagate = handlers, propagate
        log.setLevel(level)


@pytest.fixture
def pipe():
    """A handler that writes to a pipe, and the pipe's other end."""
    reading, writing = os.pipe()
    with open(reading, "rb", buffering=0) as source, open(writing, "w") as sink:
        yield logs.LineHandler(sink, console=False), source


@pytest.mark.parametrize(("text", "shown"), CANARIES.items())
def test_what_looks_like_a_key_is_struck_out(text, shown):
    assert logs.redact(text) == shown


@pytest.mark.parametrize("text", ["a task-force of 12", "desk-and-chair-makers", "monkey=1", "the bearer", "a=b"])
def test_what_only_resembles_one_stays(text):
    assert logs.redact(text) == text


@given(st.lists(st.sampled_from(["sk-", "SK-", "BeaRer", "?key=", "&KEY=", "=", " ", "abcdefghijkl", '"', "\n", "ſK"])))
def test_the_shortcut_leaves_out_nothing_that_the_expression_finds(parts):
    text = "".join(parts)
    assert (logs.redact(text) == text) == (logs._KEYLIKE.sub("", text) == text)


@pytest.mark.parametrize("format", ["json", "console"])
@pytest.mark.parametrize("text", CANARIES)
def test_no_key_gets_through_a_message_its_arguments_its_fields_or_an_exception(stream, format, text):
    logs.set_up(Log("info", format))
    log = logging.getLogger("gateway.test")
    log.info(text)
    log.info("%s", text)
    log.info("", extra={"fields": {"what": text}})
    try:
        raise ValueError(text)
    except ValueError:
        log.exception("failed")
    logging.getLogger("aiohttp.server").error(text)
    written = stream.getvalue()
    assert written.count("***") >= 3
    for secret in (KEY, "AIzaSyCanary", "opaque.token", "Ab_c-defghijkl"):
        assert secret not in written


def test_a_json_line_is_an_object_with_its_fields(stream):
    logs.set_up(Log("info", "json"))
    logging.getLogger("gateway.a.b").warning("%d of %s", 3, "them\nand more \x1b[31m")
    logging.getLogger("gateway").info("", extra={"fields": {"status": 200, "at": io}})
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first.pop("time"))
    assert first == {"level": "warning", "logger": "gateway.a.b", "message": "3 of them\nand more \x1b[31m"}
    assert list(second) == ["time", "level", "logger", "status", "at"]


def test_a_message_that_is_no_unicode_text_is_logged_all_the_same(stream):
    logs.set_up(Log("info", "json"))
    logging.getLogger("gateway").info("lone \ud800 surrogate")
    assert json.loads(stream.getvalue())["message"] == "lone \ud800 surrogate"


@pytest.mark.parametrize("text", ['authorization="Bearer canary", x', 'got "/x?key=canary"', 'a "sk-0123456789abcdef"'])
def test_a_line_stays_json_without_the_key(stream, text):
    logs.set_up(Log("info", "json"))
    logging.getLogger("gateway").info(text)
    assert json.loads(stream.getvalue())["message"] == logs.redact(text)
    assert "canary" not in stream.getvalue()


def test_auto_is_json_where_nobody_looks_and_console_on_a_terminal(stream, monkeypatch):
    logs.set_up(Log("info", "auto"))
    logging.getLogger("gateway").info("one")
    monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    logs.set_up(Log("info", "auto"))
    logging.getLogger("gateway").info("two")
    first, second = stream.getvalue().splitlines()
    assert json.loads(first)["message"] == "one"
    assert re.fullmatch(r"\d\d:\d\d:\d\d INFO    two", second)


def test_the_level_holds_for_all_of_ours(stream):
    logs.set_up(Log("warning", "json"))
    logging.getLogger("gateway.a").info("no")
    logging.getLogger("asyncio").info("no")
    logging.getLogger("gateway.a").warning("yes")
    assert stream.getvalue().count("\n") == 1


def test_the_handler_is_found_only_where_it_is_alone(stream):
    log = logging.getLogger("gateway.a.b")
    logs.set_up(Log("info", "console"))
    handler = logs.handler_of(log)
    assert handler is not None
    assert handler.console
    other = logging.NullHandler()
    log.addHandler(other)
    assert logs.handler_of(log) is None
    log.propagate = False
    assert logs.handler_of(log) is None
    log.removeHandler(other)
    log.propagate = True
    assert logs.handler_of(log) is handler


def test_lines_that_are_written_together_reach_a_stream_without_a_descriptor():
    stream = io.StringIO()
    logs.LineHandler(stream, console=True).write("one\ntwo\n")
    assert stream.getvalue() == "one\ntwo\n"


def test_each_write_into_a_pipe_is_whole_lines_and_small_enough_to_stay_in_one_piece(pipe, monkeypatch):
    handler, source = pipe
    pieces = []
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, piece: (pieces.append(bytes(piece)), write(fd, piece))[1])
    lines = "".join(f"{number} {'é' * (number % 300)}\n" for number in range(100)) + "x" * 5000 + "\nlast\n"
    handler.write(lines)
    assert b"".join(pieces) == lines.encode() == source.read(len(lines.encode()))
    assert all(piece.endswith(b"\n") for piece in pieces)
    assert all(len(piece) <= 4096 or piece.count(b"\n") == 1 for piece in pieces)
    assert len(pieces) < 20


def test_a_file_gets_all_in_one_write(tmp_path, monkeypatch):
    with open(tmp_path / "log", "w") as file:
        handler = logs.LineHandler(file, console=False)
        writes = []
        write = os.write
        monkeypatch.setattr(os, "write", lambda fd, piece: (writes.append(fd), write(fd, piece))[1])
        handler.write("a line\n" * 5000)
        monkeypatch.undo()
    assert (tmp_path / "log").read_text() == "a line\n" * 5000
    assert len(writes) == 1


def test_what_is_written_together_comes_after_what_was_written_before(tmp_path):
    with open(tmp_path / "log", "w") as file:
        handler = logs.LineHandler(file, console=False)
        file.write("before\n")
        handler.write("after\n")
    assert (tmp_path / "log").read_text() == "before\nafter\n"


def test_a_pipe_that_takes_no_more_for_now_gets_the_rest_later(pipe):
    handler, source = pipe
    os.set_blocking(handler.stream.fileno(), False)
    lines = "".join(f"line {number}\n" for number in range(30_000))
    writing = threading.Thread(target=handler.write, args=(lines,))
    writing.start()
    found = b""
    while len(found) < len(lines):
        found += source.read(65536)
    writing.join()
    assert found.decode() == lines


def test_a_reader_that_left_is_an_error_for_whoever_writes():
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as sink, pytest.raises(BrokenPipeError):
        logs.LineHandler(sink, console=False).write("lost\n")

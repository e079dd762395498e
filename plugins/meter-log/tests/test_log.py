"""What an exchange's log line has, what it never has, and that writing it holds nothing up."""

import contextlib
import datetime
import json
import logging
import os
import threading
import time

import msgspec
import pytest
from gateway_meter_log import register_lifespans, register_meters
from gateway_meter_log.line import console_line, fields, json_line, moment, sentence
from gateway_meter_log.writer import AccessLog, Writer, write
from hypothesis import given
from hypothesis import strategies as st

from gateway import AttemptRecord, Egress, Services, Settings, Usage, UsageRecord
from gateway.logs import LineHandler

LOG = logging.getLogger("gateway.access")
RECORD = UsageRecord(
    id="ex_1",
    started=1_700_000_000.25,
    duration=0.8124,
    status=200,
    outcome="complete",
    operation="generate",
    dialect="openai-chat",
    user_id="u1",
    key_id="key_1",
    key_label="laptop",
    parent="ex_0",
    delegated=True,
    agent="agent_a",
    endpoint="openAI",
    model_asked="agent_a",
    model_served="gpt-x",
    upstream_dialect="open-responses",
    stream=True,
    usage=Usage(input=12, cache_read=3, output=34, reasoning=0),
    loss=("stop", "messages[2]"),
    first_byte=0.1201,
    request_id="r-1",
    peer="127.0.0.1",
    attempts=(AttemptRecord("at_1", "openAI", "gpt-x", "open-responses", "complete"),),
)
EMPTY = UsageRecord("ex_2", 0.0, 0.0, 401, "refused", "models", "openai-chat")


class Kept(logging.Handler):
    """Keeps log records; waits in the first where `gate` is given."""

    def __init__(self, gate=None):
        super().__init__()
        self.records, self.threads, self.gate = [], [], gate

    def emit(self, record):
        self.records.append(record)
        self.threads.append(threading.current_thread())
        if self.gate is not None:
            self.gate.wait(10)


@pytest.fixture
def kept():
    yield from _attached(Kept())


@pytest.fixture
def stuck():
    handler = Kept(threading.Event())
    yield from _attached(handler)
    handler.gate.set()


def _attached(handler):
    before = LOG.level, LOG.propagate
    LOG.addHandler(handler)
    LOG.setLevel(logging.INFO)
    LOG.propagate = False
    yield handler
    LOG.removeHandler(handler)
    LOG.setLevel(before[0])
    LOG.propagate = before[1]


@contextlib.contextmanager
def only(handler):
    """As in a gateway that runs. No fixture: pytest's own handlers come after those."""
    before = LOG.handlers[:], LOG.level, LOG.propagate
    LOG.handlers[:], LOG.propagate = [handler], False
    LOG.setLevel(logging.INFO)
    try:
        yield
    finally:
        LOG.handlers[:], LOG.propagate = before[0], before[2]
        LOG.setLevel(before[1])


@contextlib.contextmanager
def pipe(console):
    """The gateway's own handler on a pipe, and what reads it to its end."""
    reading, writing = os.pipe()
    with open(writing, "w") as sink, open(reading, encoding="utf-8") as source:
        handler = CountingHandler(sink, console)
        with only(handler):
            yield handler, lambda: (sink.close(), source.read())[1]


class CountingHandler(LineHandler):
    """The gateway's own; counts what is written together."""

    written = 0

    def write(self, lines):
        self.written += 1
        super().write(lines)


def services():
    return Services(None, Egress(), None, lambda: 0.0, logging.getLogger("test.log"))


def test_the_fields_say_who_what_and_how():
    assert fields(RECORD) == {
        "status": 200,
        "outcome": "complete",
        "id": "ex_1",
        "request_id": "r-1",
        "started": "2023-11-14T22:13:20.250+00:00",
        "client": "127.0.0.1",
        "user": "u1",
        "key": "key_1",
        "key_label": "laptop",
        "operation": "generate",
        "dialect": "openai-chat",
        "upstream_dialect": "open-responses",
        "agent": "agent_a",
        "endpoint": "openAI",
        "model_asked": "agent_a",
        "model_served": "gpt-x",
        "stream": True,
        "tokens": {"input": 12, "cache_read": 3, "output": 34, "reasoning": 0},
        "duration_ms": 812.4,
        "first_byte_ms": 120.1,
        "loss": ("stop", "messages[2]"),
        "parent": "ex_0",
        "delegated": True,
    }


def test_what_is_empty_is_left_out():
    assert fields(EMPTY).keys() == {"status", "outcome", "id", "started", "operation", "dialect"}


def test_the_sentence_is_one_line_for_people():
    assert sentence(RECORD) == (
        "200 complete agent_a -> openAI/gpt-x, 15+34 tokens, 812.4 ms (first byte 120.1), u1, ex_1"
    )
    assert sentence(EMPTY) == "401 refused models, 0.0 ms, ex_2"


def test_an_estimate_is_called_one():
    record = msgspec.structs.replace(RECORD, usage=Usage(input=1, output=2, estimated=True))
    assert "1+2 tokens (estimated)" in sentence(record)
    assert fields(record)["tokens"]["estimated"] is True


def test_an_errors_class_is_told_and_its_words_are_not():
    record = msgspec.structs.replace(RECORD, error="UpstreamRefused: the prompt was: hush")
    assert fields(record)["error"] == "UpstreamRefused"
    assert "hush" not in sentence(record) + str(fields(record))


@given(st.text())
def test_whatever_a_client_calls_a_model_it_stays_one_line(name):
    record = msgspec.structs.replace(RECORD, model_asked=name, loss=(name,), request_id=name, key_label=name)
    assert sentence(record).isprintable()
    assert msgspec.json.encode(fields(record))


def test_a_prompt_sent_as_a_models_name_is_cut():
    assert len(fields(msgspec.structs.replace(RECORD, model_asked="a" * 100_000))["model_asked"]) == 200


async def test_lines_are_written_in_a_thread_and_all_are_there_after_stop(kept):
    given_services = services()
    (meter,), (lifespan,) = register_meters(None, given_services), register_lifespans(None, given_services)
    await lifespan.start()
    for _ in range(100):
        meter.record(RECORD)
    await lifespan.stop()
    assert len(kept.records) == 100
    assert {thread.name for thread in kept.threads} == {"gateway-access-log"}
    assert (kept.records[0].getMessage(), kept.records[0].fields) == (sentence(RECORD), fields(RECORD))
    assert not any(thread.name == "gateway-access-log" for thread in threading.enumerate())


def test_without_a_thread_lines_are_written_at_once(kept):
    AccessLog(Writer()).record(RECORD)
    assert len(kept.records) == 1


def test_a_log_that_cannot_be_written_drops_lines_and_says_how_many(stuck):
    writer = Writer(most=3)
    writer.start()
    writer.put(RECORD)
    while not stuck.records:
        time.sleep(0.001)
    for _ in range(10):
        writer.put(RECORD)
    assert writer.dropped == 7
    stuck.gate.set()
    writer.stop()
    messages = [record.getMessage() for record in stuck.records]
    assert [text for text in messages if "7 log lines were dropped" in text]
    assert len(messages) == 1 + 3 + 1


def test_a_reload_starts_the_next_before_it_stops_the_last(kept):
    writer = Writer()
    writer.start()
    writer.start()
    writer.stop()
    assert writer.failure() is None
    writer.put(RECORD)
    writer.stop()
    assert kept.threads[0] is not threading.main_thread()


def test_nothing_is_queued_where_the_level_is_off(kept):
    LOG.setLevel(logging.WARNING)
    AccessLog(Writer()).record(RECORD)
    assert kept.records == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_writer_whose_thread_died_says_so(monkeypatch):
    monkeypatch.setattr("gateway_meter_log.writer.write", lambda record: 1 / 0)
    writer = Writer()
    writer.start()
    writer.put(RECORD)
    writer._thread.join()
    assert "died" in writer.failure()


def test_it_has_no_settings():
    assert isinstance(register_meters(Settings({}, {}, frozenset()), services())[0], AccessLog)


KEY = "sk-" + "0123456789abcdef" * 4


@pytest.mark.parametrize("console", [False, True])
async def test_lines_come_through_a_pipe_whole_in_order_and_many_in_one_write(console):
    given_services = services()
    (meter,), (lifespan,) = register_meters(None, given_services), register_lifespans(None, given_services)
    records = [msgspec.structs.replace(RECORD, id=f"ex_{number}") for number in range(20)]
    with pipe(console) as (handler, read):
        write(records)
        assert handler.written == 1
        await lifespan.start()
        for record in records:
            meter.record(record)
        await lifespan.stop()
        assert read() == "".join(map(console_line if console else json_line, records * 2))


def test_a_json_line_has_the_logs_own_members_first():
    with pipe(console=False) as (_, read):
        AccessLog(Writer()).record(RECORD)
        [line] = read().splitlines()
    members = json.loads(line)
    assert list(members)[:5] == ["time", "level", "logger", "status", "outcome"]
    assert members.pop("time") == "2023-11-14T22:13:21.062Z", "when it ended"
    assert (members.pop("level"), members.pop("logger")) == ("info", "gateway.access")
    assert members == {**fields(RECORD), "loss": ["stop", "messages[2]"]}


def test_the_level_of_the_gateways_log_holds_for_its_lines():
    with pipe(console=False) as (_, read):
        LOG.setLevel(logging.WARNING)
        AccessLog(Writer()).record(RECORD)
        assert read() == ""


def test_a_console_line_has_time_and_level_first():
    clock, level, rest = console_line(RECORD).split(maxsplit=2)
    assert time.strptime(clock, "%H:%M:%S")
    assert (level, rest) == ("INFO", sentence(RECORD) + "\n")


def test_a_line_holds_no_key_whatever_a_client_or_an_upstream_put_where():
    values = {
        name: value
        for name in UsageRecord.__struct_fields__
        if isinstance(getattr(RECORD, name), str)
        for value in [f"Bearer {KEY}" if name == "error" else KEY]
    }
    attempt = AttemptRecord(KEY, KEY, KEY, KEY, "broken", 500, KEY, error=KEY)
    record = msgspec.structs.replace(RECORD, **values, loss=(KEY, f"/v1?key={KEY}"), attempts=(attempt, attempt))
    for line in (json_line(record), console_line(record)):
        assert KEY not in line
        assert KEY[-20:] not in line
    assert json.loads(json_line(record))["model_asked"] == "sk-0123***"


def test_the_record_has_no_place_for_what_was_asked_or_answered():
    """Whoever adds a member to the record decides here whether the line has it."""
    left_out = {"attempts", "error", "usage"}
    shown = {"peer": "client", "user_id": "user", "key_id": "key", "duration": "duration_ms"}
    shown["first_byte"] = "first_byte_ms"
    names = {shown.get(name, name) for name in UsageRecord.__struct_fields__ if name not in left_out}
    assert names | {"tokens"} == fields(RECORD).keys()


@given(st.text(), st.text())
def test_whatever_stands_in_a_record_its_line_is_one_json_object(chosen, configured):
    record = msgspec.structs.replace(
        RECORD, model_asked=chosen, loss=(chosen,), request_id=chosen, agent=configured, endpoint=configured
    )
    line = json_line(record)
    assert line.index("\n") == len(line) - 1
    assert json.loads(line)["id"] == "ex_1"


@given(st.floats(0, 4e9))
def test_times_are_those_of_the_standard_library(at):
    expected = datetime.datetime.fromtimestamp(at, datetime.UTC).isoformat(timespec="milliseconds")
    assert moment(at) + "+00:00" == expected


def test_a_log_that_nobody_reads_any_more_drops_lines_and_stops_nothing():
    reading, writing = os.pipe()
    os.close(reading)
    sink = open(writing, "w")  # noqa: SIM115 - it cannot be closed in order
    with only(LineHandler(sink, console=False)):
        writer = Writer()
        writer.start()
        writer.put(RECORD)
        writer.stop()
        writer.put(RECORD)
    assert writer.dropped == 2
    with contextlib.suppress(BrokenPipeError):
        sink.close()

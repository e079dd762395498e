"""What an exchange's log line has, what it never has, and that writing it holds nothing up."""

import logging
import threading
import time

import msgspec
import pytest
from gateway_meter_log import register_lifespans, register_meters
from gateway_meter_log.line import fields, sentence
from gateway_meter_log.writer import AccessLog, Writer
from hypothesis import given
from hypothesis import strategies as st

from gateway import AttemptRecord, Egress, Services, Settings, Usage, UsageRecord

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
        "loss": ["stop", "messages[2]"],
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

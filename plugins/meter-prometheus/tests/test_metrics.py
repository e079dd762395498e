"""What is counted, under which labels, in one process."""

import asyncio
import logging
import threading
from collections import Counter

import msgspec
import pytest
from gateway_meter_prometheus import register_meters, register_routes
from gateway_meter_prometheus.labels import MOST_MODELS, error_class, status_class
from prometheus_client.parser import text_string_to_metric_families

from gateway import MOUNT, AttemptRecord, Egress, Exchange, Inbound, Operation, Provider, Services, Usage, UsageRecord

RECORD = UsageRecord(
    "ex",
    0.0,
    0.2,
    200,
    "complete",
    "generate",
    "openai-chat",
    user_id="user-hush",
    key_id="key-hush",
    key_label="label-hush",
    endpoint="listed",
    model_asked="asked-hush",
    model_served="m",
    upstream_dialect="open-responses",
    usage=Usage(input=10, cache_read=2, cache_write_5m=3, cache_write_1h=4, output=5, reasoning=1),
    first_byte=0.03,
    loss=("stop",),
    attempts=(
        AttemptRecord("a", "listed", "m", "open-responses", "timeout", error="UpstreamTimeout: hush"),
        AttemptRecord("b", "listed", "m", "open-responses", "complete", 200),
    ),
)


class Endpoint(Provider):
    dialects = ()

    def __init__(self, name, is_open=False):
        self.endpoint, self.open = name, is_open


class Dialect:
    name = "openai-chat"


@pytest.fixture
def services(monkeypatch):
    for name in ("GATEWAY_RUN_DIR", "PROMETHEUS_MULTIPROC_DIR"):
        monkeypatch.delenv(name, raising=False)
    endpoints = {"listed": Endpoint("listed"), "open": Endpoint("open", is_open=True)}
    return Services(None, Egress(), None, lambda: 0.0, logging.getLogger("test.metrics"), {}, endpoints)


@pytest.fixture
def meter(services):
    (made,) = register_meters(None, services)
    return made


def exchange():
    return Exchange(Inbound(Operation("generate", "POST", "/x"), MOUNT, {}, {}, {}, "", None), Dialect)


def samples(meter):
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(meter.exposition().decode())
        for sample in family.samples
        if sample.name.startswith("gateway_")
    }


def value(meter, name, **labels):
    return samples(meter).get((name, tuple(sorted(labels.items()))))


def models(meter):
    found = Counter()
    for (name, labels), count in samples(meter).items():
        if name == "gateway_requests_total":
            found[dict(labels)["model"]] += count
    return found


def test_an_exchange_is_counted_under_bounded_labels(meter):
    meter.started(exchange())
    meter.record(RECORD)
    target = {"operation": "generate", "endpoint": "listed", "model": "m"}
    assert (
        value(meter, "gateway_requests_total", dialect="openai-chat", status="2xx", outcome="complete", **target) == 1
    )
    assert value(meter, "gateway_request_duration_seconds_sum", **target) == 0.2
    assert value(meter, "gateway_request_duration_seconds_bucket", le="0.1", **target) == 0
    assert value(meter, "gateway_request_duration_seconds_bucket", le="0.25", **target) == 1
    assert value(meter, "gateway_time_to_first_byte_seconds_count", **target) == 1
    assert value(meter, "gateway_lossy_requests_total", dialect="openai-chat", upstream_dialect="open-responses") == 1


def test_a_soft_budget_that_is_passed_is_counted_by_its_kind_alone(meter):
    passed = ("key:key-hush/day", "organisation:/month")
    attempts = (AttemptRecord("b", "listed", "m", "openai-chat", "complete", 200, passed=passed),)
    meter.record(msgspec.structs.replace(RECORD, loss=(), attempts=attempts))
    assert value(meter, "gateway_budgets_passed_total", kind="key") == 1
    assert value(meter, "gateway_budgets_passed_total", kind="organisation") == 1
    assert "hush" not in meter.exposition().decode()


def test_tokens_are_counted_by_kind(meter):
    meter.record(RECORD)
    kinds = ("input", "cache_read", "cache_write", "output", "reasoning")
    assert [value(meter, "gateway_tokens_total", endpoint="listed", model="m", kind=kind) for kind in kinds] == [
        10,
        2,
        7,
        5,
        1,
    ]


def test_what_took_no_tokens_has_no_series_of_them(meter):
    meter.record(msgspec.structs.replace(RECORD, usage=Usage(input=0)))
    assert not [name for name, _ in samples(meter) if name == "gateway_tokens_total"]


def test_upstream_errors_are_counted_by_class(meter):
    meter.record(RECORD)
    assert value(meter, "gateway_upstream_errors_total", **{"endpoint": "listed", "class": "timeout"}) == 1


def test_exchanges_that_run_are_shown_until_they_end(meter):
    running = {"operation": "generate", "dialect": "openai-chat"}
    meter.started(exchange())
    meter.started(exchange())
    assert value(meter, "gateway_requests_in_flight", **running) == 2
    meter.record(RECORD)
    assert value(meter, "gateway_requests_in_flight", **running) == 1


def test_nothing_of_a_user_a_key_or_a_callers_words_is_in_it(meter):
    meter.record(RECORD)
    assert b"hush" not in meter.exposition()


def test_a_refused_exchange_has_no_model(meter):
    meter.record(UsageRecord("ex", 0.0, 0.0, 401, "refused", "generate", "openai-chat", model_asked="made-up"))
    assert models(meter) == {"": 1}


def test_a_name_that_an_open_endpoint_refused_is_other_and_one_that_it_served_is_itself(meter):
    refused = msgspec.structs.replace(RECORD, endpoint="open", model_served="made-up", status=404)
    meter.record(refused)
    meter.record(msgspec.structs.replace(refused, model_served="real", status=200))
    meter.record(msgspec.structs.replace(refused, model_served="real", status=500))
    assert models(meter) == {"other": 1, "real": 2}


def test_an_agents_model_is_itself_even_where_it_fails(meter):
    meter.record(msgspec.structs.replace(RECORD, endpoint="open", agent="agent_a", status=500))
    assert models(meter) == {"m": 1}


def test_models_are_at_most_so_many(meter):
    for number in range(MOST_MODELS + 50):
        meter.record(msgspec.structs.replace(RECORD, endpoint="open", model_served=f"m{number}"))
    assert len(models(meter)) == MOST_MODELS + 1
    assert models(meter)["other"] == 50


def test_hooks_share_one_and_a_reload_keeps_it(services, meter):
    assert register_meters(None, services)[0] is meter


async def test_the_route_answers_from_a_thread_in_the_text_format(services, meter, monkeypatch):
    (route,) = register_routes(None, services)
    assert (route.method, route.path, route.access, route.internal) == ("GET", "/metrics", "loopback", True)
    threads, whole = [], meter.exposition

    def exposition():
        threads.append(threading.current_thread())
        return whole()

    monkeypatch.setattr(meter, "exposition", exposition)
    answers = await asyncio.gather(*(route.handler(None, None) for _ in range(3)))
    assert answers[0].content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert b"gateway_requests_total" in answers[0].body
    assert threading.main_thread() not in threads


@pytest.mark.parametrize(("status", "name"), [(200, "2xx"), (499, "4xx"), (503, "5xx"), (0, "none")])
def test_statuses_have_classes(status, name):
    assert status_class(status) == name


@pytest.mark.parametrize(("error", "name"), [("UpstreamRefused: x", "refused"), ("Odd: UpstreamTimeout", "other")])
def test_errors_have_classes(error, name):
    assert error_class(error) == name


def test_many_are_told_at_once_and_none_twice(meter):
    target = {"operation": "generate", "endpoint": "listed", "model": "m"}
    for duration in (0.05, 0.06, 601.0):
        meter.started(exchange())
        meter.record(msgspec.structs.replace(RECORD, duration=duration, first_byte=None))
    for _ in range(2):
        assert value(meter, "gateway_request_duration_seconds_count", **target) == 3
        assert value(meter, "gateway_request_duration_seconds_bucket", le="0.05", **target) == 1
        assert value(meter, "gateway_request_duration_seconds_bucket", le="600.0", **target) == 2
        assert value(meter, "gateway_time_to_first_byte_seconds_count", **target) is None
        assert value(meter, "gateway_requests_in_flight", operation="generate", dialect="openai-chat") == 0


def test_what_is_counted_while_it_is_told_is_not_lost(meter):
    """Scrapes run in a thread of their own."""
    scraping = threading.Thread(target=lambda: [meter.tell() for _ in range(2000)])
    scraping.start()
    for _ in range(5000):
        meter.record(RECORD)
    scraping.join()
    assert value(meter, "gateway_tokens_total", endpoint="listed", model="m", kind="input") == 50_000
    assert models(meter) == {"m": 5000}

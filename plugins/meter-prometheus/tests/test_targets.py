"""How the targets of routes stand, and what is counted of tries after a failure."""

import logging

import msgspec
import pytest
from gateway_meter_prometheus import register_meters
from gateway_meter_prometheus.mode import metrics_of
from prometheus_client.parser import text_string_to_metric_families

from gateway import AttemptRecord, Breakers, Egress, Services, UsageRecord
from gateway.settings.routes import BreakerRule

RULE = BreakerRule(failures=2, cooldown=10)
RECORD = UsageRecord("ex", 0.0, 0.2, 200, "complete", "generate", "openai-chat", endpoint="b", model_served="m")


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def services(monkeypatch):
    for name in ("GATEWAY_RUN_DIR", "PROMETHEUS_MULTIPROC_DIR"):
        monkeypatch.delenv(name, raising=False)
    found = Services(None, Egress(), None, lambda: 0.0, logging.getLogger("test.targets"), {}, {})
    Breakers.of(found.state).clock = Clock()
    Breakers.of(found.state).at("smart", "a", "m", RULE)
    register_meters(None, found)
    return found


def samples(services, name):
    text = metrics_of(services).exposition().decode()
    return {
        tuple(value for label, value in sorted(sample.labels.items()) if label not in ("route", "model")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    }


def states(services):
    found = samples(services, "gateway_target_state")
    return {state for (_, state), value in found.items() if value}


def test_a_target_is_there_from_the_start(services):
    assert samples(services, "gateway_target_state") == {("a", "open"): 0, ("a", "half_open"): 0}
    assert samples(services, "gateway_target_opened_total") == {("a",): 0}


def test_a_breakers_changes_are_shown(services):
    breakers = Breakers.of(services.state)
    breaker = breakers.at("smart", "a", "m", RULE)
    for _ in range(2):
        breaker.admit().failed("5xx")
    assert states(services) == {"open"}
    assert samples(services, "gateway_target_cooldown_end_seconds")[("a",)] > 1_600_000_000
    breakers.clock.now += 10
    trying = breaker.admit()
    assert states(services) == {"half_open"}
    trying.dropped()
    assert states(services) == {"open"}
    breaker.admit().answered()
    assert states(services) == set()
    assert samples(services, "gateway_target_cooldown_end_seconds") == {("a",): 0}
    assert samples(services, "gateway_target_opened_total") == {("a",): 1}


def attempt(endpoint, error="", outcome="upstream_error"):
    return AttemptRecord("at", endpoint, "m", "openai-chat", outcome, error=error)


def test_tries_after_a_failure_are_counted_by_what_it_was(services):
    tried = (
        attempt("a", "UpstreamTimeout: upstream_timeout", "timeout"),
        attempt("a", "UpstreamRefused: 500 x"),
        attempt("c", "Unsupported: It would lose: stop.", "refused"),
        attempt("b", outcome="complete"),
    )
    metrics_of(services).record(msgspec.structs.replace(RECORD, attempts=tried))
    assert samples(services, "gateway_retries_total") == {("timeout", "a"): 1}
    assert samples(services, "gateway_fallbacks_total") == {("refused", "a"): 1, ("skipped", "c"): 1}
    assert samples(services, "gateway_upstream_errors_total") == {("timeout", "a"): 1, ("refused", "a"): 1}

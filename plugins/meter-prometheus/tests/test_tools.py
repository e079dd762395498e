"""Calls of tools and connections to their servers, as they are shown."""

import logging

import pytest
from gateway_meter_prometheus import register_meters
from gateway_meter_prometheus.mode import metrics_of
from prometheus_client.parser import text_string_to_metric_families

from gateway import Egress, Services, ToolTraffic

NAMES = ("source", "server", "state", "outcome")


@pytest.fixture
def services(monkeypatch):
    for name in ("GATEWAY_RUN_DIR", "PROMETHEUS_MULTIPROC_DIR"):
        monkeypatch.delenv(name, raising=False)
    found = Services(None, Egress(), None, lambda: 0.0, logging.getLogger("test.tools"), {}, {})
    for _ in range(2):  # once more after a reload
        register_meters(None, found)
    return found


def samples(services, name):
    text = metrics_of(services).exposition().decode()
    return {
        tuple(sample.labels[name] for name in NAMES if name in sample.labels): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    }


def test_calls_are_counted_by_how_they_ended(services):
    traffic = ToolTraffic.of(services.state)
    for ending in ("ok", "ok", "failed"):
        traffic.called("mcp", "files", ending, 0.01)
    assert samples(services, "gateway_tool_calls_total") == {("mcp", "files", "ok"): 2, ("mcp", "files", "failed"): 1}
    assert samples(services, "gateway_tool_call_duration_seconds_count") == {("mcp", "files"): 3}


def test_connections_stand_where_they_stand_and_those_made_again_are_counted(services):
    traffic = ToolTraffic.of(services.state)
    for before, now, again in (("", "up", False), ("up", "down", False), ("down", "up", True), ("up", "", False)):
        traffic.stands("mcp", "files", before, now, again)
    traffic.stands("mcp", "other", "", "down", False)
    assert samples(services, "gateway_tool_connections") == {
        ("mcp", "files", "up"): 0,
        ("mcp", "files", "down"): 0,
        ("mcp", "other", "down"): 1,
    }
    assert samples(services, "gateway_tool_reconnects_total") == {("mcp", "files"): 1}

"""Token counts, both ways."""

from __future__ import annotations

import msgspec
import pytest
from gateway_dialect_anthropic_messages import usages
from gateway_dialect_anthropic_messages.usages import Counter, WireUsage

from gateway import Usage
from gateway.wire import jsontext


def read(*reports):
    counter = Counter()
    for at, report in enumerate(reports):
        counter.read(msgspec.convert(report, WireUsage), begun=at == 0 and len(reports) > 1)
    return counter.usage


def test_counts_are_disjoint():
    usage = read(
        {
            "input_tokens": 10,
            "cache_read_input_tokens": 4,
            "cache_creation_input_tokens": 7,
            "cache_creation": {"ephemeral_5m_input_tokens": 5, "ephemeral_1h_input_tokens": 2},
            "output_tokens": 20,
            "output_tokens_details": {"thinking_tokens": 8},
        }
    )
    assert usage == Usage(input=10, cache_read=4, cache_write_5m=5, cache_write_1h=2, output=20, reasoning=8)
    assert usage.total == 41


def test_cache_writes_without_their_split_are_of_five_minutes():
    assert read({"input_tokens": 1, "cache_creation_input_tokens": 7}).cache_write_5m == 7


def test_the_split_stays_when_the_end_tells_the_total_alone():
    begun = {
        "input_tokens": 3,
        "cache_creation_input_tokens": 7,
        "cache_creation": {"ephemeral_5m_input_tokens": 5, "ephemeral_1h_input_tokens": 2},
        "output_tokens": 1,
    }
    usage = read(begun, {"cache_creation_input_tokens": 9, "output_tokens": 20})
    assert (usage.input, usage.cache_write_5m, usage.cache_write_1h, usage.output) == (3, 7, 2, 20)


def test_the_start_tells_no_output():
    assert read({"input_tokens": 3, "output_tokens": 1}, {}) == Usage(input=3)


def test_the_end_wins_over_the_start():
    usage = read({"input_tokens": 0, "output_tokens": 1}, {"input_tokens": 40, "output_tokens": 9})
    assert usage == Usage(input=40, output=9)


def test_what_nobody_reported_is_none():
    assert read({"output_tokens": 9}) == Usage(output=9)


def test_a_client_reads_what_was_counted():
    usage = Usage(input=10, cache_read=4, cache_write_5m=5, cache_write_1h=2, output=20, reasoning=8)
    written = usages.written(usage)
    assert msgspec.convert(written, WireUsage) is not None
    assert read(written) == usage
    assert usages.written(usage, begun=True)["output_tokens"] == 0
    assert usages.written(None) == {
        "input_tokens": 0,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": 0,
    }


@pytest.mark.parametrize(
    ("usage", "left"),
    [
        ({"input_tokens": 1, "service_tier": "standard", "inference_geo": "not_available", "iterations": None}, []),
        ({"server_tool_use": {"web_search_requests": 0, "web_fetch_requests": 0}}, []),
        (
            {"server_tool_use": {"web_search_requests": 1}, "service_tier": "priority"},
            ["server_tool_use", "service_tier"],
        ),
    ],
)
def test_what_else_a_usage_says_is_kept_where_it_says_something(usage, left):
    assert list(usages.others(jsontext.raw(usage))) == left

"""usage: disjoint counts and their sums."""

from functools import reduce
from operator import add

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import Usage

counts = st.none() | st.integers(0, 10**9)
COUNTED = [name for name in Usage.__struct_fields__ if name != "estimated"]
usages = st.builds(Usage, **dict.fromkeys(COUNTED, counts), estimated=st.booleans())


@given(usages)
def test_the_prompt_is_all_that_was_read_and_the_total_adds_what_was_written(usage):
    parts = (usage.input, usage.cache_read, usage.cache_write_5m, usage.cache_write_1h)
    assert usage.prompt == sum(part or 0 for part in parts)
    assert usage.total == usage.prompt + (usage.output or 0)


def test_parts_named_beside_the_counts_are_never_added():
    usage = Usage(input=5, cache_read=4, output=7, reasoning=3, audio_input=2, audio_output=1)
    assert (usage.prompt, usage.total) == (9, 16)


@given(usages, usages)
def test_a_sum_adds_each_count_and_keeps_what_neither_reported_unknown(one, other):
    both = one + other
    for name in COUNTED:
        pair = [count for count in (getattr(one, name), getattr(other, name)) if count is not None]
        assert getattr(both, name) == (sum(pair) if pair else None)
    assert both.estimated == (one.estimated or other.estimated)
    assert both.total == one.total + other.total


@given(st.lists(usages, min_size=1, max_size=5))
def test_the_order_of_attempts_does_not_matter(attempts):
    assert reduce(add, attempts) == reduce(add, reversed(attempts))
    assert reduce(add, attempts, Usage()) == reduce(add, attempts)


@given(usages)
def test_it_survives_json_without_what_was_not_reported(usage):
    written = msgspec.json.encode(usage)
    assert msgspec.json.decode(written, type=Usage) == usage
    assert b"null" not in written


@pytest.mark.parametrize("count", [-1, -(2**64), 2**53, 10**30])
def test_what_can_be_no_count_is_not_reported(count):
    assert Usage(input=count, output=7) == Usage(output=7)
    assert msgspec.json.decode(b'{"type":"usage","input":%d,"output":7}' % count, type=Usage) == Usage(output=7)
    assert msgspec.structs.replace(Usage(output=7), cache_read=count) == Usage(output=7)
    assert Usage(input=2**53 - 1).input == 2**53 - 1

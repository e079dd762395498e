"""wire.outputs: what a model has said is measured at a stream's beginning and estimated for the rest."""

import re

import pytest

from gateway.wire.outputs import TOKEN, OutputSize

find = re.compile(rb"<(\w*)>").findall


def test_the_sample_is_measured_exactly():
    assert OutputSize(find, 100).add(b"..<abcdefgh>..<ij>") == 10


def test_each_delta_with_text_counts_for_a_token_at_least():
    assert OutputSize(find, 100).add(b"<a><b><><c>") == 3 * TOKEN


def test_the_rest_counts_in_proportion_without_being_looked_at():
    size = OutputSize(find, 12)
    assert size.add(b"<abcdefghij>") == 10
    assert size.add(b"x" * 12) == 20
    assert size.add(b"<" * 6) == 25


@pytest.mark.parametrize("at", range(1, 24))
def test_the_sample_ends_where_it_does_however_reads_are_split(at):
    stream = b"<abcdefghij>" * 2
    size = OutputSize(find, 12)
    size.add(stream[:at])
    assert size.add(stream[at:]) <= 20
    whole = OutputSize(find, 12)
    assert whole.add(stream) == 20

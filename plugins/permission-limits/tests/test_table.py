"""The table itself: names are found where they are, and nowhere else."""

from __future__ import annotations

import mmap

from gateway_permission_limits.table import ENTRIES, Table, size
from hypothesis import given
from hypothesis import strategies as st


def table(entries: int = 64, words: int = 2) -> Table:
    memory = mmap.mmap(-1, 64 + size(entries, words))
    return Table(memory, memoryview(memory).cast("q"), 64, entries, words)


def never(place: int) -> bool:
    return False


@given(st.lists(st.binary(min_size=16, max_size=16).filter(any), unique=True, max_size=60))
def test_each_name_has_a_place_of_its_own(names):
    made = table()
    places = {}
    for name in names:
        assert made.find(name) == -1
        place = made.claim(name, lambda place: place not in places.values(), ())
        if place >= 0:
            places[name] = place
            made.numbers[place], made.numbers[place + 1] = hash(name) >> 8, 7
    assert len(set(places.values())) == len(places)
    for name, place in places.items():
        assert made.find(name) == place
        assert list(made.numbers[place : place + 2]) == [hash(name) >> 8, 7]


def test_a_name_across_two_others_is_not_found():
    made = table(ENTRIES)
    first, second = b"12345678abcdefgh", b"ABCDEFGH87654321"
    for name in (first, second):
        made.claim(name, lambda place: made.numbers[place] == 0, ())
        made.numbers[made.find(name)] = 1
    assert made.find(b"abcdefghABCDEFGH") == -1
    assert made.find(second) >= 0


def test_a_name_that_also_stands_across_two_others_is_found_where_it_is():
    made = table(ENTRIES)
    names = [b"12345678abcdefgh", b"ABCDEFGH87654321", b"abcdefghABCDEFGH"]
    for name in names:
        made.claim(name, lambda place: made.numbers[place] == 0, ())
        made.numbers[made.find(name)] = 1
    assert len({made.find(name) for name in names}) == 3


def test_where_nothing_is_free_there_is_no_place():
    assert table().claim(b"n" * 16, never, ()) == -1


def test_what_was_just_taken_is_not_given_away():
    made = table(ENTRIES)
    places = [made.claim(bytes([number + 1]) * 16, lambda place: True, ()) for number in range(1)]
    assert made.claim(b"x" * 16, lambda place: True, places) not in places


def test_an_entry_begins_at_nothing_whatever_was_there():
    made = table(ENTRIES)
    place = made.claim(b"a" * 16, lambda place: True, ())
    made.numbers[place] = made.numbers[place + 1] = 9
    again = made.claim(b"b" * 16, lambda place: True, ())
    assert (again, made.find(b"a" * 16), list(made.numbers[again : again + 2])) == (place, -1, [0, 0])

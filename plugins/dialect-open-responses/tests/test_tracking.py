"""Items of a reply, found again by place, by call and by id."""

from __future__ import annotations

from gateway_dialect_open_responses.reply_items import Tracked
from gateway_dialect_open_responses.tracking import Items


def call(name, id=None):
    return Tracked("function_call", id, f"call_{name}", name=name)


def test_a_place_keeps_its_item_and_learns_what_is_announced_late():
    items = Items()
    early = items.at(0, "function_call", "fc_1")
    known = items.announced(0, call("look"))
    assert known is early is items.at(0, "function_call", None)
    assert (known.call_id, known.name, known.id) == ("call_look", "look", "fc_1")
    assert items.ended(7, call("look")) is known


def test_another_call_at_the_same_place_is_another_item():
    items = Items()
    one, two = items.announced(0, call("a")), items.announced(0, call("b"))
    assert one is not two
    assert items.at(0, "function_call", None) is two
    assert items.ended(0, call("a")) is one
    assert {id(item) for item in items.all()} == {id(one), id(two)}


def test_a_final_item_is_found_by_its_call_its_id_its_place_or_as_the_next_of_its_kind():
    items = Items()
    a, b = items.announced(0, call("a", "x")), items.announced(1, call("b", "y"))
    text, late = items.at(2, "message", "m1"), items.at("m2", "message", "m2")
    final = items.final()
    assert final.match(0, call("b")) is b
    assert final.match(1, Tracked("function_call", "x", "other")) is a
    assert final.match(2, Tracked("message", "new")) is text
    assert final.match(9, Tracked("message", "newer")) is late
    strange = Tracked("message", "m1")
    assert final.match(2, strange) is strange


def test_each_item_is_found_once():
    items = Items()
    one = items.announced(0, call("a"))
    final = items.final()
    assert final.match(0, call("a")) is one
    again = call("a")
    assert final.match(0, again) is again

"""wire.losses: what is lost is named once, by its path."""

from msgspec import Raw

from gateway.wire.losses import Loss

EXTRA = {"a": Raw(b"1"), "b": Raw(b"null")}


def test_a_path_is_named_once_and_in_the_order_of_its_first_mention():
    loss = Loss()
    for path in ("b", "a", "b"):
        loss.add(path)
    assert loss.paths == ["b", "a"]


def test_members_of_the_dialect_itself_are_kept():
    loss = Loss(own=True)
    assert loss.keep(EXTRA, "messages[0]") == EXTRA
    assert loss.paths == []


def test_members_of_another_dialect_are_lost_with_the_path_of_where_they_stood():
    loss = Loss()
    assert loss.keep(EXTRA, "messages[0]") == {}
    assert loss.keep(EXTRA) == {}
    assert loss.paths == ["messages[0].a", "messages[0].b", "a", "b"]


def test_what_has_a_place_elsewhere_is_neither_kept_nor_lost():
    loss = Loss()
    assert loss.keep(EXTRA, "tools[0]", known=("a",)) == {}
    assert loss.paths == ["tools[0].b"]


def test_whose_the_members_are_may_be_told_late():
    loss = Loss()
    paths = loss.paths
    loss.own = True
    assert loss.keep(EXTRA) == EXTRA
    assert paths is loss.paths


def test_members_without_a_place_are_lost_even_to_their_own_dialect():
    loss = Loss(own=True)
    loss.lose(EXTRA, "Text")
    assert loss.paths == ["Text.a", "Text.b"]


def test_only_what_asks_for_something_is_unsaid():
    loss = Loss()
    loss.unsaid({"store": False, "metadata": {}, "user": "u", "verbosity": None, "n": True})
    assert loss.paths == ["user", "n"]

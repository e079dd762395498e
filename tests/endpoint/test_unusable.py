"""Why an endpoint cannot be called."""

from __future__ import annotations

import pytest

from gateway import Finding, UnsetVariable
from gateway.endpoint import Unusable


def test_its_text_is_where_and_what() -> None:
    assert str(Unusable("A_KEY", "it is not set")) == "A_KEY: it is not set"


def test_it_is_told_of_the_endpoint_or_of_a_key_below_it() -> None:
    unusable = Unusable("apiKey", "it is missing", "give it")
    assert unusable.of("endpoints.x") == Finding("endpoints.x", "apiKey: it is missing", "give it", "warning")
    assert unusable.below("endpoints.x") == Finding("endpoints.x.apiKey", "it is missing", "give it", "warning")


@pytest.mark.parametrize(
    ("names", "what"),
    [(("A",), "the variable A is not set"), (("A", "B"), "the variables A and B are not set")],
)
def test_variables_that_are_not_set_are_named(names: tuple[str, ...], what: str) -> None:
    unusable = Unusable.unset("baseURL", UnsetVariable(names))
    assert (unusable.what, unusable.todo) == (what, "set it in the environment or in .env")

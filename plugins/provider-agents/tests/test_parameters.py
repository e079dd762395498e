import pytest
from gateway_provider_agents.parameters import KINDS, NAMES, OF_THE_CLIENT, WITHOUT_EFFECT, WORDS, read

from gateway import Parameter


def defaults(given):
    return {name: bytes(raw) for name, raw in read(given, ()).defaults.items()}


def test_every_parameter_of_the_gateway_has_a_name_and_a_kind():
    assert set(NAMES.values()) == set(KINDS) == set(Parameter.__args__)
    assert set(KINDS.values()) == set(WORDS)


def test_no_name_is_in_two_tables():
    assert not NAMES.keys() & (OF_THE_CLIENT | WITHOUT_EFFECT)
    assert not OF_THE_CLIENT & WITHOUT_EFFECT


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"temperature": 0.2}, {"temperature": b"0.2"}),
        ({"temperature": "0.2"}, {"temperature": b"0.2"}),
        ({"topP": 0.9, "topK": 5}, {"top_p": b"0.9", "top_k": b"5"}),
        ({"max_tokens": 10}, {"max_output_tokens": b"10"}),
        ({"maxOutputTokens": 10}, {"max_output_tokens": b"10"}),
        ({"thinkingBudget": 2000}, {"reasoning_budget": b"2000"}),
        ({"reasoning_effort": "high", "reasoning_summary": ""}, {"reasoning_effort": b'"high"'}),
        ({"stop": "x"}, {"stop": b'"x"'}),
        ({"stop": ["x", "y"]}, {"stop": b'["x","y"]'}),
        ({"temperature": None, "resendFiles": True, "maxContextTokens": 9, "modelLabel": "X"}, {}),
        ({"thinking": True, "promptCache": False}, {}),
    ],
)
def test_librechats_names_become_the_gateways(given, expected):
    assert defaults(given) == expected
    assert read(given, ()).wrong == {}
    assert read(given, ()).set == {}


def test_what_nobody_knows_is_sent_as_it_stands():
    found = read({"safe_prompt": True, "extra": {"a": None}}, ["safe_prompt"])
    assert {name: bytes(raw) for name, raw in found.set.items()} == {"safe_prompt": b"true", "extra": b'{"a":null}'}
    assert found.wrong == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [("temperature", "hot"), ("temperature", float("nan")), ("seed", 1.5), ("stop", 3), ("top_p", [])],
)
def test_values_of_another_kind_are_named(name, value):
    found = read({name: value}, ())
    assert list(found.wrong) == [f"model_parameters.{name}"]
    assert "expected is" in found.wrong[f"model_parameters.{name}"]
    assert found.defaults == {}


def test_locked_takes_either_name():
    given = {"max_tokens": 5, "topP": 1}
    assert read(given, ["maxTokens", "top_p"]).locked == {"max_output_tokens", "top_p"}


def test_locking_what_is_not_set_is_wrong():
    assert list(read({"temperature": 1}, ["temperature", "seed", "nonsense"]).wrong) == ["locked[1]", "locked[2]"]


def test_what_has_no_effect_is_told():
    assert read({"web_search": True, "thinking": True}, ()).idle == ("thinking", "web_search")

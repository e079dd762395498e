from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.settings.yamlfile import DEEPEST, MOST_VALUES, Mark, parse, plain


def sentences(source: str) -> list[str]:
    return [str(finding) for finding in parse(source, "f.yaml").findings]


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("on", "on"),
        ("no", "no"),
        ("yes", "yes"),
        ("012", 12),
        ("0o17", 15),
        ("0x1F", 31),
        ("0b11", 3),
        ("-5", -5),
        ("1_000", 1000),
        ("1_", "1_"),
        ("1:30", "1:30"),
        ("1.2.8", "1.2.8"),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1.", 1.0),
        ("+", "+"),
        (".", "."),
        ("-", "-"),
        ("0x", "0x"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("Null", None),
        ("", None),
        ("2024-01-31", "2024-01-31"),
        (".inf", math.inf),
        ("-.Inf", -math.inf),
        ("+.INF", math.inf),
    ],
)
def test_plain_words_mean_what_yaml_1_2_says(word: str, value: object) -> None:
    assert plain(word) == value
    assert type(plain(word)) is type(value)


def test_nan_is_a_number() -> None:
    assert math.isnan(plain(".nan"))


def test_a_number_of_5000_digits_is_beyond_all_numbers() -> None:
    assert plain("9" * 5000) == math.inf


def test_quoted_and_tagged_words() -> None:
    data = parse("[\"1\", 'no', !!str 5, !!int 5, !!float 2, !!bool true, !!null ~, ! 7]", "f").data
    assert data == ["1", "no", "5", 5, 2, True, None, "7"]


def test_values_and_keys_know_their_places() -> None:
    parsed = parse("a:\n  - b: 1\n    c:   two\n", "f.yaml")
    assert parsed.data == {"a": [{"b": 1, "c": "two"}]}
    assert parsed.marks[("a", 0, "c")] == Mark("f.yaml", 3, 10)
    assert parsed.keys[("a", 0, "c")] == Mark("f.yaml", 3, 5)
    assert parsed.marks[("a", 0)] == Mark("f.yaml", 2, 5)


def test_keys_are_text() -> None:
    assert parse("1: a\ntrue: b\n~: c\n", "f").data == {"1": "a", "true": "b", "~": "c"}


def test_aliases_and_merge_keys() -> None:
    source = "a: &a {x: 1, y: 2}\nb: &b {y: 3}\nc: {<<: [*b, *a], z: 4}\nd: *a\n"
    data = parse(source, "f").data
    assert data["c"] == {"z": 4, "y": 3, "x": 1}
    assert data["d"] == {"x": 1, "y": 2}


def test_a_merged_value_stands_where_it_was_written() -> None:
    assert parse("a: &a {x: 1}\nb: {<<: *a}\n", "f").marks[("b", "x")] == Mark("f", 1, 11)


def test_a_duplicate_key() -> None:
    assert sentences("a: 1\nb:\n  c: 1\n  c: 2\n") == [
        "f.yaml:4:3: b.c: the key stands twice, first in line 3; remove one of them"
    ]


END = "; mend the file; nothing of it is used"


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("a: [1, 2", f"f.yaml:1:9: this is not YAML: did not find expected ',' or ']'{END}"),
        ("a:\n\t- b", f"f.yaml:2:1: this is not YAML: found character that cannot start any token{END}"),
        (
            "é: b\nc: \x07d",
            f"f.yaml:2:4: the text has a character that YAML refuses: control characters are not allowed{END}",
        ),
        ("a: 1\n---\nb: 2", "f.yaml:2:1: the file has a second document; keep one; remove the line `---`"),
        ("[" * 500, f"f.yaml:1:{DEEPEST}: the file is nested deeper than {DEEPEST} levels{END}"),
        ("a: &a [*a]", f"f.yaml:1:4: an alias contains itself, or the file is nested too deeply{END}"),
        ("a: &a {<<: *a}", f"f.yaml:1:4: `<<` contains itself{END}"),
        ("a: {<<: 5}", f"f.yaml:1:9: `<<` takes a mapping or a list of mappings{END}"),
        ("? [a]\n: b", f"f.yaml:1:3: a list or mapping cannot be a key{END}"),
        ("a: *x", f"f.yaml:1:4: the alias `*x` names no anchor before it{END}"),
        ("a: !secret b", "f.yaml:1:4: the tag `!secret` is not understood here; remove it"),
        ("a: !!int b", "f.yaml:1:4: the tag `tag:yaml.org,2002:int` is not understood here; remove it"),
        ("a: !!set {b}", "f.yaml:1:4: the tag `tag:yaml.org,2002:set` is not understood here; remove it"),
    ],
)
def test_what_cannot_be_read_is_one_sentence_with_its_place(source: str, sentence: str) -> None:
    assert sentences(source) == [sentence]
    assert parse(source, "f.yaml").data is None


def test_what_is_nested_beyond_all_measure_is_one_sentence_too() -> None:
    """Newer parsers have a limit of their own, which they meet before they give a first event."""
    [told] = sentences("[" * 100_000)
    assert told.startswith("f.yaml:1:")
    assert "nest" in told


def bomb(item: str) -> str:
    lines = ["a0: &a0 " + item.replace("ALIAS", "1")]
    lines += [f"a{n}: &a{n} " + item.replace("ALIAS", f"*a{n - 1}") for n in range(1, 40)]
    return "\n".join(lines)


def test_aliases_that_multiply_are_cut() -> None:
    [sentence] = sentences(bomb("[ALIAS, ALIAS, ALIAS]"))
    assert sentence.endswith(f"the file has more than {MOST_VALUES} values; aliases multiply them{END}")


def test_merges_that_multiply_are_cut() -> None:
    source = "a0: &a0 {x: 1}\n" + "\n".join(
        f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}, *a{n - 1}]}}" for n in range(1, 40)
    )
    [sentence] = sentences(source)
    assert "values" in sentence


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_no_text_raises(source: str) -> None:
    parsed = parse(source, "f")
    assert parsed.data is None or not [f for f in parsed.findings if not f.path]


@given(st.text(alphabet="ab:- \n[]{}&*<,?!|>'\"#%01", max_size=60))
def test_nothing_that_looks_like_yaml_raises(source: str) -> None:
    parse(source, "f")

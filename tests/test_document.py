"""YAML is read strictly, with places, and means what Compose's reader takes it for; what is dumped is read back."""

from __future__ import annotations

import math
import time
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from devstack.document import (
    MappingNode,
    ScalarNode,
    did_you_mean,
    dump,
    float_text,
    load,
    node_of,
    plain,
    problem,
)
from devstack.errors import SpecError, Where


def read(text: str) -> Any:
    node = load(text, "f.yml")
    return None if node is None else plain(node)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("on", "on"),
        ("y", "y"),
        ("TRUE", True),
        ("Null", None),
        ("~", None),
        ("22:22", "22:22"),
        ("0777", 511),
        ("0o777", 511),
        ("-0o7", -7),
        ("0o8", "0o8"),
        ("09", 9.0),
        ("0x1F", 31),
        ("0b11", 3),
        ("1_000", 1000),
        ("_1", "_1"),
        ("+12", 12),
        (".5", 0.5),
        ("1.", 1.0),
        ("1e3", 1000.0),
        ("3.10", 3.1),
        ("1e400", "1e400"),
        ("18446744073709551615", 18446744073709551615),
        ("18446744073709551616", 18446744073709551616.0),
        ("2020-01-02", "2020-01-02T00:00:00Z"),
        ("=", "="),
        ('"12"', "12"),
        ("!!str 12", "12"),
        ('!!int "12"', 12),
        ("!!float 3", 3.0),
        (".inf", math.inf),
    ],
)
def test_scalars_mean_what_compose_takes_them_for(text: str, value: object) -> None:
    found = read(f"a: {text}")["a"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.0, "1"), (3.1, "3.1"), (123456.5, "123456.5"), (1234567.5, "1.2345675e+06"), (1e20, "1e+20"), (1e-7, "1e-07"), (0.0001, "0.0001"),
     (0.00001234, "1.234e-05"), (-0.5, "-0.5"), (100000.0, "100000")],
)  # fmt: skip
def test_numbers_as_text_are_written_as_go_writes_them(value: float, text: str) -> None:
    assert float_text(value) == text


def test_places_are_those_of_the_file() -> None:
    node = load("a:\n  - b: 1\n    c: 'x'\n", "f.yml")
    assert isinstance(node, MappingNode)
    entry = node.entry("a")
    assert entry is not None
    assert str(entry.where) == "f.yml:1:1"
    item = entry.value.items[0]  # type: ignore[union-attr]
    assert isinstance(item, MappingNode)
    quoted = item.get("c")
    assert isinstance(quoted, ScalarNode)
    assert (str(quoted.where), quoted.quoted) == ("f.yml:3:8", True)


def test_merge_keys_take_lists_and_explicit_keys_win() -> None:
    assert read("x: &x {a: 1, b: 1}\ny: &y {b: 2, c: 2}\nz: {<<: [*x, *y], c: 3}")["z"] == {"a": 1, "b": 1, "c": 3}


def test_a_quoted_merge_key_is_a_key() -> None:
    assert read('a: {"<<": 1}') == {"a": {"<<": 1}}


def test_nothing_is_none() -> None:
    assert load("", "f") is None
    assert load("# only a comment\n", "f") is None
    assert load("---\n...\n", "f") is None


def test_a_byte_order_mark_is_accepted() -> None:
    assert plain(load("\ufeffa: 1".encode(), "f") or node_of({}, Where("f"))) == {"a": 1}


def test_reset_and_override_tags_are_kept_and_others_refused() -> None:
    node = load("a: !reset []\nb: !override {c: 1}", "f")
    assert isinstance(node, MappingNode)
    assert [entry.value.tag for entry in node] == ["!reset", "!override"]
    with pytest.raises(SpecError, match=r"unknown tag !!python/object"):
        load("a: !!python/object:os.system {}", "f")


def test_all_problems_come_together() -> None:
    with pytest.raises(SpecError) as caught:
        load("a: 1\na: 2\n1: x\nb: !t 3\n", "f.yml")
    assert [str(item.where) for item in caught.value.problems] == ["f.yml:2:1", "f.yml:3:1", "f.yml:4:4"]
    assert caught.value.problems[0].excerpt == ("    2 | a: 2", "      | ^")


@pytest.mark.parametrize(
    "text",
    ["%YAML 9.9\n---\na: 1", "a: @x", 'a: "\\q"', "a: [1, 2", "a: {b", "a: 'x", "- a\nb: c", "a: |x\n y", "a: b: c", "? [a]\n: b"],
)
def test_what_is_no_yaml_has_a_place(text: str) -> None:
    with pytest.raises(SpecError) as caught:
        load(text, "f.yml")
    assert caught.value.problems[0].where.line
    assert "f.yml" not in caught.value.problems[0].message


def test_an_alias_bomb_is_refused_in_a_tenth_of_a_second() -> None:
    levels = "".join(f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 40))
    started = time.perf_counter()
    with pytest.raises(SpecError, match="more than 100,000 nodes"):
        load(f"a0: &a0 [x]\n{levels}", "f")
    assert time.perf_counter() - started < 0.1


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_deep_nesting_is_refused_within_a_second(opening: str) -> None:
    started = time.perf_counter()
    with pytest.raises(SpecError, match="nested deeper than 64"):
        load(opening * 100_000, "f")
    assert time.perf_counter() - started < 1


def test_an_excerpt_hides_what_looks_like_a_password() -> None:
    source = "db:\n  POSTGRES_PASSWORD: hunter2\n  url: x\n"
    assert problem(Where("f", 2, 3), "m", source=source).excerpt[0] == "    2 |   POSTGRES_PASSWORD: ****"
    assert problem(Where("f", 3, 3), "m", source=source).excerpt == ("    3 |   url: x", "      |   ^^^")


def test_long_lines_are_cut_round_the_place() -> None:
    lines = problem(Where("f", 1, 500), "m", source="x " * 1000).excerpt
    assert max(len(line) for line in lines) < 125
    assert lines[1].rstrip().endswith("^")


@pytest.mark.parametrize(
    ("word", "found"),
    [("enviroment", "environment"), ("imgae", "image"), ("Ports", "ports"), ("xyz", ""), ("prts", "ports"), ("commnad", "command")],
)
def test_the_nearest_word_is_suggested(word: str, found: str) -> None:
    expected = f'did you mean "{found}"?' if found else ""
    assert did_you_mean(word, ["environment", "image", "ports", "command"]) == expected


ODD_TEXTS = [
    "yes",
    "22:22",
    "0o7",
    "1_0",
    "- a",
    "a: b",
    "a #b",
    "null",
    "~",
    "2020-01-01",
    "<<",
    "=",
    " x",
    "x ",
    "%a",
    "é",
    "1e3",
    "y",
]
TEXTS = st.one_of(
    st.text(max_size=12).filter(lambda text: all(char.isprintable() or char in "\n\t\u2028\x85\xa0" for char in text)),
    st.sampled_from([*ODD_TEXTS, "\n", "a\n\nb\n", "|"]),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), st.floats(allow_nan=False, allow_infinity=False), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=12,
)


@given(VALUES.filter(lambda value: value is not None))
@settings(max_examples=400, deadline=None)
def test_what_is_dumped_is_read_back(value: Any) -> None:
    assert read(dump(value)) == value


@given(st.dictionaries(TEXTS, st.one_of(TEXTS, st.booleans(), st.none(), st.lists(TEXTS, max_size=3)), max_size=5))
@settings(max_examples=300, deadline=None)
def test_what_is_dumped_means_the_same_in_yaml_1_1(value: Any) -> None:
    assert (yaml.safe_load(dump(value)) or {}) == value

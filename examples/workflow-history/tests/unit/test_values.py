"""What JSON can be stored, and how messages are made printable."""

from typing import Any

import pytest

from server.values import DEEPEST, MOST_BYTES, kind_of, printable, shown, trouble_with


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth - 1):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value", [None, True, 1, 1.5, "ü", "\U0001f600", [], {"a": [1]}, nested(DEEPEST), 10**999]
)
def test_ordinary_json_can_be_stored(value: Any) -> None:
    assert trouble_with(value) is None


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("a\0b", "NUL"),
        ({"a\0": 1}, "NUL"),
        ([["\ud800"]], "surrogate"),
        ({"\udfff": 1}, "surrogate"),
        (float("inf"), "inf is no JSON number"),
        ([float("nan")], "nan is no JSON number"),
        (nested(DEEPEST + 1), f"more than {DEEPEST} deep"),
        (10**1000, "more than 1000 digits"),
        ("x" * MOST_BYTES, f"{MOST_BYTES} is the most"),
        (MOST_BYTES // 2 * "ü", f"{MOST_BYTES} is the most"),
    ],
)
def test_what_postgresql_cannot_store_is_refused_by_its_reason(value: Any, said: str) -> None:
    assert said in (trouble_with(value) or "")


def test_a_message_is_printable_whatever_is_in_it() -> None:
    assert printable("a\0b\ud800") == "a\ufffdb?"
    assert len(printable("x" * 5000)) == 2003


def test_values_are_shown_as_text() -> None:
    assert [shown(one) for one in ("a", 1, None, {"ü": [True]})] == [
        "a",
        "1",
        "null",
        '{"ü": [true]}',
    ]


def test_kinds_have_the_names_of_json() -> None:
    values: tuple[Any, ...] = (None, True, 1, 1.5, "a", [], {})
    assert [kind_of(one) for one in values] == [
        "null", "a boolean", "a number", "a number", "text", "an array", "an object",
    ]  # fmt: skip

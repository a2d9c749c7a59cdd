"""Variables of a document: replaced, required, listed; each problem at its own character."""

from __future__ import annotations

import pytest

from devstack.compose.interpolate import interpolate, variables
from devstack.document import load, plain
from devstack.errors import SpecError

VALUES = {"A": "aa", "EMPTY": ""}


def expanded(text: str) -> object:
    node = load(f"v: {text}", "f.yml")
    assert node is not None
    return plain(interpolate(node, VALUES, warn=lambda _: None))["v"]  # type: ignore[index,call-overload]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'$A-b'", "aa-b"),
        ("'${EMPTY-d}${EMPTY:-d}${NO-d}'", "dd"),
        ("'${A+y}${NO+y}${EMPTY:+y}'", "y"),
        ("'${NO:-${NO2:-${A}}}'", "aa"),
        ("'$$A $${A} $ $1 ^x$'", "$A ${A} $ $1 ^x$"),
        ("'${NO:-{\"a\":1}}'", '{"a":1}'),
        ("'${NO:-a}b}'", "ab}"),
        ("'${A:-${NO:?never asked}}'", "aa"),
        ("5", 5),
    ],
)
def test_every_form_expands(text: str, value: object) -> None:
    assert expanded(text) == value


def test_all_missing_variables_are_problems_at_their_own_character() -> None:
    node = load("a: x${ONE:?first}y${TWO?}\nb: ['${ THREE}']\n", "f.yml")
    assert node is not None
    with pytest.raises(SpecError) as caught:
        interpolate(node, {}, warn=lambda _: None)
    assert [str(problem) for problem in caught.value.problems] == [
        "f.yml:1:5: a: required variable ONE is not set: first",
        "f.yml:1:19: a: required variable TWO is not set",
        "f.yml:2:6: b[0]: ${ THREE} is not a variable: write ${NAME}, or $$ for a dollar sign",
    ]


def test_unset_variables_are_warned_of() -> None:
    node = load("a: $NO ${NO} ${YES:-}", "f.yml")
    said: list[str] = []
    assert node is not None
    interpolate(node, {}, warn=said.append)
    assert set(said) == {'The "NO" variable is not set. Defaulting to a blank string.'}


def test_variables_are_listed_with_defaults_and_requirements() -> None:
    node = load("a: $A ${B:-${C:-c}} ${D:?x} ${E+alt}\nb: ${A:-late}\n", "f.yml")
    assert node is not None
    found = {item.name: (item.default, item.required, item.alternative) for item in variables(node)}
    assert found == {
        "A": ("late", False, None),
        "B": ("${C:-c}", False, None),
        "C": ("c", False, None),
        "D": (None, True, None),
        "E": (None, False, "alt"),
    }

"""`config --no-interpolate` and the lists of `config` equal those of Compose for every document of the corpus, or the difference is listed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from devstack.cli.configuring import LISTS
from devstack.compose.load import load
from devstack.compose.model import Json
from devstack.compose.raw import Raw, read_raw
from devstack.compose.uninterpolated import uninterpolated
from devstack.errors import SpecError
from tests.compose.cases import Case, cases, placeholders, stored
from tests.compose.test_corpus import DIFFERENCES as OF_MODELS
from tests.compose.test_corpus import differing

ANSWERS = stored()
CASES = list(cases())
DIFFERENCES: dict[str, str] = json.loads((Path(__file__).parent / "differences_uninterpolated.json").read_text())
SAMPLED = [case for case in CASES if case.is_sampled]


def uninterpolated_model(case: Case, folder: Path) -> dict[str, Any]:
    try:
        model = uninterpolated(read_raw(case.sources(folder)))
    except SpecError as error:
        assert all(problem.where.file for problem in error.problems)
        return {"refused": "; ".join(str(problem) for problem in error.problems)}
    return {"model": placeholders(json.loads(json.dumps(model)), folder)}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_model_with_its_variables_left_standing_equals_that_of_compose(case: Case, tmp_path: Path) -> None:
    found = differing(uninterpolated_model(case, case.place(tmp_path)), ANSWERS[case.name]["uninterpolated"])
    if case.name in DIFFERENCES:
        assert found, f"no longer differs; remove it from differences_uninterpolated.json ({DIFFERENCES[case.name]})"
    else:
        assert not found, found


@pytest.mark.parametrize("case", SAMPLED, ids=lambda case: case.name)
def test_the_lists_equal_those_of_compose(case: Case, tmp_path: Path) -> None:
    theirs = {name: lines for name, lines in ANSWERS[case.name]["lists"].items() if name != "variables"}
    try:
        stack = load(case.sources(case.place(tmp_path)))
        mine: dict[str, list[str] | None] = {name: sorted(LISTS[name](stack)) for name in theirs}
    except SpecError:
        mine = dict.fromkeys(theirs)
    if case.name not in OF_MODELS:
        assert mine == theirs


@pytest.mark.parametrize("case", SAMPLED, ids=lambda case: case.name)
def test_every_variable_that_compose_lists_is_listed(case: Case, tmp_path: Path) -> None:
    theirs = ANSWERS[case.name]["lists"]["variables"]
    if theirs is None:
        return
    try:
        raw = read_raw(case.sources(case.place(tmp_path)))
    except SpecError:
        assert not theirs or case.name in DIFFERENCES
        return
    mine = {variable["Name"]: variable for variable in _variables(raw)}
    # Of an unfinished "${" Compose makes a variable without a name.
    assert mine.keys() >= theirs.keys() - {""}
    # Where a name stands more than once, Compose takes whichever it comes upon last; devstack the first that says most.
    text = "".join(path.read_text() for path in raw_files(case, tmp_path))
    once = [name for name in theirs if text.count(f"${name}") + text.count(f"${{{name}") == 1]
    assert {name: mine[name] for name in once} == {name: theirs[name] for name in once}


def raw_files(case: Case, tmp_path: Path) -> list[Path]:
    return sorted(case.place(tmp_path).rglob("*.yaml"))


def _variables(raw: Raw) -> list[dict[str, Json]]:
    from devstack.cli.configuring import variable_rows

    return list(variable_rows(raw).values())


def test_every_listed_difference_is_of_a_document() -> None:
    assert DIFFERENCES.keys() <= {case.name for case in CASES}
    assert len([case for case in CASES if "$" in json.dumps(ANSWERS[case.name]["uninterpolated"])]) >= 40

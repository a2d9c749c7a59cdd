"""The canonical model and the hashes equal those of Compose for every document of the corpus, or the difference is listed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from devstack.compose.hash import service_hash
from devstack.compose.load import load
from devstack.errors import SpecError
from tests.compose.cases import Case, cases, compose_is_there, placeholders, stored
from tests.compose.record import answers
from tests.conftest import absent

ANSWERS = stored()
CASES = list(cases())
DIFFERENCES: dict[str, str] = json.loads((Path(__file__).parent / "differences.json").read_text())


def ours(case: Case, folder: Path) -> dict[str, Any]:
    try:
        stack = load(case.sources(folder))
    except SpecError as error:
        assert all(problem.where.file for problem in error.problems)
        return {"refused": "; ".join(str(problem) for problem in error.problems)}
    return {
        "model": placeholders(json.loads(json.dumps(stack.canonical)), folder),
        "hashes": {name: service_hash(service.canonical) for name, service in stack.services.items()},
    }


def difference(case: Case, folder: Path) -> str:
    """What differs from Compose's answer, "" when nothing does."""
    mine, theirs = ours(case, folder), ANSWERS[case.name]
    if found := differing(mine, theirs):
        return found
    if "hashes" in theirs and mine["hashes"] != theirs["hashes"]:
        return "hashes: " + ", ".join(name for name, value in mine["hashes"].items() if theirs["hashes"].get(name) != value)
    return ""


def differing(mine: dict[str, Any], theirs: dict[str, Any]) -> str:
    """What differs between two answers, each a "model" or "refused"; "" when nothing does."""
    if "refused" in mine or "refused" in theirs:
        if "refused" in mine and "refused" in theirs:
            return ""
        return f"devstack: {mine.get('refused', 'accepts')}\nCompose: {theirs.get('refused', 'accepts')}"
    if mine["model"] != theirs["model"]:
        return "\n".join(_paths(mine["model"], theirs["model"], "")) or "a key without a value is there on one side only"
    return ""


def _paths(mine: Any, theirs: Any, path: str) -> list[str]:
    if isinstance(mine, dict) and isinstance(theirs, dict):
        return [
            line for key in sorted(mine.keys() | theirs.keys()) for line in _paths(mine.get(key), theirs.get(key), f"{path}.{key}")
        ]
    return [] if mine == theirs else [f"{path}: devstack {mine!r}, Compose {theirs!r}"]


def test_the_corpus_has_at_least_three_hundred_documents() -> None:
    assert len(CASES) >= 300
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_model_and_hashes_equal_those_of_compose(case: Case, tmp_path: Path) -> None:
    found = difference(case, case.place(tmp_path))
    if case.name in DIFFERENCES:
        assert found, f"no longer differs; remove it from differences.json ({DIFFERENCES[case.name]})"
    else:
        assert not found, found


def test_every_listed_difference_is_of_a_document() -> None:
    assert DIFFERENCES.keys() <= {case.name for case in CASES}


def test_stored_answers_are_those_of_the_compose_binary(tmp_path: Path) -> None:
    if not compose_is_there():
        absent("docker compose 2.40 is not there")
    fresh = {name: answer for name, (_, answer) in answers(tmp_path).items()}
    changed = [name for name, answer in fresh.items() if _comparable(answer) != _comparable(ANSWERS.get(name, {}))]
    assert not changed


def _comparable(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer without the wording of a refusal, which is not ours to promise, and without the variables, of which Compose gives
    now one use and now another."""
    raw = answer.get("uninterpolated", {})
    lists = {name: lines for name, lines in answer.get("lists", {}).items() if name != "variables"}
    plain = {"refused": True} if "refused" in answer else {"model": answer.get("model"), "hashes": answer.get("hashes")}
    return {**plain, "uninterpolated": {"refused": True} if "refused" in raw else raw, "lists": lists}

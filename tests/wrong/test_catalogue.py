"""Whatever is wrong, a person is told where and what to do, with the right exit code, on one screen, at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.wrong.catalogue import CATALOGUE, Wrong
from tests.wrong.command import Said, say

LINES = 30
"""Lines of an error that still fit a screen."""


def lay_out(wrong: Wrong, folder: Path) -> None:
    for name, text in wrong.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())


def told(wrong: Wrong, tmp_path: Path, *more: str) -> Said:
    folder, outputs = tmp_path / "project", tmp_path / "outputs"
    folder.mkdir()
    outputs.mkdir()
    lay_out(wrong, folder)
    before = sorted(folder.rglob("*"))
    said = say((*wrong.arguments, *more), folder, outputs, **wrong.environment)
    assert sorted(folder.rglob("*")) == before, "something was written"
    assert "Traceback" not in said.out + said.err and "[bug]" not in said.out + said.err, said
    return said


def test_the_catalogue_is_long_enough_to_mean_something() -> None:
    assert len(CATALOGUE) >= 60


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_mistake_is_told_with_its_place_and_its_remedy(name: str, tmp_path: Path) -> None:
    wrong = CATALOGUE[name]
    said = told(wrong, tmp_path)
    assert said.code == wrong.code, said
    assert said.out == "", said
    assert wrong.place in said.err, said
    assert all(word in said.err for word in wrong.words), said
    assert len(said.err.splitlines()) <= LINES, said


@pytest.mark.parametrize("name", [name for name, wrong in CATALOGUE.items() if wrong.arguments == ("spec",)])
def test_a_mistake_in_a_file_is_told_as_data_too(name: str, tmp_path: Path) -> None:
    wrong = CATALOGUE[name]
    said = told(wrong, tmp_path, "--json")
    document = json.loads(said.out)
    assert document["ok"] is False and document["error"]["exit"] == said.code == wrong.code
    assert any(problem["where"].startswith(wrong.place) for problem in document["error"]["problems"])


def test_all_problems_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    text = "nmae: shop\nservices:\n  db: {kind: postgres, prot: 1}\n  app: {kind: fastapi, depends_on: [cache]}\nverify: {startup: soon}\n"
    said = told(Wrong({"devstack.yml": text}, "", ()), tmp_path)
    assert said.code == 2
    lines = [line for line in said.err.splitlines() if line.startswith("error: devstack.yml:")]
    assert {line.split(":")[2] for line in lines} >= {"1", "3", "4", "5"}
    assert "problems" in said.err

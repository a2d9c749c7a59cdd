"""What Compose's loader finds in the rendered file is told in devstack.yml."""

from __future__ import annotations

from pathlib import Path

import pytest

from devstack.compose.load import Sources, load
from devstack.errors import SpecError
from devstack.render.origin import at_origin
from devstack.spec.load import load_spec
from tests.render.shop import rendered

CASES = [
    ("services:\n  db: {kind: postgres, networks: [inner]}\n", "2:", "inner"),
    ("services:\n  a:\n    image: a\n    networks:\n      inner:\n", "4:", "inner"),
    ("services:\n  a:\n    image: a\n    secrets: [token]\n", "4:", "token"),
    ("services:\n  a: {image: '${NO_SUCH:?say which}'}\n", "2:", "NO_SUCH"),
]


@pytest.mark.parametrize(("text", "place", "word"), CASES)
def test_a_problem_of_the_rendered_file_is_told_in_the_spec(
    text: str, place: str, word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = rendered(tmp_path, text)
    texts = {file.path: file.text for file in result.files}
    with pytest.raises(SpecError) as caught:
        load(Sources(files=result.compose_files, directory=tmp_path, environment={"DB_PASSWORD": "x"}, texts=texts))
    moved = at_origin(caught.value, load_spec(tmp_path / "devstack.yml", {}))
    first = moved.problems[0]
    assert str(first.where).startswith(f"devstack.yml:{place}"), str(first)
    assert word in str(first)
    assert first.excerpt


def test_a_problem_of_an_adopted_file_stays_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "compose.yaml").write_text("services:\n  a: {image: a, networks: [inner]}\n")
    result = rendered(tmp_path, "compose: [compose.yaml]\n")
    with pytest.raises(SpecError) as caught:
        load(Sources(files=result.compose_files, directory=tmp_path, environment={}))
    moved = at_origin(caught.value, load_spec(tmp_path / "devstack.yml", {}))
    assert [problem.where.file for problem in moved.problems] == [problem.where.file for problem in caught.value.problems]

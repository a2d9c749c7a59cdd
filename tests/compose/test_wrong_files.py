"""Every wrong file gives an error with its place and words that help; never a traceback, never a value of an env file."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest

from devstack.compose.load import Sources, load
from devstack.document import load as load_document
from devstack.document import plain
from devstack.errors import SpecError

TABLE = Path(__file__).parent / "wrong_files.yaml"
WRONG: Any = plain(load_document(TABLE.read_text(), TABLE.name) or pytest.fail("no table"))


def problems_of(folder: Path, text: str) -> SpecError:
    (folder / "compose.yaml").write_text(text)
    with pytest.raises(SpecError) as caught:
        load(Sources(files=(folder / "compose.yaml",), directory=folder, environment={}))
    return caught.value


def test_there_are_more_than_a_hundred_wrong_files() -> None:
    assert len(WRONG) > 100


@pytest.mark.parametrize("case", WRONG, ids=lambda case: case["name"])
def test_wrong_file_is_refused_with_its_place(case: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in case.get("files", {}).items():
        (tmp_path / name).write_text(text)
    error = problems_of(tmp_path, case["text"])
    said = [str(problem) for problem in error.problems]
    file = case.get("file", "compose.yaml")
    for expected in case["problems"]:
        place = re.match(r"(\d+:\d+) (.*)", expected)
        starts, words = (f"{file}:{place[1]}: ", place[2]) if place else (file, expected)
        assert any(line.startswith(starts) and words in line for line in said), f"{expected!r} not in:\n" + "\n".join(said)
    assert "secretvalue" not in "".join(said + [line for problem in error.problems for line in problem.excerpt])


def test_every_problem_with_a_place_shows_its_line(tmp_path: Path) -> None:
    error = problems_of(tmp_path, "services:\n  a:\n    image: x\n    restrt: always\n")
    assert error.problems[0].excerpt == ("    4 |     restrt: always", "      |     ^^^^^^")


def test_a_password_is_not_shown_in_an_excerpt(tmp_path: Path) -> None:
    error = problems_of(tmp_path, "services:\n  a:\n    image: x\n    environment: [{DB_PASSWORD: hunter2}]\n")
    assert "hunter2" not in str(error) + "".join(error.problems[0].excerpt)


def test_problems_of_several_files_come_together_in_order(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("services:\n  a: {image: 1}\n")
    (tmp_path / "b.yaml").write_text("services:\n  a: {imge: x}\n  b: {image: y, tty: perhaps}\n")
    with pytest.raises(SpecError) as caught:
        load(Sources(files=(tmp_path / "a.yaml", tmp_path / "b.yaml"), directory=tmp_path, environment={}))
    assert [(Path(p.where.file).name, p.where.line) for p in caught.value.problems] == [("a.yaml", 2), ("b.yaml", 2), ("b.yaml", 3)]


def test_an_alias_bomb_is_refused_at_once(tmp_path: Path) -> None:
    levels = "".join(f"x-{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 30))
    (tmp_path / "compose.yaml").write_text(f"x-0: &a0 [x, x]\n{levels}services: {{a: {{image: x}}}}\n")
    started = time.perf_counter()
    with pytest.raises(SpecError, match="more than 100,000 nodes"):
        load(Sources(files=(tmp_path / "compose.yaml",), directory=tmp_path, environment={}))
    assert time.perf_counter() - started < 0.1


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    assert "nested deeper than 64" in str(problems_of(tmp_path, f"services: {'[' * 5000}"))


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    for path, words in (
        (tmp_path, "is a folder"),
        (tmp_path / "no.yaml", "no such file"),
        (Path("/dev/zero"), "not a regular file"),
    ):
        with pytest.raises(SpecError, match=words):
            load(Sources(files=(path,), directory=tmp_path, environment={}))


def test_a_file_above_five_mebibytes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_bytes(b"#" * (5 * 1024 * 1024 + 1))
    with pytest.raises(SpecError, match="larger than 5 MiB"):
        load(Sources(files=(tmp_path / "compose.yaml",), directory=tmp_path, environment={}))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"services:\n  a: {image: caf\xe9}\n", "2:17: not UTF-8 at byte 26 (0xE9): looks like Latin-1"),
        ("services: {}".encode("utf-16"), "looks like UTF-16"),
        (b'services: {a: {image: "x\x00"}}', "a NUL character at byte 24"),
        (b'services: {a: {image: "x\x1b[0m"}}', "the control character U+001B"),
        ("services: {a\u202e: {image: x}}".encode(), "the invisible character U+202E"),
    ],
)
def test_bytes_that_are_no_text_are_named(data: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_bytes(data)
    with pytest.raises(SpecError) as caught:
        load(Sources(files=(tmp_path / "compose.yaml",), directory=tmp_path, environment={}))
    assert words in str(caught.value)


@pytest.mark.parametrize(("name", "words"), [("UPPER", '"upper" would do'), ("_x", '"x" would do'), ("a b", "-p")])
def test_a_wrong_project_name_is_refused(name: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("services: {a: {image: x}}\n")
    with pytest.raises(SpecError, match=words):
        load(Sources(files=(tmp_path / "compose.yaml",), directory=tmp_path, environment={}, name=name))

"""Right files with one mistake in them: devstack never breaks off, and what it refuses it refuses with a place."""

from __future__ import annotations

import os
import random
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devstack.compose.load import Sources, load
from devstack.errors import SpecError
from tests import warm
from tests.compose.cases import CORPUS, compose_is_there, compose_program, documents, stored
from tests.compose.mutations import MUTATIONS, RIGHT_ENV, wrong_env
from tests.conftest import absent

ANSWERS = stored()
RIGHT = [
    text
    for path in sorted(CORPUS.glob("*.yaml"))
    for title, text in documents(path.read_text())
    if "model" in ANSWERS[f"{path.stem}: {title}"]
]
SERVICE = "services: {a: {image: x, env_file: [a.env]}}\n"
# What is wrong with a file as a whole has no line.
WHOLE = re.compile(r"is empty|no such file|UTF-16|larger than|no service|makes no project name")


def refusal(folder: Path, data: bytes, name: str = "compose.yaml") -> SpecError | None:
    """What is wrong with the project once `name` holds `data`; None when nothing is."""
    (folder / "compose.yaml").write_text(SERVICE if name == "a.env" else "services: {a: {image: x}}\n")
    (folder / name).write_bytes(data)
    try:
        load(Sources(files=(folder / "compose.yaml",), directory=folder, environment={"HOME": "/h"}))
    except SpecError as error:
        return error
    return None


def outcomes(error: SpecError) -> Iterator[str]:
    """Each problem without the names and numbers of its file; every one of them has a place."""
    assert error.problems
    for problem in error.problems:
        assert problem.where.file
        assert problem.where.line or WHOLE.search(problem.message), str(problem)
        assert problem.message
        yield re.sub(r"'[^']*'|\"[^\"]*\"|[0-9]+|/\S+", "_", problem.message)


def test_right_files_with_a_mistake_are_refused_with_the_place(tmp_path: Path) -> None:
    wrong: set[bytes] = set()
    kinds: set[tuple[str, str]] = set()

    @given(text=st.sampled_from(RIGHT), name=st.sampled_from(sorted(MUTATIONS)), seed=st.integers(0, 2**32))
    @settings(max_examples=900, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    def mistaken(text: str, name: str, seed: int) -> None:
        data = MUTATIONS[name](text, random.Random(seed))
        error = refusal(tmp_path, data)
        if error is not None:
            wrong.add(data)
            kinds.update((name, said) for said in outcomes(error))

    mistaken()
    assert len(wrong) >= 300
    assert len({said for _, said in kinds}) >= 70
    assert {name for name, _ in kinds} == MUTATIONS.keys()


@pytest.mark.parametrize("name", ["a.env", ".env"])
def test_right_env_files_with_a_mistake_are_refused_with_the_place(name: str, tmp_path: Path) -> None:
    wrong: set[bytes] = set()
    kinds: set[str] = set()

    @given(seed=st.integers(0, 2**32))
    @settings(max_examples=200, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    def mistaken(seed: int) -> None:
        data = wrong_env(RIGHT_ENV, random.Random(seed))
        error = refusal(tmp_path, data, name)
        if error is not None:
            assert all(problem.where.file.endswith(name) for problem in error.problems)
            wrong.add(data)
            kinds.update(outcomes(error))

    mistaken()
    assert len(wrong) >= 40
    assert len(kinds) >= 8


@pytest.mark.parametrize("name", sorted(MUTATIONS))
def test_the_command_line_says_the_place_and_ends_with_two(name: str, tmp_path: Path) -> None:
    data = next(data for data in mutants(name) if refusal(tmp_path, data) is not None)
    refusal(tmp_path, data)
    ended = warm.run(["config", "-q"], cwd=tmp_path, env=os.environ, timeout=60)
    assert ended.returncode == 2, ended.stderr
    assert "Traceback" not in ended.stderr
    assert "devstack itself failed" not in ended.stderr
    assert re.search(r"compose\.yaml(:\d+|: )", ended.stderr), ended.stderr


def mutants(name: str) -> Iterator[bytes]:
    chance = random.Random(name)
    while True:
        yield MUTATIONS[name](chance.choice(RIGHT), chance)


# What devstack refuses and Compose 2.40 takes, on purpose: it would do something else than what was written, or fail later.
STRICTER = re.compile(
    r"a key must be text|already defined|control character|invisible character|git conflict|unknown tag|nested deeper"
    r"|not UTF-8|one document is expected|incompatible YAML|is no (?:size|duration)|no such file| in an include"
)


def test_what_devstack_refuses_compose_refuses_too(tmp_path: Path) -> None:
    if not compose_is_there():
        absent("docker compose 2.40 is not there")
    taken: list[str] = []
    for name in sorted(MUTATIONS):
        stream = mutants(name)
        for _ in range(6):
            data = next(stream)
            error = refusal(tmp_path, data)
            asked = subprocess.run(
                [*compose_program(), "config", "-q"],
                cwd=tmp_path,
                env={**os.environ, "GOGC": "off"},
                capture_output=True,
                timeout=60,
            )
            if error is not None and asked.returncode == 0 and not all(STRICTER.search(p.message) for p in error.problems):
                taken.append(f"{name}: {error}\n{data.decode(errors='replace')}")
    assert not taken, "\n".join(taken)

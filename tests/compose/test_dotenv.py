"""Env files: read as Compose reads them, written so that Compose, devstack and sh read them back, edited without loss."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devstack.compose.dotenv import EnvFile, parse, parse_raw, quote
from devstack.errors import SpecError

VALUES = st.text(alphabet=st.sampled_from(list("aB9 \t\n\r\"'$\\#`{}=%!*~;&|é日")), max_size=12)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("K=v", {"K": "v"}),
        ("K = v ", {"K": "v"}),
        ("K: v", {"K": "v"}),
        ("export K=v", {"K": "v"}),
        ("\ufeffK=v\r\nL=w\r\n", {"K": "v", "L": "w"}),
        ("K=a # c\nL=a#c\nM=\n", {"K": "a", "L": "a#c", "M": ""}),
        ("K='$A #' # c", {"K": "$A #"}),
        ('K="a\\nb\\"\\$A"', {"K": 'a\nb"$A'}),
        ("K='a\nb'\nL=1", {"K": "a\nb", "L": "1"}),
        ("K=${U:-d}\nL=$K$K", {"K": "d", "L": "dd"}),
        ("A=1\nB=$A", {"A": "1", "B": "shell"}),
        ("A\nNOPE\n", {"A": "shell", "NOPE": None}),
        ("K=1\nK=2", {"K": "2"}),
        ("# only\n\n", {}),
    ],
)
def test_values_are_read_as_compose_reads_them(text: str, expected: dict[str, str | None]) -> None:
    assert parse(text, ".env", {"A": "shell"}.get) == expected


def test_earlier_files_come_after_the_file_itself() -> None:
    assert parse("K=$L$M\nL=own\nN=$L", ".env", defaults={"L": "before", "M": "m"}) == {"K": "beforem", "L": "own", "N": "own"}


def test_raw_files_are_taken_as_they_stand() -> None:
    assert parse_raw('A="x y" # no\nB=$A\n', "r.env") == {"A": '"x y" # no', "B": "$A"}


@given(VALUES)
@settings(max_examples=300)
def test_a_quoted_value_is_read_back(value: str) -> None:
    assert parse(f"K={quote(value)}\nL=1\n", ".env") == {"K": value, "L": "1"}


@given(VALUES.filter(lambda value: not ("`" in value and quote(value).startswith('"'))))
@settings(max_examples=40, deadline=None)
def test_a_quoted_value_is_read_back_by_sh(value: str) -> None:
    script = f"K={quote(value)}\nprintf '%s.' \"$K\""
    done = subprocess.run(["sh", "-c", script], capture_output=True, check=True)
    assert done.stdout.decode() == f"{value}."


def test_every_problem_is_reported_and_no_value() -> None:
    with pytest.raises(SpecError) as caught:
        parse("A B=hidden\n=hidden\nok=1\nC='hidden", ".env")
    assert [problem.where.line for problem in caught.value.problems] == [1, 2, 4]
    assert "hidden" not in "".join(str(problem) for problem in caught.value.problems)


def test_editing_keeps_everything_else() -> None:
    text = "# mine\nA=1 # one\n\nexport B='two'\nODD: x\n"
    env = EnvFile(text)
    env.set("B", "it's $2")
    assert env.text() == text.replace("export B='two'", 'B="it\'s \\$2"')
    assert env.get("A") == "1"
    env.append({"A": "other", "C": "3 4"}, "made by devstack")
    assert env.text().endswith("ODD: x\n# made by devstack\nC='3 4'\n")
    env.remove("ODD")
    assert "ODD" not in env
    assert env.values() == {"A": "1", "B": "it's $2", "C": "3 4"}


def test_appending_what_is_there_changes_nothing() -> None:
    env = EnvFile("A=1")
    env.append({"A": "2"}, "comment")
    assert env.text() == "A=1"


def test_an_env_file_with_mistakes_is_not_edited(tmp_path: Path) -> None:
    with pytest.raises(SpecError):
        EnvFile("A='open\n", str(tmp_path / ".env"))

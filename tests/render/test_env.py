"""`.env` is edited, never rewritten."""

from __future__ import annotations

import re
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devstack.compose.dotenv import EnvFile
from devstack.render.env import new_password
from devstack.render.render import render, write
from devstack.spec.load import load_spec
from tests.render.shop import rendered, text_of

POSTGRES = "name: shop\nservices: {db: {kind: postgres}}\n"
LINE = st.one_of(
    st.from_regex(r"\A#[^\x00-\x1f\x7f-\x9f\u2028\u2029]{0,20}\Z"),
    st.just(""),
    st.from_regex(r"\A(?:export )?[A-Z][A-Z0-9_]{0,8} ?= ?[a-zA-Z0-9./:@-]{0,12}(?: # note)?\Z"),
    st.from_regex(r"\A[A-Z]{1,6}='[^'\x00-\x1f\\\x7f-\x9f\u2028\u2029]{0,12}'\Z"),
    st.from_regex(r'\A[A-Z]{1,6}="(?:[a-z $]|\\"){0,8}"\Z').filter(lambda text: "$" not in text),
)


def test_what_a_person_wrote_stays_as_it_is(tmp_path: Path) -> None:
    own = "# mine\nexport A=1   # why\n\nDB_PASSWORD=kept\nB='two # three'\n"
    (tmp_path / ".env").write_text(own)
    text = text_of(rendered(tmp_path, POSTGRES), "env")
    assert text.startswith(own)
    assert EnvFile(text).get("DB_PASSWORD") == "kept"
    assert EnvFile(text).get("COMPOSE_PROJECT_NAME") == "shop"


@settings(max_examples=60, deadline=None)
@given(st.lists(LINE, max_size=8))
def test_no_line_is_lost_or_changed(lines: list[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        own = "".join(f"{line}\n" for line in lines)
        (folder / ".env").write_text(own)
        before = EnvFile(own).values()
        text = text_of(rendered(folder, POSTGRES), "env")
        assert text.startswith(own)
        after = EnvFile(text).values()
        assert {key: after[key] for key in before} == before


@settings(max_examples=80, deadline=None)
@given(st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=30))
def test_settings_come_back_as_they_were_given(value: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        assert EnvFile(text_of(rendered(folder, POSTGRES, {"MINE": value}), "env")).get("MINE") == value


def test_only_settings_change_what_is_there(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("COMPOSE_PROJECT_NAME=old\nDB_PORT=1 # mine\nDB_PASSWORD=kept\n")
    values = EnvFile(text_of(rendered(tmp_path, POSTGRES, {"DB_PORT": "2"}, project="new"), "env")).values()
    assert values == {"COMPOSE_PROJECT_NAME": "new", "DB_PORT": "2", "DB_PASSWORD": "kept"}


def test_an_empty_password_is_made(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DB_PASSWORD=\n")
    result = rendered(tmp_path, POSTGRES)
    assert result.new_secrets == 1
    assert EnvFile(text_of(result, "env")).get("DB_PASSWORD") == "password1"


def test_passwords_are_long_and_plain_and_never_twice_the_same() -> None:
    made = {new_password() for _ in range(200)}
    assert len(made) == 200
    assert all(re.fullmatch(r"[A-Za-z0-9]{24,}", password) for password in made)


def test_two_projects_have_different_passwords(tmp_path: Path) -> None:
    found = set()
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "devstack.yml").write_text(POSTGRES)
        found.update(render(load_spec(folder / "devstack.yml", {}), project=name).secrets)
    assert len(found) == 2


def test_sh_reads_what_is_written(tmp_path: Path) -> None:
    value = "a b'c\"d$e#f\\g"
    write(rendered(tmp_path, POSTGRES, {"MINE": value}))
    read = subprocess.run(["sh", "-c", '. ./.env; printf %s "$MINE"'], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert read.stdout == value


def test_the_env_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    write(rendered(tmp_path, POSTGRES))
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600


def test_an_env_file_that_others_can_read_is_closed(tmp_path: Path) -> None:
    write(rendered(tmp_path, POSTGRES))
    (tmp_path / ".env").chmod(0o644)
    states = {item.path.name: item.state for item in write(rendered(tmp_path, POSTGRES))}
    assert states[".env"] == "written"
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600


def test_the_example_lists_every_variable_and_no_secret(tmp_path: Path) -> None:
    text = text_of(rendered(tmp_path, POSTGRES), "env-example")
    assert "\nDB_PASSWORD=\n" in text
    assert "# DB_PORT=5432" in text
    assert "password1" not in text


def test_an_example_of_somebodys_own_gets_only_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / ".env.example").write_text("# ours\nAPI_KEY=\n")
    assert text_of(rendered(tmp_path, POSTGRES), "env-example") == "# ours\nAPI_KEY=\n# Used by devstack\nDB_PASSWORD=\n"


@pytest.mark.parametrize("content", ["\ufeffA=1\n", "A=1"])
def test_odd_files_are_kept_readable(content: str, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(content)
    assert EnvFile(text_of(rendered(tmp_path, POSTGRES), "env")).get("A") == "1"

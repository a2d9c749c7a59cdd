"""Files are found, and variables read, where `docker compose` finds and reads them."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from devstack.compose.load import Sources, discover, load
from devstack.errors import SpecError

SERVICE = 'services: {a: {image: x, environment: {V: "${V-unset}", W: "${W-unset}"}}}\n'


def write(folder: Path, *names: str, text: str = SERVICE) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_text(text)


def names(sources: Sources | None) -> list[str]:
    return [] if sources is None else [path.name for path in sources.files]


def test_the_first_of_the_four_names_is_used_with_the_first_override(tmp_path: Path) -> None:
    write(tmp_path, "docker-compose.yaml", "docker-compose.yml", "docker-compose.override.yaml")
    assert names(discover(tmp_path, {})) == ["docker-compose.yml", "docker-compose.override.yaml"]
    write(tmp_path, "compose.yml", "compose.override.yaml", "compose.override.yml")
    assert names(discover(tmp_path, {})) == ["compose.yml", "compose.override.yml"]
    write(tmp_path, "compose.yaml")
    assert names(discover(tmp_path, {})) == ["compose.yaml", "compose.override.yml"]


def test_an_override_alone_is_no_project(tmp_path: Path) -> None:
    write(tmp_path, "compose.override.yml")
    found = discover(tmp_path, {})
    assert found is None or tmp_path not in [path.parent for path in found.files]


def test_folders_above_are_searched(tmp_path: Path) -> None:
    write(tmp_path, "compose.yaml")
    (tmp_path / "a" / "b").mkdir(parents=True)
    found = discover(tmp_path / "a" / "b", {})
    assert found is not None
    assert found.directory == tmp_path


def test_compose_file_names_the_files_and_the_first_gives_the_folder(tmp_path: Path) -> None:
    write(tmp_path / "one", "c.yaml")
    write(tmp_path, "two.yaml", "compose.yaml")
    found = discover(tmp_path, {"COMPOSE_FILE": "one/c.yaml:two.yaml"})
    assert names(found) == ["c.yaml", "two.yaml"]
    assert found is not None
    assert found.directory == tmp_path / "one"
    assert names(discover(tmp_path, {"COMPOSE_FILE": "one/c.yaml,two.yaml", "COMPOSE_PATH_SEPARATOR": ","})) == [
        "c.yaml",
        "two.yaml",
    ]


def test_compose_file_may_stand_in_dotenv(tmp_path: Path) -> None:
    write(tmp_path, "two.yaml", "compose.yaml")
    (tmp_path / ".env").write_text("COMPOSE_FILE=two.yaml\n")
    assert names(discover(tmp_path, {})) == ["two.yaml"]


def test_a_missing_file_of_compose_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"nope\.yaml: no such file \(COMPOSE_FILE names it\)"):
        discover(tmp_path, {"COMPOSE_FILE": "nope.yaml"})


def test_dotenv_of_the_folder_one_stands_in_wins_over_the_projects(tmp_path: Path) -> None:
    write(tmp_path, "compose.yaml")
    (tmp_path / ".env").write_text("V=project\nW=project\n")
    write(tmp_path / "sub", ".env", text="V=here\n")
    found = discover(tmp_path / "sub", {})
    assert found is not None
    assert load(found).services["a"].environment == {"V": "here", "W": "project"}


def test_the_shell_wins_over_every_file(tmp_path: Path) -> None:
    write(tmp_path, "compose.yaml")
    (tmp_path / ".env").write_text("V=project\n")
    found = discover(tmp_path, {"V": "shell"})
    assert found is not None
    assert load(found).services["a"].environment["V"] == "shell"


def test_texts_stand_in_for_files_that_are_not_written_yet(tmp_path: Path) -> None:
    compose, env = tmp_path / "compose.yaml", tmp_path / ".env"
    sources = Sources(files=(compose,), directory=tmp_path, environment={}, texts={compose: SERVICE, env: "V=given\n"})
    assert load(sources).services["a"].environment == {"V": "given", "W": "unset"}
    assert not compose.exists()


def test_a_dash_reads_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(SERVICE))
    stack = load(Sources(files=(Path("-"),), directory=tmp_path, environment={"V": "v"}, name="p"))
    assert stack.services["a"].environment["V"] == "v"


def test_env_files_are_listed_only_when_given(tmp_path: Path) -> None:
    write(tmp_path, "compose.yaml")
    write(tmp_path, ".env", "x.env", text="V=1\n")
    files = (tmp_path / "compose.yaml",)
    assert load(Sources(files=files, directory=tmp_path, environment={})).env_files == ()
    given = (tmp_path / "x.env",)
    assert load(Sources(files=files, directory=tmp_path, environment={}, env_files=given)).env_files == given


def test_a_service_asked_for_by_name_is_enabled_with_what_it_depends_on(tmp_path: Path) -> None:
    text = """\
services:
  a: {image: x}
  b: {image: x, profiles: [p], depends_on: [c]}
  c: {image: x, profiles: [q]}
  d: {image: x, profiles: [r]}
"""
    write(tmp_path, "compose.yaml", text=text)
    sources = Sources(files=(tmp_path / "compose.yaml",), directory=tmp_path, environment={}, services=("b",))
    stack = load(sources)
    assert set(stack.services) == {"a", "b", "c"}
    assert set(stack.disabled) == {"d"}


def test_unset_variables_and_obsolete_keys_are_noted_once(tmp_path: Path) -> None:
    write(tmp_path, "compose.yaml", text='version: "3"\nservices: {a: {image: "x:${NO}", hostname: "h${NO}"}}\n')
    notes = load(Sources(files=(tmp_path / "compose.yaml",), directory=tmp_path, environment={})).notes
    assert [note for note in notes if "NO" in note] == ['The "NO" variable is not set. Defaulting to a blank string.']
    assert sum("`version` is obsolete" in note for note in notes) == 1


def test_what_no_engine_acts_on_is_said(tmp_path: Path) -> None:
    write(tmp_path, "compose.yaml", text="services: {a: {image: x, deploy: {placement: {constraints: [a==b]}}}}\n")
    stack = load(Sources(files=(tmp_path / "compose.yaml",), directory=tmp_path, environment={}))
    assert any("services.a.deploy.placement has no effect" in note for note in stack.notes)

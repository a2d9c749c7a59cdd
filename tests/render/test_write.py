"""Writing is all or nothing, over nobody's own file, through no link."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from devstack.errors import Refused, SpecError
from devstack.render.render import stale, write
from tests.render.shop import rendered

POSTGRES = "name: shop\nservices: {db: {kind: postgres}}\n"
EVERYTHING = POSTGRES + "render: {dockerignore: [app], makefile: true, package_json: true}\n"


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {"devstack.yml"}


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


def test_every_file_that_the_spec_asks_for_is_written(tmp_path: Path) -> None:
    write(rendered(tmp_path, EVERYTHING))
    assert names(tmp_path) == {"compose.yaml", ".env", ".env.example", "app/.dockerignore", "Makefile", "package.json"}


@pytest.mark.parametrize("name", ["compose.yaml", "Makefile", "app/.dockerignore"])
def test_a_file_without_the_mark_is_refused_and_nothing_is_written(name: str, tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / name).write_text("services: {}\n# rendered by devstack, says only a later line\n")
    with pytest.raises(Refused) as caught:
        write(rendered(tmp_path, EVERYTHING))
    assert caught.value.code == "not-ours"
    assert Path(name).name in caught.value.message
    assert "nothing was written" in caught.value.hints
    assert names(tmp_path) == {name}


def test_the_refusal_for_a_compose_file_names_adoption(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("services: {}\n")
    with pytest.raises(Refused) as caught:
        write(rendered(tmp_path, POSTGRES))
    assert any("compose: [compose.yaml]" in hint for hint in caught.value.hints)


@pytest.mark.parametrize("name", [".env", "compose.yaml"])
def test_nothing_is_written_through_a_link(name: str, tmp_path: Path) -> None:
    project, outside = tmp_path / "project", tmp_path / "outside"
    project.mkdir()
    outside.write_text("# rendered by devstack\n")
    (project / name).symlink_to(outside)
    with pytest.raises(Refused, match="symbolic link"):
        write(rendered(project, POSTGRES))
    assert outside.read_text() == "# rendered by devstack\n"
    assert names(project) == {name}


def test_nothing_is_written_through_a_linked_folder(tmp_path: Path) -> None:
    project, outside = tmp_path / "project", tmp_path / "outside"
    project.mkdir()
    outside.mkdir()
    result = rendered(project, POSTGRES + "render: {compose: docker/compose.yaml}\n")
    (project / "docker").symlink_to(outside)
    with pytest.raises(Refused):
        write(result)
    assert not list(outside.iterdir())


def test_a_spec_that_renders_through_a_linked_folder_is_wrong(tmp_path: Path) -> None:
    project, outside = tmp_path / "project", tmp_path / "outside"
    project.mkdir()
    outside.mkdir()
    (project / "docker").symlink_to(outside)
    with pytest.raises(SpecError, match="outside the project"):
        rendered(project, POSTGRES + "render: {compose: docker/compose.yaml}\n")


def test_nothing_is_left_beside_the_files(tmp_path: Path) -> None:
    (tmp_path / f".compose.yaml.{os.getpid()}.new").write_text("left by a killed process of our number")
    write(rendered(tmp_path, POSTGRES))
    assert names(tmp_path) == {"compose.yaml", ".env", ".env.example"}


def test_a_file_keeps_its_mode_when_it_is_rendered_anew(tmp_path: Path) -> None:
    write(rendered(tmp_path, POSTGRES))
    (tmp_path / "compose.yaml").chmod(0o600)
    write(rendered(tmp_path, POSTGRES.replace("postgres}", "postgres, port: 6000}")))
    assert (tmp_path / "compose.yaml").stat().st_mode & 0o777 == 0o600


def test_stale_files_give_a_diff_and_right_ones_none(tmp_path: Path) -> None:
    write(rendered(tmp_path, POSTGRES))
    assert stale(rendered(tmp_path, POSTGRES)) == ()
    changed = rendered(tmp_path, POSTGRES.replace("postgres}", "postgres, port: 6000}"))
    diffs = {diff.path.name: diff.text for diff in stale(changed)}
    assert set(diffs) == {"compose.yaml", ".env.example"}
    assert '+      - "127.0.0.1:${DB_PORT:-6000}:5432"' in diffs["compose.yaml"]


def test_a_missing_env_file_is_not_stale_because_a_clone_has_none(tmp_path: Path) -> None:
    write(rendered(tmp_path, POSTGRES))
    (tmp_path / ".env").unlink()
    assert stale(rendered(tmp_path, POSTGRES)) == ()


def test_no_secret_stands_in_a_diff(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("API_TOKEN=tok-1234567\nDB_PASSWORD=secretsecret\n")
    diffs = stale(rendered(tmp_path, POSTGRES + "  \n"))
    text = "".join(diff.text for diff in diffs if diff.path.name == ".env")
    assert "+COMPOSE_PROJECT_NAME=shop" in text
    assert "secretsecret" not in text
    assert "tok-1234567" not in text


def test_what_belongs_to_a_checkout_is_ignored_by_git(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / ".gitignore").write_text("*.log")
    states = {item.path.name: item.state for item in write(rendered(tmp_path, POSTGRES))}
    assert states[".gitignore"] == "written"
    assert (tmp_path / ".gitignore").read_text().startswith("*.log\n")
    git(tmp_path, "add", ".")
    assert set(git(tmp_path, "ls-files").split()) == {".env.example", ".gitignore", "compose.yaml", "devstack.yml"}
    assert {item.state for item in write(rendered(tmp_path, POSTGRES))} == {"unchanged"}


def test_a_gitignore_that_has_it_all_is_left_alone(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / ".gitignore").write_text(".env\n.devstack\n*.local.yml\n")
    assert ".gitignore" not in {item.path.name for item in write(rendered(tmp_path, POSTGRES))}


def test_no_gitignore_appears_where_there_is_no_repository(tmp_path: Path) -> None:
    write(rendered(tmp_path, POSTGRES))
    assert not (tmp_path / ".gitignore").exists()


def test_no_password_is_written_into_a_file_under_version_control(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / ".env").write_text("A=1\n")
    git(tmp_path, "add", ".env")
    with pytest.raises(Refused) as caught:
        write(rendered(tmp_path, POSTGRES))
    assert any("git rm --cached" in hint for hint in caught.value.hints)
    assert names(tmp_path) - {name for name in names(tmp_path) if name.startswith(".git/")} == {".env"}
    assert (tmp_path / ".env").read_text() == "A=1\n"


def test_scripts_join_a_package_json_that_keeps_its_form(tmp_path: Path) -> None:
    own = '{\n    "name": "web",\n    "scripts": {\n        "dev": "vite"\n    },\n    "license": "MIT"\n}\n'
    (tmp_path / "package.json").write_text(own)
    write(rendered(tmp_path, POSTGRES + "render: {package_json: true}\n"))
    text = (tmp_path / "package.json").read_text()
    found = json.loads(text)
    assert list(found) == ["name", "scripts", "license"]
    assert found["scripts"]["dev"] == "vite"
    assert found["scripts"]["docker:up"] == "devstack up"
    assert text.startswith('{\n    "name": "web",\n    "scripts": {\n        "dev": "vite",\n        "docker:up"')
    assert {item.state for item in write(rendered(tmp_path, POSTGRES + "render: {package_json: true}\n"))} == {"unchanged"}


def test_a_script_of_somebodys_own_is_refused(tmp_path: Path) -> None:
    own = '{\n  "scripts": {\n    "docker:up": "docker compose up"\n  }\n}\n'
    (tmp_path / "package.json").write_text(own)
    with pytest.raises(SpecError) as caught:
        rendered(tmp_path, POSTGRES + "render: {package_json: true}\n")
    assert "package.json:3:1" in str(caught.value)
    assert (tmp_path / "package.json").read_text() == own


def test_a_broken_package_json_is_told_at_its_place(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{\n  "scripts": {,}\n}\n')
    with pytest.raises(SpecError, match=r"package\.json:2:15"):
        rendered(tmp_path, POSTGRES + "render: {package_json: true}\n")


def test_make_lists_the_targets(tmp_path: Path) -> None:
    write(rendered(tmp_path, EVERYTHING))
    outside = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    listed = subprocess.run(["make"], cwd=tmp_path, env=outside, capture_output=True, text=True, check=True).stdout
    assert [line.split()[0] for line in listed.splitlines()] == ["help", "up", "down", "logs", "ps", "db-shell", "verify", "reset"]

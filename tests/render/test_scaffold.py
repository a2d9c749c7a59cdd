"""New projects are written whole or not at all, and each is right as written."""

from __future__ import annotations

from pathlib import Path

import pytest

from devstack.compose.load import Sources
from devstack.compose.load import load as load_stack
from devstack.errors import DevstackError, Refused, UsageError
from devstack.render.render import render, write
from devstack.render.scaffold import scaffold, templates
from devstack.spec.load import load_spec


def test_there_are_templates_with_a_word_about_each() -> None:
    assert {"postgres", "fastapi", "fullstack"} <= set(templates())
    assert all(template.summary for template in templates().values())


@pytest.mark.parametrize("template", templates())
def test_a_new_project_loads_renders_and_names_its_schema(template: str, tmp_path: Path) -> None:
    target = tmp_path / "new" / "shop"
    written = scaffold(template, target, "shop")
    assert {path for path in target.rglob("*") if path.is_file()} == set(written)
    spec = load_spec(target / "devstack.yml", {})
    assert spec.name == "shop"
    assert spec.schema[0].service == "db"
    result = render(spec, project="shop")
    write(result)
    stack = load_stack(Sources(files=result.compose_files, directory=target, environment={}))
    assert "db" in stack.services


@pytest.mark.parametrize("template", templates())
def test_no_template_mark_is_left_in_a_new_project(template: str, tmp_path: Path) -> None:
    for path in scaffold(template, tmp_path / "shop", "shop"):
        assert "{{ name" not in path.read_text(encoding="utf-8"), path
        assert not path.name.startswith("dot-"), path
        assert path.suffix != ".j2", path


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "db").mkdir()
    (tmp_path / "db" / "001_init.sql").write_text("mine")
    with pytest.raises(Refused, match=r"001_init\.sql"):
        scaffold("postgres", tmp_path, "shop")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / "db" / "001_init.sql"]


def test_a_gitignore_that_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("mine\n")
    assert tmp_path / ".gitignore" not in scaffold("postgres", tmp_path, "shop")
    assert (tmp_path / ".gitignore").read_text() == "mine\n"


def test_a_failure_on_the_way_takes_everything_back(tmp_path: Path) -> None:
    target = tmp_path / "shop"
    target.mkdir()
    (target / "db").write_text("a file where a folder must be")
    with pytest.raises((DevstackError, Refused)):
        scaffold("postgres", target, "shop")
    assert [path.name for path in target.iterdir()] == ["db"]


def test_an_unknown_template_is_a_usage_error_with_a_suggestion(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        scaffold("fulstack", tmp_path, "shop")
    assert 'did you mean "fullstack"?' in caught.value.hints


@pytest.mark.parametrize("name", ["My Shop", "", "-x", "a/b", "日本"])
def test_a_bad_name_is_a_usage_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no project name"):
        scaffold("postgres", tmp_path, name)
    assert not list(tmp_path.iterdir())

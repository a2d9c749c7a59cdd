"""A project's own kinds: their mistakes are told at their own lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from devstack.errors import SpecError
from tests.render.shop import compose_of, rendered

KIND = "title: Echo\nsummary: Says it back.\noptions: {text: {type: string, default: hi, help: What}}\n"


def kind(folder: Path, service: str, declared: str = KIND) -> None:
    home = folder / "templates" / "services" / "echo"
    home.mkdir(parents=True)
    (home / "kind.yml").write_text(declared)
    (home / "service.yaml.j2").write_text(service)


def told(folder: Path) -> str:
    with pytest.raises(SpecError) as caught:
        rendered(folder, "services: {e: {kind: echo}}\n")
    problem = caught.value.problems[0]
    return str(problem) + "".join(problem.excerpt)


def test_wrong_yaml_out_of_a_template_names_the_templates_line_and_the_rendered_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    kind(tmp_path, '{% if true %}\nimage: "echo:1"\n{% endif %}\ncommand: [{{ options.text }}\n')
    text = told(tmp_path)
    assert "templates/services/echo/service.yaml.j2:4" in text
    assert 'command: ["hi"' in text


def test_an_unknown_name_is_told_at_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    kind(tmp_path, 'image: "echo:1"\ncommand: [{{ options.txet }}]\n')
    text = told(tmp_path)
    assert "templates/services/echo/service.yaml.j2:2" in text
    assert 'did you mean "text"?' in text


def test_a_value_cannot_add_a_key_whatever_a_template_forgets(tmp_path: Path) -> None:
    kind(tmp_path, "image: {{ options.text }}\n")
    text = 'services: {e: {kind: echo, text: "a\\nprivileged: true\\n# "}}\n'
    assert compose_of(rendered(tmp_path, text))["services"]["e"] == {"image": "a\nprivileged: true\n# "}


def test_a_kind_without_a_template_is_told(tmp_path: Path) -> None:
    home = tmp_path / "templates" / "services" / "echo"
    home.mkdir(parents=True)
    (home / "kind.yml").write_text(KIND)
    assert "there is no template service.yaml.j2" in told(tmp_path)

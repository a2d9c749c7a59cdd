"""Secrets and files of the project's own: made up once, rendered from templates, never over somebody's file."""

from __future__ import annotations

from pathlib import Path

import pytest

from devstack.errors import Refused, SpecError
from devstack.render.render import Rendered, render, write
from devstack.spec.load import load_spec

SPEC = """\
name: shop
services:
  db: {kind: postgres, port: 5544}
  tool: {image: "busybox:1.37", ports: ["8025:80"], profiles: [tools]}
"""
TEMPLATE = """\
<!-- rendered by devstack from README.j2 -->
{{ project }}: {{ compose }}, {{ env }}, {{ secrets | join(" ") }}
{% for name, service in services | items %}
{{ name }} {{ service.kind }} {{ service.profiles | join(",") }}
{% for port in service.ports %}
{{ port.variable }}={{ port.default }}:{{ port.target }}
{% endfor %}
{% endfor %}
"""


def rendered(folder: Path, section: str) -> Rendered:
    (folder / "devstack.yml").write_text(SPEC + section)
    return render(load_spec(folder / "devstack.yml", {}), project="shop")


def problems(folder: Path, section: str) -> str:
    with pytest.raises(SpecError) as refused:
        rendered(folder, section)
    return "\n".join(f"{item.where}: {item.message}" for item in refused.value.problems)


def test_a_secret_of_the_project_is_made_up_once_and_stands_in_env_only(tmp_path: Path) -> None:
    made = rendered(tmp_path, "render: {secrets: [AUTH_SECRET]}\n")
    write(made)
    env = (tmp_path / ".env").read_text()
    (line,) = (line for line in env.splitlines() if line.startswith("AUTH_SECRET="))
    value = line.partition("=")[2]
    assert len(value) >= 32
    assert value in made.secrets
    assert value not in (tmp_path / "compose.yaml").read_text() + (tmp_path / ".env.example").read_text()
    assert "AUTH_SECRET=\n" in (tmp_path / ".env.example").read_text()
    write(rendered(tmp_path, "render: {secrets: [AUTH_SECRET]}\n"))
    assert (tmp_path / ".env").read_text() == env


def test_a_secret_somebody_wrote_stays(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("AUTH_SECRET=mine\n")
    made = rendered(tmp_path, "render: {secrets: [AUTH_SECRET]}\n")
    write(made)
    assert "AUTH_SECRET=mine\n" in (tmp_path / ".env").read_text()
    assert "mine" in made.secrets


def test_a_file_of_the_project_is_rendered_with_its_services_ports_and_names(tmp_path: Path) -> None:
    (tmp_path / "README.j2").write_text(TEMPLATE)
    write(rendered(tmp_path, "render: {secrets: [AUTH_SECRET], templates: {docs/README.md: README.j2}}\n"))
    assert (tmp_path / "docs/README.md").read_text() == (
        "<!-- rendered by devstack from README.j2 -->\n"
        "shop: compose.yaml, .env, AUTH_SECRET\n"
        "db postgres \nDB_PORT=5544:5432\n"
        "tool  tools\nTOOL_PORT=8025:80\n"
    )


def test_a_port_of_this_checkout_is_not_in_such_a_file(tmp_path: Path) -> None:
    (tmp_path / "README.j2").write_text(TEMPLATE)
    (tmp_path / ".env").write_text("DB_PORT=6000\n")
    write(rendered(tmp_path, "render: {templates: {README.md: README.j2}}\n"))
    assert "DB_PORT=5544" in (tmp_path / "README.md").read_text()


def test_a_file_written_by_hand_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "README.j2").write_text(TEMPLATE)
    (tmp_path / "README.md").write_text("# Mine\n")
    with pytest.raises(Refused):
        write(rendered(tmp_path, "render: {templates: {README.md: README.j2}}\n"))
    assert (tmp_path / "README.md").read_text() == "# Mine\n"


def test_a_template_that_does_not_say_it_is_rendered_is_refused(tmp_path: Path) -> None:
    (tmp_path / "README.j2").write_text("# Shop\n")
    found = problems(tmp_path, "render: {templates: {README.md: README.j2}}\n")
    assert "README.j2:1:1: its first line must say" in found


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("{secrets: [a-b]}", '"a-b" is no name of a variable'),
        ("{templates: {README.md: missing.j2}}", "does not exist"),
        ("{templates: {../README.md: README.j2}}", "is no file below the project's folder"),
        ("{templates: {README.md: ../README.j2}}", "lies outside the project's folder"),
    ],
)
def test_what_cannot_be_is_told_at_its_place(tmp_path: Path, section: str, message: str) -> None:
    (tmp_path / "README.j2").write_text(TEMPLATE)
    found = problems(tmp_path, f"render: {section}\n")
    assert message in found
    assert "devstack.yml:5:" in found

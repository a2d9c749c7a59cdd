"""A devstack.yml for a folder that already has Compose files."""

from __future__ import annotations

from pathlib import Path

import pytest

from devstack.render.adopting import adopt
from devstack.spec.load import load_spec


def test_a_folder_with_a_compose_file_is_adopted(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("name: old-shop\nservices: {db: {image: 'postgres:17'}}\n")
    (tmp_path / "devstack.yml").write_text(adopt(tmp_path, [tmp_path / "compose.yaml"]))
    spec = load_spec(tmp_path / "devstack.yml", {})
    assert (spec.name, spec.compose, dict(spec.services)) == ("old-shop", (tmp_path / "compose.yaml",), {})


def test_several_files_and_an_odd_folder_name_are_adopted(tmp_path: Path) -> None:
    folder = tmp_path / "日本"
    folder.mkdir()
    names = ["compose.yaml", "docker compose: dev.yml"]
    for name in names:
        (folder / name).write_text("services: {db: {image: 'postgres:17'}}\n")
    (folder / "devstack.yml").write_text(adopt(folder, [folder / name for name in names]))
    spec = load_spec(folder / "devstack.yml", {})
    assert (spec.name, [path.name for path in spec.compose]) == ("app", names)


@pytest.mark.parametrize(
    ("services", "named"),
    [
        ("database: {image: 'postgres:17', environment: {POSTGRES_PASSWORD: x}}", "database"),
        ("web: {image: 'nginx:1.27'}", "db"),
        ("database: {image: 'postgres:17', environment: {POSTGRES_PASSWORD: '${SET_ELSEWHERE:?}'}}", "db"),
    ],
)
def test_the_example_of_an_adoption_names_the_files_own_database(tmp_path: Path, services: str, named: str) -> None:
    (tmp_path / "compose.yaml").write_text(f"services: {{{services}}}\n")
    assert f"# schema: {{service: {named}, files:" in adopt(tmp_path, [tmp_path / "compose.yaml"])


DB = "db: {image: 'postgres:17', environment: {POSTGRES_PASSWORD: x}}"


@pytest.mark.parametrize(
    ("files", "services", "example"),
    [
        ([], DB, 'schema: {service: db, files: ["db/*.sql"]}'),
        (["dump.sql"], DB, 'schema: {service: db, files: ["db/*.sql"]}'),
        (["db/migrations/1.sql", "db/migrations/2.sql"], DB, 'schema: {service: db, files: ["db/migrations/*.sql"]}'),
        (["sql/1.sql", "migrations/1.sql", "x/y/1.sql"], DB, 'schema: {service: db, files: ["migrations/*.sql"]}'),
        (["migrations/1_a.up.sql", "migrations/1_a.down.sql"], DB, 'schema: {service: db, files: ["migrations/*.up.sql"]}'),
        (
            ["node_modules/x/db/1.sql", ".cache/db/1.sql", "pkg/schema/1.sql"],
            DB,
            'schema: {service: db, files: ["pkg/schema/*.sql"]}',
        ),
        (
            ["db/first.sql", "sql/1.sql"],
            "db: {image: 'postgres:17', environment: {POSTGRES_PASSWORD: x}, volumes: ['./db:/docker-entrypoint-initdb.d:ro']}",
            'schema: {service: db, files: ["sql/*.sql"]}',
        ),
        (["api/alembic.ini", "api/db/1.sql"], f"{DB}, api: {{build: api}}", "schema: {service: db, tool: alembic, run: api}"),
        (
            ["app/prisma/schema.prisma"],
            f"{DB}, web: {{build: .}}, app: {{build: app}}",
            "schema: {service: db, tool: prisma, run: app}",
        ),
        (
            ["manage.py"],
            f"{DB}, web: {{image: 'python:3.13', volumes: ['.:/code']}}",
            "schema: {service: db, tool: django, run: web}",
        ),
        (["tools/manage.py"], f"{DB}, web: {{build: api}}", 'schema: {service: db, files: ["db/*.sql"]}'),
    ],
)
def test_the_example_of_an_adoption_names_what_the_project_has(
    tmp_path: Path, files: list[str], services: str, example: str
) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "compose.yaml").write_text(f"services: {{{services}}}\n")
    text = adopt(tmp_path, [tmp_path / "compose.yaml"])
    assert text.endswith(f"# {example}\n")
    (tmp_path / "devstack.yml").write_text(text)
    assert not load_spec(tmp_path / "devstack.yml", {}).schema
    for name in ("api", "app"):
        (tmp_path / name).mkdir(exist_ok=True)
    if files and "db/*.sql" not in example:
        (tmp_path / "devstack.yml").write_text(text.replace("# schema:", "schema:"))
        assert len(load_spec(tmp_path / "devstack.yml", {}).schema) == 1

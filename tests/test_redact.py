"""Secrets are masked wherever they stand, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest

from devstack.compose.load import Sources, load
from devstack.redact import Redactor, secrets_of


def masked(folder: Path, environment: str, line: str) -> str:
    """A line as a stack's redactor shows it, whose one service is a Postgres with that environment."""
    file = folder / "compose.yaml"
    file.write_text(f"name: shop\nservices:\n  db:\n    image: registry.example/postgres:17\n    environment: {environment}\n")
    return Redactor(secrets_of(load(Sources(files=(file,), directory=folder, environment={})))).mask(line)


@pytest.mark.parametrize("password", ["postgres", "shop", "db"])
def test_a_password_that_is_a_word_of_the_stack_hides_no_line(tmp_path: Path, password: str) -> None:
    line = "db  healthy  postgresql://postgres@localhost:5432/postgres  shop_data at /var/lib/postgresql/data"
    assert masked(tmp_path, f"{{POSTGRES_PASSWORD: {password}}}", line) == line


def test_it_is_masked_inside_a_url_all_the_same(tmp_path: Path) -> None:
    url = "postgresql://postgres:postgres@localhost:5432/postgres"
    assert masked(tmp_path, "{POSTGRES_PASSWORD: postgres}", url) == "postgresql://postgres:****@localhost:5432/postgres"


@pytest.mark.parametrize("password", ["secret", "password", "token", "passwd"])
def test_a_password_that_is_the_word_for_one_is_masked_as_a_value_only(tmp_path: Path, password: str) -> None:
    environment = f"{{POSTGRES_PASSWORD: {password}}}"
    said = f"no {password} in files; the declared {password}s open db; files.{password}s"
    assert masked(tmp_path, environment, said) == said
    for value in (password, f"POSTGRES_PASSWORD={password}", f"POSTGRES_PASSWORD: {password}", f'"{password}"', f"'{password}'"):
        assert password not in masked(tmp_path, environment, value).replace("PASSWORD", ""), value


def test_any_other_password_is_masked_everywhere(tmp_path: Path) -> None:
    line = "tried changeme-now, changeme-now%21 and xchangeme-now!x"
    assert masked(tmp_path, "{POSTGRES_PASSWORD: changeme-now!}", line) == "tried changeme-now, **** and x****x"


def test_a_password_in_a_command_is_masked(tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text("name: shop\nservices:\n  cache: {image: redis:7, command: redis-server --requirepass changeme}\n")
    secrets = secrets_of(load(Sources(files=(file,), directory=tmp_path, environment={})))
    assert Redactor(secrets).mask(">>> 'requirepass changeme'") == ">>> 'requirepass ****'"

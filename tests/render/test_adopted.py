"""Services without a kind give connection variables too, from what their image and environment say."""

from __future__ import annotations

from pathlib import Path

from devstack.compose.load import Sources, load
from devstack.compose.model import Stack
from devstack.render.adopted import stack_connections


def stack(folder: Path, text: str) -> Stack:
    (folder / "compose.yaml").write_text(text)
    return load(Sources(files=(folder / "compose.yaml",), directory=folder, environment={}))


def test_a_postgres_and_a_redis_are_found(tmp_path: Path) -> None:
    found = stack_connections(
        stack(
            tmp_path,
            """\
services:
  db: {image: "postgis/postgis:17-3.5", ports: ["127.0.0.1:5999:5432"], environment: {POSTGRES_PASSWORD: "p@ss", POSTGRES_USER: shop}}
  cache: {image: "redis:7", ports: ["6379:6379"]}
  api: {image: api, ports: ["80:80"]}
""",
        )
    )
    assert {item.variable: item.value for item in found} == {
        "PGHOST": "localhost", "PGPORT": "5999", "PGUSER": "shop", "PGPASSWORD": "p@ss", "PGDATABASE": "shop",
        "DATABASE_URL": "postgresql://shop:p%40ss@localhost:5999/shop",
        "REDIS_HOST": "localhost", "REDIS_PORT": "6379", "REDIS_URL": "redis://localhost:6379/0",
    }  # fmt: skip
    assert {item.variable for item in found if item.secret} == {"PGPASSWORD", "DATABASE_URL"}


def test_of_several_each_has_its_own_url(tmp_path: Path) -> None:
    two = stack(
        tmp_path,
        """\
services:
  one: {image: "postgres:17", ports: ["5001:5432"], environment: {POSTGRES_PASSWORD: a}}
  two-db: {image: "postgres:17", ports: ["5002:5432"], environment: {POSTGRES_PASSWORD: b}}
""",
    )
    found = {item.variable: item.value for item in stack_connections(two, driver="asyncpg")}
    assert found["DATABASE_URL"] == found["ONE_DATABASE_URL"] == "postgresql+asyncpg://postgres:a@localhost:5001/postgres"
    assert found["TWO_DB_DATABASE_URL"].endswith("@localhost:5002/postgres")
    assert [item.service for item in stack_connections(two, without={"one"})] == ["two-db"] * 6


def test_what_is_not_published_on_a_known_port_is_left_out(tmp_path: Path) -> None:
    text = 'services: {a: {image: "postgres:17"}, b: {image: "redis:7", ports: ["6379"]}, c: {image: "redis:7", ports: ["1-2:6379"]}}\n'
    assert stack_connections(stack(tmp_path, text)) == ()

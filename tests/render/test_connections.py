"""The host's view of the stack, and where a variable comes from."""

from __future__ import annotations

from pathlib import Path

import pytest

from devstack.errors import UsageError
from devstack.render.connections import connections
from devstack.render.explain import explain
from devstack.render.kinds import load_kinds
from devstack.render.render import write
from devstack.spec.load import load_spec
from devstack.spec.model import Spec
from devstack.spec.variables import read_env
from tests.render.shop import EVERY_KIND, rendered


def prepared(folder: Path, text: str = EVERY_KIND, settings: dict[str, str] | None = None) -> Spec:
    write(rendered(folder, text, settings))
    return load_spec(folder / "devstack.yml", {})


def values_of(spec: Spec, shell: dict[str, str] | None = None, consumer: str | None = None) -> dict[str, str]:
    found = connections(spec, load_kinds(spec.root), {**read_env(spec.render.env, {}), **(shell or {})}, consumer=consumer)
    return {item.variable: item.value for item in found}


def test_programs_on_the_host_get_localhost_published_ports_and_real_passwords(tmp_path: Path) -> None:
    found = values_of(prepared(tmp_path, settings={"DB_PORT": "5999"}))
    assert found["PGHOST"] == "localhost"
    assert found["PGPORT"] == "5999"
    assert found["DATABASE_URL"] == "postgresql://shop:password1@localhost:5999/shop"
    assert found["REDIS_URL"] == "redis://:password2@localhost:6379/0"
    assert found["KV_REDIS_URL"] == "redis://localhost:6380/0"
    assert found["S3_ENDPOINT_URL"] == "http://localhost:9000"
    assert found["SMTP_PORT"] == "1025"
    assert found["API_URL"] == "http://localhost:8001"


def test_a_service_seen_from_the_host_gets_what_it_gets_inside(tmp_path: Path) -> None:
    found = values_of(prepared(tmp_path), consumer="api")
    assert found["DATABASE_URL"] == "postgresql+asyncpg://shop:password1@localhost:5432/shop"
    assert "API_URL" not in found


def test_the_driver_is_the_one_on_which_all_agree(tmp_path: Path) -> None:
    spec = prepared(
        tmp_path, "name: shop\nservices:\n  db: {kind: postgres}\n  api: {kind: fastapi, build: app, depends_on: [db]}\n"
    )
    assert values_of(spec)["DATABASE_URL"].startswith("postgresql+asyncpg://")


def test_the_shell_wins_over_the_env_file(tmp_path: Path) -> None:
    assert values_of(prepared(tmp_path, settings={"DB_PORT": "5999"}), {"DB_PORT": "7000"})["PGPORT"] == "7000"


def test_what_is_not_published_is_not_offered(tmp_path: Path) -> None:
    spec = prepared(tmp_path, "services: {db: {kind: postgres, publish: false}, cache: {kind: redis}}\n")
    assert set(values_of(spec)) == {"REDIS_HOST", "REDIS_PORT", "REDIS_URL"}


def test_without_a_password_no_wrong_url_is_given(tmp_path: Path) -> None:
    spec = prepared(tmp_path, "services: {db: {kind: postgres}}\n")
    spec.render.env.unlink()
    found = values_of(spec)
    assert "DATABASE_URL" not in found
    assert "PGPASSWORD" not in found
    assert found["PGHOST"] == "localhost"


def test_a_password_is_escaped_in_a_url_on_the_host(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DB_PASSWORD='p@s/s'\n")
    found = values_of(prepared(tmp_path, "name: shop\nservices: {db: {kind: postgres}}\n"))
    assert found["PGPASSWORD"] == "p@s/s"
    assert found["DATABASE_URL"] == "postgresql://shop:p%40s%2Fs@localhost:5432/shop"


def test_secrets_are_marked(tmp_path: Path) -> None:
    spec = prepared(tmp_path)
    found = connections(spec, load_kinds(spec.root), read_env(spec.render.env, {}))
    secret = {item.variable for item in found if item.secret}
    assert {"PGPASSWORD", "DATABASE_URL", "REDIS_URL", "CACHE_REDIS_URL", "AWS_SECRET_ACCESS_KEY"} <= secret
    assert not secret & {"PGHOST", "KV_REDIS_URL", "API_URL"}
    assert all(item.secret for item in found if "password" in item.value)


def test_an_unknown_service_is_a_usage_error(tmp_path: Path) -> None:
    spec = prepared(tmp_path)
    with pytest.raises(UsageError, match="apo"):
        connections(spec, load_kinds(spec.root), {}, consumer="apo")


def test_a_port_is_explained_from_the_strongest_source_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    spec = prepared(tmp_path, "services: {db: {kind: postgres}}\n", {"DB_PORT": "5999"})
    (found,) = explain(spec, load_kinds(spec.root), "DB_PORT", shell={"DB_PORT": "7000"})
    assert [(source.name, source.value) for source in found.sources] == [
        ("the shell", "7000"),
        (".env", "5999"),
        ("its default", "5432"),
    ]
    assert found.value == "7000"
    assert found.sources[1].place.startswith(".env:")
    (found,) = explain(spec, load_kinds(spec.root), "DB_PORT", shell={})
    assert (found.winner, found.value) == (1, "5999")


def test_a_containers_variable_is_explained_where_it_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "api.env").write_text("A=1\nDATABASE_URL=from-file\n")
    text = """\
services:
  db: {kind: postgres}
  api:
    kind: fastapi
    build: app
    depends_on: [db]
    env_file: [api.env]
    environment:
      LOG: debug
  own: {kind: node, source: app, depends_on: [db], environment: {DATABASE_URL: mine}}
"""
    spec = prepared(tmp_path, text)
    kinds = load_kinds(spec.root)
    api, own = explain(spec, kinds, "DATABASE_URL", shell={})
    assert [source.name for source in api.sources] == ["environment of api", "wired to db", "env_file api.env"]
    assert api.winner == 1
    assert api.secret
    assert (own.winner, own.value, own.sources[0].place) == (0, "mine", "devstack.yml:10:66")
    (log,) = explain(spec, kinds, "LOG", shell={})
    assert (log.where, log.value, log.sources[0].place) == ("service api", "debug", "devstack.yml:9:7")


def test_a_variable_nobody_knows_has_no_explanation(tmp_path: Path) -> None:
    spec = prepared(tmp_path)
    assert explain(spec, load_kinds(spec.root), "NO_SUCH_THING", shell={}) == ()

"""A catalogue of wrong specs: each is told at its place, in words that say what to do, and all at once."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from devstack.errors import Exit, SpecError
from devstack.render.render import render
from devstack.spec.load import load_spec

# name: (the file, place of the first problem, words that must be in it)
WRONG: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "empty": ("", "1:1", ("empty", "devstack init")),
    "only comments": ("# soon\n", "1:1", ("empty", "devstack init")),
    "no services": ("name: shop\n", "1:1", ("no service", "compose:")),
    "a list at the top": ("- a\n", "1:1", ("mapping", "list")),
    "a text at the top": ("hello\n", "1:1", ("mapping", "text")),
    "a tab": ("services:\n\tdb: {}\n", "2:1", ("tab",)),
    "unclosed bracket": ("services: {db: {kind: postgres}\n", "1:11", ("{", "closed")),
    "duplicate key": ("name: a\nname: b\nservices: {db: {kind: postgres}}\n", "2:1", ("name", "1")),
    "two documents": ("name: a\n---\nname: b\n", "2:1", ("document",)),
    "conflict marker": ("name: a\n<<<<<<< HEAD\nservices: {}\n", "2:1", ("conflict",)),
    "key that is a number": ("services: {db: {kind: postgres}}\n12: x\n", "2:1", ("quote",)),
    "unknown top key": ("servces: {db: {kind: postgres}}\n", "1:1", ('"servces"', 'did you mean "services"')),
    "services as a list": ("services: [db]\n", "1:11", ("services", "mapping", "list")),
    "service as a text": ("services:\n  db: postgres\n", "2:7", ("services.db", "mapping", "text")),
    "service with nothing": ("services:\n  db:\n", "2:3", ("services.db", "describes nothing", "kind")),
    "bad service name": ("services:\n  my db: {kind: postgres}\n", "2:3", ("my db", "my-db")),
    "bad project name": ("name: My Shop\nservices: {db: {kind: postgres}}\n", "1:7", ("My Shop", "myshop")),
    "project name is a number": ("name: 12\nservices: {db: {kind: postgres}}\n", "1:7", ("text", 'quote it: "12"')),
    "unknown kind": ("services:\n  db: {kind: postgress}\n", "2:14", ("postgress", 'did you mean "postgres"', "mailpit")),
    "unknown key of a kind": ("services:\n  db: {kind: postgres, versoin: '17'}\n", "2:24", ("versoin", 'did you mean "version"')),
    "Compose key misspelt": ("services:\n  api: {image: a, enviroment: {A: b}}\n", "2:19", ("enviroment", 'did you mean "environment"')),
    "word of another tool": ("services:\n  api: {image: a, env: {A: b}}\n", "2:19", ("env", 'did you mean "environment"')),
    "option without a kind": ("services:\n  db: {image: 'postgres:17', database: shop}\n", "2:30", ("database", "postgres", "kind:")),
    "version as a fraction": ("services:\n  db: {kind: postgres, version: 9.6}\n", "2:33", ("9.6", 'quote it: "9.6"')),
    "latest": ("services:\n  db: {kind: postgres, version: latest}\n", "2:33", ("latest", "version")),
    "port as a word": ("services:\n  db: {kind: postgres, port: high}\n", "2:30", ("port", "1 to 65535")),
    "port too high": ("services:\n  db: {kind: postgres, port: 70000}\n", "2:30", ("70000", "1 to 65535")),
    "port zero": ("services:\n  db: {kind: postgres, port: 0}\n", "2:30", ("1 to 65535",)),
    "database name": ("services:\n  db: {kind: postgres, database: my-shop}\n", "2:34", ("my-shop", "my_shop")),
    "database name as SQL": ("services:\n  db: {kind: postgres, user: 'x; drop'}\n", "2:30", ("x; drop", "x_drop")),
    "boolean as yes": ("services:\n  r: {kind: redis, password: yes}\n", "2:30", ("true or false", "write true")),
    "choice": ("services:\n  w: {kind: worker, command: a, driver: asynpg}\n", "2:41", ("asynpg", 'did you mean "asyncpg"')),
    "duration": ("services:\n  p: {kind: prometheus, interval: 15}\n", "2:35", ("duration", "10s")),
    "duration unit": ("services:\n  p: {kind: prometheus, interval: 15sec}\n", "2:35", ("15sec", "10s")),
    "health path": ("services:\n  a: {kind: fastapi, image: a, health: healthz}\n", "2:40", ("healthz", "/healthz")),
    "health path with a quote": ("services:\n  a: {kind: node, health: \"/x'\"}\n", "2:27", ("no path of a URL",)),
    "settings as a list": ("services:\n  db: {kind: postgres, settings: [a]}\n", "2:34", ("mapping", "list")),
    "schedule with four fields": ("services:\n  c: {kind: cron, command: a, schedule: '0 3 * *'}\n", "2:41", ("five fields", "4")),
    "schedule out of range": ("services:\n  c: {kind: cron, command: a, schedule: '0 25 * * *'}\n", "2:41", ("25", "hour")),
    "schedule nickname": ("services:\n  c: {kind: cron, command: a, schedule: '@daily'}\n", "2:41", ("@daily", "five fields")),
    "missing option": ("services:\n  c: {kind: cron, command: a}\n", "2:3", ("`schedule`", "missing")),
    "command with an open quote": ("services:\n  w: {kind: worker, command: 'echo \"a'}\n", "2:30", ("quot",)),
    "empty command": ("services:\n  w: {kind: worker, command: ''}\n", "2:30", ("empty",)),
    "fastapi without build": ("services:\n  api: {kind: fastapi}\n", "2:3", ("`build` or `image`",)),
    "source that is not there": ("services:\n  w: {kind: vite, source: web}\n", "2:27", ("web does not exist", "devstack does not make it")),
    "reserved variable": (
        "services:\n  db: {kind: postgres, environment: {POSTGRES_USER: x}}\n", "2:38", ("POSTGRES_USER", "option `user`"),
    ),
    "password in the spec": (
        "services:\n  db:\n    kind: postgres\n    environment: [POSTGRES_PASSWORD=x]\n", "4:19", ("POSTGRES_PASSWORD", "DB_PASSWORD in .env"),
    ),
    "unknown dependency": (
        "services:\n  db: {kind: postgres}\n  api: {image: a, depends_on: [bd]}\n", "3:32", ('"bd"', 'did you mean "db"'),
    ),
    "dependency on itself": ("services:\n  api: {image: a, depends_on: [api]}\n", "2:32", ("depends on itself",)),
    "cycle": (
        "services:\n  a: {image: a, depends_on: [b]}\n  b: {image: b, depends_on: [c]}\n  c: {image: c, depends_on: [a]}\n",
        "2:30", ("a -> b -> c -> a",),
    ),
    "unknown condition": (
        "services:\n  db: {kind: postgres}\n  api: {image: a, depends_on: {db: {condition: healthy}}}\n", "3:48", ("service_healthy",),
    ),
    "schema of an unknown service": (
        "services: {db: {kind: postgres}}\nschema: {service: dv, files: [one.sql]}\n", "2:9", ('"dv"', 'did you mean "db"'),
    ),
    "schema without files": ("services: {db: {kind: postgres}}\nschema: {service: db}\n", "2:9", ("`files` is missing",)),
    "schema pattern without a match": (
        "services: {db: {kind: postgres}}\nschema: {service: db, files: ['db/*.sql']}\n", "2:31", ("no file matches db/*.sql",),
    ),
    "schema outside the project": (
        "services: {db: {kind: postgres}}\nschema: {service: db, files: ['../x.sql']}\n", "2:31", ("leaves the project",),
    ),
    "unknown key of schema": ("services: {db: {kind: postgres}}\nschema: {service: db, file: [one.sql]}\n", "2:9", ("files",)),
    "startup without a unit": ("services: {db: {kind: postgres}}\nverify: {startup: 60}\n", "2:19", ("duration", "60s")),
    "unknown key of verify": ("services: {db: {kind: postgres}}\nverify: {startp: 60s}\n", "2:10", ('did you mean "startup"',)),
    "unknown key of render": ("services: {db: {kind: postgres}}\nrender: {makefiles: true}\n", "2:10", ('did you mean "makefile"',)),
    "rendered file outside": ("services: {db: {kind: postgres}}\nrender: {compose: ../compose.yaml}\n", "2:19", ("outside",)),
    "rendered file is a folder": ("services: {db: {kind: postgres}}\nrender: {compose: folder}\n", "2:19", ("is a folder",)),
    "dockerignore for no folder": ("services: {db: {kind: postgres}}\nrender: {dockerignore: [one.sql]}\n", "2:25", ("not a folder",)),
    "adopted file is not there": ("compose: [compose.yml]\n", "1:11", ("compose.yml does not exist",)),
    "variable that is not set": ("services:\n  db: {kind: postgres, port: '${NO_SUCH}'}\n", "2:31", ("NO_SUCH", ".env")),
    "variable that must be set": ("services:\n  db: {kind: postgres, database: '${NO_SUCH:?name it}'}\n", "2:35", ("NO_SUCH", "name it")),
    "wrong mount below 18": (
        "services:\n  db: {kind: postgres, version: '17', volumes: ['data:/var/lib/postgresql']}\nvolumes: {data: {}}\n",
        "2:49", ("PostgreSQL 17", "/var/lib/postgresql/data"),
    ),
    "wrong mount from 18 on": (
        "services:\n  db: {kind: postgres, version: '18', volumes: ['data:/var/lib/postgresql/data']}\nvolumes: {data: {}}\n",
        "2:49", ("PostgreSQL 18", "mount the volume there"),
    ),
    "undeclared volume": ("services:\n  a: {image: a, volumes: ['dta:/x']}\nvolumes: {data: {}}\n", "2:27", ("dta", 'did you mean "data"')),
    "port grammar": ("services:\n  a: {image: a, ports: ['70000:80']}\n", "2:25", ("70000",)),
    "port protocol": ("services:\n  a: {image: a, ports: ['53:53/upd']}\n", "2:25", ("udp",)),
    "environment of a kind as a text": ("services:\n  db: {kind: postgres, environment: A=b}\n", "2:37", ("environment",)),
    "same variable twice": (
        "services:\n  my-db: {kind: postgres}\n  my_db: {kind: postgres, port: 5433}\n", "3:3", ("my-db", "my_db", "MY_DB_"),
    ),
    "same port twice": (
        "services:\n  a: {kind: fastapi, image: a}\n  b: {kind: fastapi, image: b}\n", "3:3", ("port 8000", '"a" (devstack.yml:2:3)', "`port:`"),
    ),
    "same port in a plain service": (
        "services:\n  m: {image: m, ports: ['5432:80']}\n  db: {kind: postgres}\n", "3:3", ("port 5432", '"m"'),
    ),
    "private-use character": ("services:\n  r: {kind: redis, maxmemory: \"\\uE000X\\uE001\"}\n", "2:31", ("private-use",)),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_spec_is_told_at_its_place(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text, place, words = WRONG[name]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.sql").write_text("select 1;")
    (tmp_path / "folder").mkdir()
    path = tmp_path / "devstack.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        render(load_spec(path, {}), project="shop")
    first = caught.value.problems[0]
    assert str(first.where) == f"devstack.yml:{place}", str(first)
    told = str(first) + "\n".join(first.excerpt)
    assert all(word in told for word in words), told
    assert caught.value.exit == Exit.USAGE


def test_all_problems_are_told_at_once_in_the_order_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "devstack.yml"
    path.write_text(
        dedent("""\
        nmae: shop
        services:
          db: {kind: postgres, prot: 1}
          api: {kind: fastapi, depends_on: [cache]}
        schema: {service: db, files: [none.sql]}
        verify: {startup: soon}
        """)
    )
    with pytest.raises(SpecError) as caught:
        load_spec(path, {})
    assert [problem.where.line for problem in caught.value.problems] == [1, 3, 4, 4, 5, 6]
    assert all(problem.excerpt for problem in caught.value.problems)


def test_a_problem_of_the_local_file_names_the_local_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "devstack.yml").write_text("services: {db: {kind: postgres}}\n")
    (tmp_path / "devstack.local.yml").write_text("services:\n  db: {port: none}\n")
    with pytest.raises(SpecError) as caught:
        load_spec(tmp_path / "devstack.yml", {})
    assert str(caught.value.problems[0].where) == "devstack.local.yml:2:14"


def test_an_env_file_that_cannot_be_read_is_a_problem_of_that_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "devstack.yml").write_text("services: {db: {kind: postgres}}\n")
    (tmp_path / ".env").write_text("A=1\nB='open\n")
    with pytest.raises(SpecError) as caught:
        load_spec(tmp_path / "devstack.yml", {})
    assert str(caught.value.problems[0].where) == ".env:2:3"


def test_no_value_of_a_secret_stands_in_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "devstack.yml").write_text(
        "services:\n  db:\n    kind: postgres\n    environment: {POSTGRES_PASSWORD: hunter2secret}\n"
    )
    with pytest.raises(SpecError) as caught:
        load_spec(tmp_path / "devstack.yml", {})
    told = "".join(str(problem) + "".join(problem.excerpt) for problem in caught.value.problems)
    assert "hunter2secret" not in told

"""The `schema:` section: what it may say, and where each mistake in it is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from devstack.errors import SpecError
from devstack.spec.load import load_spec
from devstack.spec.model import Policy, SchemaSpec
from devstack.spec.tools import TOOLS

SERVICES = "services: {db: {kind: postgres}, api: {image: app}}\n"


def schema_of(folder: Path, text: str) -> tuple[SchemaSpec, ...]:
    (folder / "db").mkdir(exist_ok=True)
    for name in ("a.sql", "roles.sql", "view.sql", "seed.csv"):
        (folder / "db" / name).write_text("")
    (folder / "devstack.yml").write_text(SERVICES + text)
    return load_spec(folder / "devstack.yml", {}).schema


def test_every_key_is_read(tmp_path: Path) -> None:
    (entry,) = schema_of(
        tmp_path,
        """\
schema:
  service: db
  database: shop
  roles: db/roles.sql
  files: ["db/a.sql"]
  repeatable: [db/view.sql]
  seeds: [db/seed.csv]
  reseed: true
  variables: {tenant: acme, limit: 10, on: true}
  out_of_order: {dev: apply, ci: error}
  edited: ask
  transaction: none
  lock: db/shop.lock
""",
    )
    assert (entry.roles, entry.files, entry.repeatable, entry.seeds) == (
        ("db/roles.sql",), ("db/a.sql",), ("db/view.sql",), ("db/seed.csv",),
    )  # fmt: skip
    assert entry.reseed and entry.variables == {"tenant": "acme", "limit": "10", "on": "true"}
    assert entry.out_of_order == Policy("apply", "error") and entry.edited == Policy("ask", "ask")
    assert (entry.transaction, entry.lock, entry.tool) == ("none", "db/shop.lock", None)


def test_a_policy_follows_the_environment() -> None:
    policy = Policy("apply", "error")
    assert policy.here({}) == "apply" and policy.here({"CI": ""}) == "apply" and policy.here({"CI": "true"}) == "error"


@pytest.mark.parametrize("name", [name for name in TOOLS if name != "command"])
def test_a_tool_needs_no_more_than_where_it_runs(tmp_path: Path, name: str) -> None:
    (entry,) = schema_of(tmp_path, f"schema: {{service: db, tool: {name}, run: api}}\n")
    assert entry.tool is not None and (entry.tool.name, entry.tool.run, entry.tool.command) == (name, "api", ())


def test_commands_are_lists_or_one_text(tmp_path: Path) -> None:
    text = "schema: {service: db, tool: command, run: api, directory: /app, command: \"./migrate.sh 'a b'\", status: [./s, -v]}\n"
    (entry,) = schema_of(tmp_path, text)
    assert entry.tool is not None
    assert (entry.tool.command, entry.tool.status, entry.tool.directory) == (("./migrate.sh", "a b"), ("./s", "-v"), "/app")


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ("{service: db, files: [db/a.sql], edited: @wran}", 'did you mean "warn"'),
        ("{service: db, files: [db/a.sql], out_of_order: {dev: @never}}", "one of: apply, error"),
        ("{service: db, files: [db/a.sql], out_of_order: {@prod: error}}", 'unknown key "prod"'),
        ("{service: db, files: [db/a.sql], transaction: @all}", "one of: file, none"),
        ("{service: db, files: [db/a.sql], reseed: @often}", "true or false is expected"),
        ("{service: db, files: [db/a.sql], variables: {@a-b: c}}", "no name of a variable"),
        ("{service: db, files: [db/a.sql], variables: {a: @[1]}}", "text is expected"),
        ("{service: db, seeds: [@db/none.csv]}", "no file matches db/none.csv"),
        ("{service: db, roles: [@../roles.sql]}", "leaves the project"),
        ("{service: db, files: [db/a.sql], lock: @/etc/lock}", "leaves the project"),
        ("{service: db, tool: @alembix, run: api}", 'did you mean "alembic"'),
        ("{service: db, tool: @alembic}", "`run` is missing"),
        ("{service: db, tool: alembic, run: @apu}", 'did you mean "api"'),
        ("{service: db, tool: @command, run: api}", "`command` is missing"),
        ("{service: db, files: [db/a.sql], drift: @[a]}", "`drift` is for a tool"),
        ('{service: db, tool: command, run: api, command: @"a \'b"}', "cannot be split into words"),
        ("@{service: db}", "`files` is missing"),
    ],
)
def test_a_mistake_is_told_at_its_place(tmp_path: Path, schema: str, words: str) -> None:
    """The @ marks the place."""
    line = f"schema: {schema}"
    place = (2, line.index("@") + 1)
    with pytest.raises(SpecError) as caught:
        schema_of(tmp_path, line.replace("@", "") + "\n")
    found = [((p.where.line, p.where.column), f"{p.message} {p.hint}") for p in caught.value.problems]
    assert any(where == place and words in text for where, text in found), (place, found)

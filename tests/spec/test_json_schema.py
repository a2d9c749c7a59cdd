"""The JSON Schema agrees with the loader about what is right and what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from devstack.document import load, plain
from devstack.spec.json_schema import json_schema
from devstack.spec.kinds import load_kinds, templates_root
from devstack.spec.options import TYPES

ROOT = Path(__file__).parents[2]
SPECS = sorted((ROOT / "examples").glob("*/devstack.yml"))


@pytest.fixture(scope="module")
def validator() -> Any:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def document(text: str) -> Any:
    node = load(text, "devstack.yml")
    assert node is not None
    return plain(node)


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.parent.name)
def test_every_example_is_valid(validator: Any, path: Path) -> None:
    assert not list(validator.iter_errors(document(path.read_text(encoding="utf-8"))))


@pytest.mark.parametrize(
    "path", sorted((templates_root() / "projects").glob("*/devstack.yml.j2")), ids=lambda path: path.parent.name
)
def test_every_project_template_is_valid(validator: Any, path: Path) -> None:
    assert not list(validator.iter_errors(document(path.read_text(encoding="utf-8").replace("{{ name }}", "shop"))))


@pytest.mark.parametrize("kind", load_kinds(ROOT / "nowhere"))
def test_every_kinds_own_example_is_valid(validator: Any, kind: str) -> None:
    example = load_kinds(ROOT / "nowhere")[kind].example
    assert example, f"{kind} has no example"
    assert not list(validator.iter_errors(document(example)))


def test_a_spec_of_many_forms_is_valid(validator: Any) -> None:
    text = """
    name: shop
    compose: compose.yaml
    services:
      db: {kind: postgres, version: 17, port: "${DB:-5432}", settings: {fsync: false}, mem_limit: 1g, x-mine: {a: 1}}
      api: {build: {context: .}, depends_on: {db: {condition: service_healthy}}}
    schema:
      - {service: db, files: db/*.sql, roles: r.sql, repeatable: [v.sql], seeds: [s.csv], reseed: true, variables: {a: 1, b: x},
         out_of_order: {dev: apply, ci: error}, edited: warn, transaction: none, lock: db/x.lock}
      - {service: db, database: y, tool: command, run: api, directory: /app, command: ./m.sh, status: [./s], drift: [./d]}
    verify: {startup: 1m30s}
    render: {makefile: true, package_json: web/package.json, dockerignore: web}
    volumes: {data: }
    x-notes: anything
    """
    assert not list(validator.iter_errors(document(text)))


@pytest.mark.parametrize(
    "text",
    [
        "servces: {}",
        "services: {db: {kind: postgress}}",
        "services: {db: {kind: postgres, versoin: '17'}}",
        "services: {db: {kind: postgres, version: 9.6}}",
        "services: {db: {kind: postgres, version: latest}}",
        "services: {db: {kind: postgres, port: 70000}}",
        "services: {db: {kind: postgres, database: my-shop}}",
        "services: {r: {kind: redis, password: sure}}",
        "services: {w: {kind: worker}}",
        "services: {w: {kind: worker, command: a, driver: other}}",
        "services: {c: {kind: cron, command: a, schedule: '* *'}}",
        "services: {a: {kind: fastapi}}",
        "services: {a: {image: a, enviroment: {}}}",
        "services: {'my db': {image: a}}",
        "schema: {service: db}",
        "schema: {service: db, tool: alembic}",
        "schema: {service: db, tool: rails, run: api}",
        "schema: {service: db, files: a.sql, edited: {dev: maybe}}",
        "schema: {service: db, files: a.sql, variables: {a: [1]}}",
        "verify: {startup: 60}",
        "render: {makefiles: true}",
        "name: 12",
    ],
)
def test_a_wrong_spec_is_invalid(validator: Any, text: str) -> None:
    assert list(validator.iter_errors(document(text)))


def test_every_option_of_every_kind_has_help(validator: Any) -> None:
    for kind in load_kinds(ROOT / "nowhere").values():
        assert kind.title
        assert kind.summary
        assert all(option.help for option in kind.options.values()), kind.name


def test_the_readme_of_kinds_names_every_option_type() -> None:
    text = (templates_root() / "services" / "README.md").read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.startswith("Types of options: "))
    assert set(line.removeprefix("Types of options: ").rstrip(".").split(", ")) == set(TYPES)

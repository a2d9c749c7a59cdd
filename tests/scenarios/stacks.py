"""The stacks the scenarios run: as small as the promise allows. @PROJECT and @PORT are filled in by the checkout."""

from __future__ import annotations

# One program that listens, one that does not; both healthy within a moment.
PAIR = {
    "devstack.yml": """\
name: @PROJECT
services:
  app:
    image: busybox:1.37
    init: true
    command: [httpd, -f, -p, "8000", -h, /etc]
    ports: ["@PORT:8000"]
    environment: {LEVEL: info}
    depends_on: {side: {condition: service_healthy}}
    healthcheck: {test: [CMD, wget, -qO-, "http://127.0.0.1:8000/hostname"], interval: 2s}
  side:
    image: busybox:1.37
    init: true
    command: [sh, -c, "echo side is up; exec sleep 1000"]
    healthcheck: {test: [CMD, "true"], interval: 2s}
"""
}

# A database with a schema and a program that needs both.
SHOP = {
    "devstack.yml": """\
name: @PROJECT
services:
  db: {kind: postgres, version: "17", database: shop, user: shop, port: @PORT}
  app:
    image: busybox:1.37
    init: true
    command: [sh, -c, "echo app is up; exec sleep 1000"]
    environment: {LEVEL: info}
    depends_on: {db: {condition: service_healthy}}
    healthcheck: {test: [CMD, "true"], interval: 2s}
schema: {service: db, files: ["db/*.sql"]}
""",
    "db/001_note.sql": "create table note (id serial primary key, body text not null);\n",
}

# Only the database of it.
DATABASE = {
    "devstack.yml": """\
name: @PROJECT
services:
  db: {kind: postgres, version: "17", database: shop, user: shop, port: @PORT}
schema: {service: db, files: ["db/*.sql"]}
""",
    "db/001_note.sql": "create table note (id serial primary key, body text not null);\n",
}

# Somebody's own Compose file, without a devstack.yml.
COMPOSE = {
    "compose.yaml": """\
name: @PROJECT
services:
  app:
    image: busybox:1.37
    init: true
    command: [sh, -c, "echo app is up; exec sleep 1000"]
    ports: ["127.0.0.1:@PORT:8000"]
    volumes: [data:/data]
    depends_on: {side: {condition: service_healthy}}
  side:
    image: busybox:1.37
    init: true
    command: [sleep, "1000"]
    healthcheck: {test: [CMD, "true"], interval: 2s}
volumes: {data: {}}
"""
}


def one(body: str, more: str = "") -> dict[str, str]:
    """A devstack.yml with one busybox service called `job`, which has these lines of YAML in it."""
    lines = "".join(f"    {line}\n" for line in body.strip().splitlines())
    return {"devstack.yml": f"name: @PROJECT\nservices:\n  job:\n    image: busybox:1.37\n{lines}{more}"}

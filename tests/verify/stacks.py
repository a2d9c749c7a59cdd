"""Sound stacks, as small as they can be: what is broken in one way in mutations.py. @PROJECT and @PORT are filled in by the checkout."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

Files = Mapping[str, str]


def files(**more: str) -> Files:
    return MappingProxyType(more)


WEB = """\
name: @PROJECT
services:
  web:
    image: busybox:1.37
    init: true
    command: [httpd, -f, -p, "8000", -h, /etc]
    ports: ["127.0.0.1:@PORT:8000"]
    environment: {LEVEL: info}
    healthcheck: {test: [CMD, wget, -qO-, "http://127.0.0.1:8000/hostname"], interval: 2s}
"""
PAIR = (
    WEB
    + """\
    depends_on: {side: {condition: service_healthy}}
  side:
    image: busybox:1.37
    init: true
    command: [httpd, -f, -p, "9000", -h, /etc]
    expose: ["9000"]
    healthcheck: {test: [CMD, wget, -qO-, "http://127.0.0.1:9000/hostname"], interval: 2s}
"""
)
DATABASE = """\
name: @PROJECT
services:
  db: {kind: postgres, version: "17", database: shop, user: shop, port: @PORT}
schema: {service: db, files: ["db/*.sql"]}
"""
NOTE = "create table note (id serial primary key, body text not null);\n"
CACHE = """\
name: @PROJECT
services:
  cache: {kind: redis, port: @PORT}
"""
FOLDER = """\
name: @PROJECT
services:
  store:
    image: busybox:1.37
    init: true
    command: [httpd, -f, -p, "8000", -h, /data]
    ports: ["127.0.0.1:@PORT:8000"]
    volumes: [things:/data]
    healthcheck: {test: [CMD-SHELL, "wget -qO- http://127.0.0.1:8000/ 2>&1 | grep -q 404 || wget -qO- http://127.0.0.1:8000/"], interval: 2s}
volumes: {things: {}}
"""
COMPOSE = """\
name: @PROJECT
services:
  db:
    image: postgres:17
    environment: {POSTGRES_USER: shop, POSTGRES_PASSWORD: "${DB_PASSWORD:?set it}", POSTGRES_DB: shop}
    ports: ["127.0.0.1:@PORT:5432"]
    volumes: [data:/var/lib/postgresql/data]
    healthcheck: {test: [CMD, pg_isready, -h, 127.0.0.1, -U, shop], interval: 2s, start_period: 60s}
volumes: {data: {}}
"""
COMPOSE_ENV = "DB_PASSWORD=Zq8vTx3mKw5rYn2b\n"
PAGE = """\
name: @PROJECT
services:
  web:
    image: python:3.13-slim
    init: true
    working_dir: /srv
    command: [python, -m, http.server, "8000"]
    ports: ["127.0.0.1:@PORT:8000"]
    volumes: ["./page:/srv"]
    healthcheck:
      test: [CMD, python, -c, "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/')"]
      interval: 2s
verify:
  reload: [{service: web, file: page/index.html, replace: hello, with: goodbye, within: 4s}]
"""
BUILT = """\
name: @PROJECT
services:
  web:
    build: app
    init: true
    ports: ["127.0.0.1:@PORT:8000"]
    healthcheck: {test: [CMD, wget, -qO-, "http://127.0.0.1:8000/hostname"], interval: 2s}
"""
DOCKERFILE = 'FROM busybox:1.37\nCOPY . /srv\nCMD ["httpd", "-f", "-p", "8000", "-h", "/etc"]\n'

SOUND: Mapping[str, Files] = MappingProxyType(
    {
        "one program with a port": {"devstack.yml": WEB},
        "two programs, one needs the other": {"devstack.yml": PAIR},
        "PostgreSQL 17 with a schema": {"devstack.yml": DATABASE, "db/001_note.sql": NOTE},
        "PostgreSQL 18": {"devstack.yml": DATABASE.replace('"17"', '"18"'), "db/001_note.sql": NOTE},
        "Redis": {"devstack.yml": CACHE},
        "Redis with a password": {"devstack.yml": CACHE.replace("kind: redis,", "kind: redis, password: true,")},
        "Valkey": {"devstack.yml": CACHE.replace("kind: redis,", "kind: valkey,")},
        "a folder in a volume": {"devstack.yml": FOLDER},
        "somebody's own Compose file": {"compose.yaml": COMPOSE, ".env": COMPOSE_ENV},
        "an edit is served": {"devstack.yml": PAGE, "page/index.html": "hello\n"},
        "a program that is built": {"devstack.yml": BUILT, "app/Dockerfile": DOCKERFILE},
        "a job that ends, and one that needs it": {
            "devstack.yml": PAIR.replace("service_healthy", "service_completed_successfully")
            .replace('command: [httpd, -f, -p, "9000", -h, /etc]', 'command: [sh, -c, "echo done"]')
            .replace('    expose: ["9000"]\n', "")
            .replace('    healthcheck: {test: [CMD, wget, -qO-, "http://127.0.0.1:9000/hostname"], interval: 2s}\n', "")
        },
    }
)

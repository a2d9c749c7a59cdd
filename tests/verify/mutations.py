"""The mutation table: stacks each broken in one way, and whether `verify` fails on the right check with the right reason.

    python -m tests.verify.mutations [--static] [--only WORD] [--from WORD]      prints the table and the score

A mutation is a sound stack of stacks.py with one thing changed; `before` is what a person did on the way there.
"""

# ruff: noqa: E501 - a stack in one line is easier to hold against its sound one
from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from devstack.errors import DevstackError
from tests.scenarios.checkout import Checkout, Ran
from tests.verify.stacks import (
    BUILT,
    CACHE,
    COMPOSE,
    COMPOSE_ENV,
    DATABASE,
    DOCKERFILE,
    FOLDER,
    NOTE,
    PAGE,
    PAIR,
    SOUND,
    WEB,
    Files,
)

Before = Callable[[Checkout], None]
NOTHING: Files = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """One broken stack. `check` is the id (or its beginning) of the result that must fail, `reason` what it must say.

    `also` are ids of results that rightly fail with it. A `static` one is found by reading files, so nothing needs to be started.
    """

    name: str
    files: Files
    check: str
    reason: str
    before: Before | None = None
    also: tuple[str, ...] = ()
    static: bool = False
    warning: bool = False


def swap(text: str, old: str, new: str) -> str:
    """The text with one thing changed; what is not there cannot be changed."""
    assert old in text, f"{old!r} is not in {text!r}"
    return text.replace(old, new)


def web(old: str, new: str) -> Files:
    return {"devstack.yml": swap(WEB, old, new)}


def database(old: str = "", new: str = "", **sql: str) -> Files:
    return {"devstack.yml": swap(DATABASE, old, new) if old else DATABASE, "db/001_note.sql": NOTE, **sql}


def compose(old: str, new: str, env: str = COMPOSE_ENV) -> Files:
    return {"compose.yaml": swap(COMPOSE, old, new), ".env": env}


# What a person did before


def rendered(stack: Checkout) -> None:
    stack.devstack("render")


def up(stack: Checkout) -> None:
    stack.devstack("up", timeout=180)


def git(stack: Checkout, *words: str) -> None:
    subprocess.run(["git", "-C", str(stack.folder), *words], check=True, capture_output=True)


def in_git(stack: Checkout) -> None:
    git(stack, "init", "-q")


def edited_by_hand(stack: Checkout) -> None:
    rendered(stack)
    stack.edit("compose.yaml", "stop_grace_period: 30s", "stop_grace_period: 31s")


def spec_changed(stack: Checkout) -> None:
    rendered(stack)
    stack.edit("devstack.yml", "database: shop", "database: store")


def key_missing(stack: Checkout) -> None:
    rendered(stack)
    text = (stack.folder / ".env").read_text()
    (stack.folder / ".env").write_text("".join(line for line in text.splitlines(True) if not line.startswith("DB_PASSWORD")))


def readable_by_all(stack: Checkout) -> None:
    rendered(stack)
    (stack.folder / ".env").chmod(0o644)


def not_ignored(stack: Checkout) -> None:
    in_git(stack)
    rendered(stack)
    (stack.folder / ".gitignore").unlink()


def committed(stack: Checkout) -> None:
    in_git(stack)
    rendered(stack)
    git(stack, "add", "-f", ".env")


def private(stack: Checkout) -> None:
    (stack.folder / ".env").chmod(0o600)


def built_with_a_password(stack: Checkout) -> None:
    private(stack)
    stack.devstack("build", timeout=180)
    stack.edit("compose.yaml", ", args: {WORD: '${DB_PASSWORD}'}", "")


def built_twice(stack: Checkout) -> None:
    stack.devstack("build", timeout=180)
    stack.edit("app/Dockerfile", "COPY", "LABEL built=again\nCOPY")
    stack.devstack("build", timeout=180)


def password_changed(stack: Checkout) -> None:
    up(stack)
    stack.secrets.append(stack.env()["DB_PASSWORD"])
    env = (stack.folder / ".env").read_text()
    (stack.folder / ".env").write_text(re.sub(r"(?m)^DB_PASSWORD=.*$", "DB_PASSWORD=another-one-8f3k2j5", env))


def cache_password_changed(stack: Checkout) -> None:
    up(stack)
    stack.secrets.append(stack.env()["CACHE_PASSWORD"])
    env = (stack.folder / ".env").read_text()
    (stack.folder / ".env").write_text(re.sub(r"(?m)^CACHE_PASSWORD=.*$", "CACHE_PASSWORD=another-one-8f3k2j5", env))


def migration_edited(stack: Checkout) -> None:
    up(stack)
    stack.edit("db/001_note.sql", "body text not null", "body text not null, author text")


def migration_added(stack: Checkout) -> None:
    up(stack)
    stack.write({"db/002_tag.sql": "create table tag (name text primary key);\n"})


def by_hand(*statements: str) -> Before:
    def do(stack: Checkout) -> None:
        up(stack)
        for statement in statements:
            stack.sql(statement)

    return do


TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
KEY = "-----BEGIN " + "PRIVATE KEY-----"
RANDOM = "kR7wQ2zX9vB4nM6t"

FILES = (
    Mutation(
        name="a rendered file was edited by hand",
        files=database(),
        before=edited_by_hand,
        check="files.rendered",
        reason="stop_grace_period: 31s",
        static=True,
    ),
    Mutation(
        name="devstack.yml changed, rendered files did not",
        files=database(),
        before=spec_changed,
        check="files.rendered",
        reason="POSTGRES_DB: store",
        static=True,
    ),
    Mutation(
        name="a key is missing in .env",
        files=database(),
        before=key_missing,
        check="files.rendered",
        reason=r"\+DB_PASSWORD",
        also=("files.compose",),
        static=True,
    ),
    Mutation(
        name="a Compose variable has no value",
        files=compose("POSTGRES_DB: shop", 'POSTGRES_DB: shop, TZ: "${ZONE}"'),
        before=private,
        check="files.variables",
        reason="ZONE",
        static=True,
    ),
    Mutation(
        name=".env is readable by everybody",
        files=database(),
        before=readable_by_all,
        check="files.env",
        reason="0644",
        static=True,
    ),
    Mutation(
        name=".env is not ignored by git",
        files=database(),
        before=not_ignored,
        check="files.env",
        reason="does not ignore it",
        static=True,
    ),
    Mutation(
        name=".env is committed", files=database(), before=committed, check="files.env", reason="version control", static=True
    ),
    Mutation(
        name="a build takes .env along",
        files={"devstack.yml": BUILT, "app/Dockerfile": DOCKERFILE, "app/.env": f"API_TOKEN={RANDOM}\n"},
        check="files.dockerignore",
        reason="goes into the build of web",
        static=True,
    ),
    Mutation(
        name="the password of .env is inlined in the Compose file",
        files=compose('"${DB_PASSWORD:?set it}"', COMPOSE_ENV.partition("=")[2].strip()),
        before=private,
        check="files.secrets",
        reason="the value of DB_PASSWORD in .env",
        static=True,
    ),
    Mutation(
        name="a token stands in devstack.yml",
        files=web("LEVEL: info", f"LEVEL: info, GITHUB: {TOKEN}"),
        check="files.secrets",
        reason="a GitHub token",
        static=True,
    ),
    Mutation(
        name="a random password stands in devstack.yml",
        files=web("LEVEL: info", f"LEVEL: info, ADMIN_PASSWORD: {RANDOM}"),
        check="files.secrets",
        reason="ADMIN_PASSWORD has a literal value",
        static=True,
    ),
    Mutation(
        name="a private key stands in devstack.yml",
        files={"devstack.yml": WEB + f"    configs: [key]\nconfigs:\n  key: {{content: '{KEY}'}}\n"},
        check="files.secrets",
        reason="a private key",
        static=True,
    ),
    Mutation(
        name="a word for a password stands in the Compose file",
        files=compose('"${DB_PASSWORD:?set it}"', "postgres"),
        before=private,
        check="files.secrets.literal",
        reason="POSTGRES_PASSWORD has a literal value",
        static=True,
        warning=True,
    ),
    Mutation(
        name="a password is a container's argument",
        files={
            "compose.yaml": swap(COMPOSE, "image: postgres:17\n", "image: postgres:17\n    command: [postgres, -c, 'app.key=${DB_PASSWORD}']\n"),
            ".env": COMPOSE_ENV,
        },
        before=private,
        check="files.arguments",
        reason="db command",
        static=True,
    ),
    Mutation(
        name="a password, and a short one, is an option of a command",
        files={
            "compose.yaml": swap(COMPOSE, "  db:\n", "  cache:\n    image: redis:7\n    command: redis-server --requirepass ${CACHE_PASSWORD}\n  db:\n"),
            ".env": COMPOSE_ENV + "CACHE_PASSWORD=zyx1\n",
        },
        before=private,
        check="files.arguments",
        reason="cache command",
        static=True,
    ),
    Mutation(
        name="a password is written out in a command",
        files=compose("  db:\n", "  cache:\n    image: redis:7\n    command: redis-server --requirepass changeme\n  db:\n"),
        before=private,
        check="files.arguments",
        reason="cache command",
        warning=True,
        static=True,
    ),
    Mutation(
        name="a password is in a health check",
        files=compose("[CMD, pg_isready, -h, 127.0.0.1, -U, shop]", '[CMD-SHELL, "PGPASSWORD=${DB_PASSWORD} psql -U shop -c select"]'),
        before=private,
        check="files.arguments",
        reason="db healthcheck",
        static=True,
    ),
    Mutation(
        name="a password is a build argument",
        files={
            "compose.yaml": swap(COMPOSE, "  db:\n", "  web:\n    build: {context: app, args: {TOKEN: '${DB_PASSWORD}'}}\n  db:\n"),
            "app/Dockerfile": DOCKERFILE,
            ".env": COMPOSE_ENV,
        },
        before=private,
        check="files.arguments",
        reason="web build",
        static=True,
    ),
    Mutation(
        name="a password is in the layers of an image that was built before",
        files={
            "compose.yaml": swap(COMPOSE, "  db:\n", "  web:\n    build: {context: app, args: {WORD: '${DB_PASSWORD}'}}\n  db:\n"),
            "app/Dockerfile": swap(DOCKERFILE, "COPY", 'ARG WORD\nRUN test -n "$WORD"\nCOPY'),
            ".env": COMPOSE_ENV,
        },
        before=built_with_a_password,
        check="files.arguments",
        reason="a secret is built into",
        static=True,
    ),
    Mutation(
        name="an image lies there that a newer build has replaced",
        files={"devstack.yml": BUILT, "app/Dockerfile": DOCKERFILE},
        before=built_twice,
        check="clean.images",
        reason=r"(?s)1 image left.*sha256:",
        warning=True,
    ),
    Mutation(
        name="data lies in a volume without a name",
        files=compose("  db:\n", "  cache:\n    image: redis:7\n  db:\n"),
        before=private,
        check="clean.named",
        reason="cache: /data",
        warning=True,
    ),
    Mutation(
        name="a password is a label",
        files=compose("    image: postgres:17\n", "    image: postgres:17\n    labels: {key: '${DB_PASSWORD}'}\n"),
        before=private,
        check="files.arguments",
        reason="db labels",
        static=True,
    ),
    Mutation(
        name="a port on 0.0.0.0",
        files=web("127.0.0.1:@PORT", "0.0.0.0:@PORT"),
        check="files.ports",
        reason=r"0\.0\.0\.0:\d+ -> 8000",
        static=True,
    ),
    Mutation(
        name="a port without an address",
        files=compose("127.0.0.1:@PORT:5432", "@PORT:5432"),
        before=private,
        check="files.ports",
        reason="on all addresses",
        static=True,
    ),
    Mutation(name="an image called latest", files=web("busybox:1.37", "busybox:latest"), check="files.images", reason="busybox:latest", static=True),
    Mutation(name="an image without a tag", files=web("busybox:1.37", "busybox"), check="files.images", reason="web: busybox", static=True),
    Mutation(
        name="the engine's socket is mounted",
        files={"devstack.yml": WEB + '    volumes: ["/var/run/docker.sock:/var/run/docker.sock"]\n'},
        check="files.powers",
        reason="engine's socket",
        static=True,
    ),
    Mutation(name="a privileged container", files={"devstack.yml": WEB + "    privileged: true\n"}, check="files.powers", reason="privileged", static=True),
    Mutation(
        name="the host's network",
        files=web('    ports: ["127.0.0.1:@PORT:8000"]\n', "    network_mode: host\n"),
        check="files.powers",
        reason="network_mode: host",
        static=True,
    ),
    Mutation(
        name="a capability that is root", files={"devstack.yml": WEB + "    cap_add: [SYS_ADMIN]\n"}, check="files.powers", reason="SYS_ADMIN", static=True
    ),
    Mutation(
        name="PostgreSQL 18 mounted as 17 was",
        files=compose("postgres:17", "postgres:18"),
        before=private,
        check="files.mounts",
        reason="PostgreSQL 18",
        static=True,
    ),
    Mutation(
        name="PostgreSQL's volume is mounted elsewhere",
        files=compose("data:/var/lib/postgresql/data", "data:/var/lib/postgres/data"),
        before=private,
        check="files.mounts",
        reason="/var/lib/postgresql/data",
        static=True,
    ),
    Mutation(
        name="PostgreSQL's data is in memory",
        files=compose("    volumes: [data:/var/lib/postgresql/data]\n", "    tmpfs: [/var/lib/postgresql/data]\n"),
        before=private,
        check="files.mounts",
        reason="in memory",
        static=True,
    ),
    Mutation(
        name="PostgreSQL has no volume",
        files=compose("    volumes: [data:/var/lib/postgresql/data]\n", ""),
        before=private,
        check="files.mounts",
        reason="nothing is mounted for the data",
        static=True,
    ),
    Mutation(
        name="a mounted folder is not there",
        files={"devstack.yml": WEB + '    volumes: ["./nothing:/srv:ro"]\n'},
        check="files.mounts",
        reason="is not there",
        static=True,
    ),
)  # fmt: skip

RUNNING = (
    Mutation(
        name="slow start",
        files={
            "devstack.yml": swap(WEB, "command: [httpd, -f,", 'command: [sh, -c, "sleep 4; exec httpd -f -p 8000 -h /etc", httpd, -f,')
            + "verify: {startup: 3s}\n"
        },
        check="start.cold",
        reason=r"critical path web",
    ),
    Mutation(
        name="a program that ends at once",
        files=web('command: [httpd, -f, -p, "8000", -h, /etc]', 'command: [sh, -c, "echo no key found; exit 3"]'),
        check="start.cold",
        reason="no key found",
    ),
    Mutation(
        name="a health check on the wrong port",
        files=web("127.0.0.1:8000/hostname", "127.0.0.1:8001/hostname"),
        check="start.cold",
        reason="unhealthy",
    ),
    Mutation(
        name="a command that is not in the image",
        files=web('command: [httpd, -f, -p, "8000", -h, /etc]', "command: [gunicorn, app]"),
        check="start.cold",
        reason="gunicorn",
    ),
    Mutation(
        name="a schema file with an error",
        files=database(**{"db/002_bad.sql": "create table tag (name txt);\n"}),
        check="start.cold",
        reason=r"002_bad\.sql:1",
    ),
    Mutation(
        name="a health check that always passes",
        files=web('[CMD, wget, -qO-, "http://127.0.0.1:8000/hostname"]', '[CMD, "true"]'),
        check="health.window.probe.web",
        reason="always passes",
    ),
    Mutation(
        name="a program that ends two seconds later",
        files={
            "devstack.yml": PAIR.replace("depends_on: {side: {condition: service_healthy}}", "labels: {a: b}")
            .replace('command: [httpd, -f, -p, "9000", -h, /etc]', 'command: [sh, -c, "httpd -f -p 9000 -h /etc & sleep 2.2; exit 4"]')
        },
        check="health.window",
        reason="side: exited, exit 4",
        also=("start.again",),
    ),
    Mutation(
        name="a program that crashes after 20 s",
        files={
            "devstack.yml": swap(WEB, 'command: [httpd, -f, -p, "8000", -h, /etc]', 'command: [sh, -c, "httpd -f -p 8000 -h /etc & sleep 20; exit 4"]')
            + "verify: {window: 25s}\n"
        },
        check="health.window",
        reason="web: exited, exit 4",
    ),
    Mutation(
        name="a program that is restarted now and then",
        files={
            "devstack.yml": swap(WEB, 'command: [httpd, -f, -p, "8000", -h, /etc]', 'command: [sh, -c, "httpd -f -p 8000 -h /etc & sleep 2.5; exit 4"]\n    restart: always')
        },
        check="health.window",
        reason="restarted",
        also=("reach.web.8000",),
    ),
    Mutation(
        name="a program that wants more memory than it has",
        files={
            "devstack.yml": swap(PAIR, 'command: [httpd, -f, -p, "9000", -h, /etc]', 'command: [sh, -c, "httpd -p 9000 -h /etc; sleep 1.5; tail /dev/zero; sleep 60"]')
            + "    mem_limit: 24m\n"
        },
        check="health.window",
        reason="want of memory",
        also=("logs.side",),
    ),
    Mutation(
        name="a program that falls ill after a while",
        files={
            "devstack.yml": PAIR.replace('command: [httpd, -f, -p, "9000", -h, /etc]', 'command: [sh, -c, "mkdir /w; echo ok > /w/hostname; (sleep 2; rm /w/hostname) & exec httpd -f -p 9000 -h /w"]')
            .replace('9000/hostname"], interval: 2s', '9000/hostname"], interval: 1s, retries: 1')
        },
        check="health.window",
        reason="side: unhealthy",
        also=("health.recovery", "start.again"),
    ),
    Mutation(
        name="a program that a stale pid file keeps from coming back",
        files=web(
            'command: [httpd, -f, -p, "8000", -h, /etc]',
            'command: [sh, -c, "if [ -e /tmp/pid ]; then echo it runs already; exit 1; fi; touch /tmp/pid; exec httpd -f -p 8000 -h /etc"]',
        ),
        check="health.recovery",
        reason="it runs already",
    ),
    Mutation(name="the wrong port is published", files=web(":8000\"]", ":8001\"]"), check="reach.web.8001", reason="closed at once|refused|reset"),
    Mutation(
        name="a program that listens on its own loopback only",
        files=web('-p, "8000"', '-p, "127.0.0.1:8000"'),
        check="reach.web.8000",
        reason=r"listens on: .*127\.0\.0\.1:8000",
    ),
    Mutation(
        name="PostgreSQL published with the wrong port",
        files=compose("@PORT:5432", "@PORT:5433"),
        before=private,
        check="reach.db.5433",
        reason="closed at once|refused|reset",
    ),
    Mutation(
        name="a program that answers with 500",
        files={
            "devstack.yml": swap(WEB, "-h, /etc]", "-h, /srv]").replace("8000/hostname", "8000/ok") + '    volumes: ["./srv:/srv"]\n',
            "srv/ok": "ok\n",
            "srv/cgi-bin/index.cgi": "#!/bin/sh\nprintf 'Status: 500 Broken\\r\\n\\r\\n'\n",
        },
        before=lambda stack: (stack.folder / "srv/cgi-bin/index.cgi").chmod(0o755),
        check="reach.web.8000",
        reason="500",
    ),
    Mutation(
        name="two services that need each other on two networks",
        files={
            "devstack.yml": swap(PAIR, "depends_on:", "networks: [front]\n    depends_on:") + "    networks: [back]\nnetworks: {front: {}, back: {}}\n"
        },
        check="reach.web.to.side",
        reason="web is on front",
    ),
    Mutation(
        name="a dependency that listens on another port",
        files={
            "devstack.yml": PAIR.replace('"9000"', '"9100"', 1).replace("127.0.0.1:9000/", "127.0.0.1:9100/")
        },
        check="reach.web.to.side",
        reason="9000",
    ),
    Mutation(
        name="the password was changed after the volume was made",
        files=database(),
        before=password_changed,
        check="credentials.db.running",
        reason="made with another password",
        also=("schema.applied.db.shop.running", "schema.indexes.db.shop.running", "schema.constraints.db.shop.running", "schema.catalog.db.shop"),
    ),
    Mutation(
        name="the cache runs with another password",
        files={"devstack.yml": swap(CACHE, "kind: redis,", "kind: redis, password: true,")},
        before=cache_password_changed,
        check="credentials.cache.running",
        reason="WRONGPASS|invalid password|AUTH",
    ),
    Mutation(
        name="an error in the log",
        files=web('command: [httpd, -f, -p, "8000", -h, /etc]', 'command: [sh, -c, "echo ERROR: cannot open the ledger; exec httpd -f -p 8000 -h /etc"]'),
        check="logs.web",
        reason="cannot open the ledger",
    ),
    Mutation(
        name="an exception in the log",
        files=web(
            'command: [httpd, -f, -p, "8000", -h, /etc]',
            """command: [sh, -c, 'echo "ValueError: no such tenant"; exec httpd -f -p 8000 -h /etc']""",
        ),
        check="logs.web",
        reason="no such tenant",
    ),
    Mutation(
        name="an error as JSON in the log",
        files=web(
            'command: [httpd, -f, -p, "8000", -h, /etc]',
            """command: [sh, -c, 'echo "{\\"level\\":\\"error\\",\\"msg\\":\\"no queue\\"}"; exec httpd -f -p 8000 -h /etc']""",
        ),
        check="logs.web",
        reason="no queue",
    ),
    Mutation(
        name="a migration was edited after it was applied",
        files=database(),
        before=migration_edited,
        check="schema.applied.db.shop.running",
        reason="edited",
        also=("schema.catalog.db.shop",),
    ),
    Mutation(
        name="a migration is not applied to the running database",
        files=database(),
        before=migration_added,
        check="schema.applied.db.shop.running",
        reason="pending",
        also=("schema.catalog.db.shop",),
    ),
    Mutation(
        name="an index is invalid",
        files=database(),
        before=by_hand("create index note_body on note (body)", "set role to default; update pg_index set indisvalid = false where indexrelid = 'note_body'::regclass"),
        check="schema.indexes.db.shop.running",
        reason="note_body",
        also=("schema.catalog.db.shop",),
    ),
    Mutation(
        name="a migration leaves an index invalid",
        files=database(**{"db/002_index.sql": "create index note_body on note (body);\nupdate pg_index set indisvalid = false where indexrelid = 'note_body'::regclass;\n"}),
        check="schema.indexes.db.shop",
        reason="note_body",
    ),
    Mutation(
        name="a column was added by hand",
        files=database(),
        before=by_hand("alter table note add column author text"),
        check="schema.catalog.db.shop",
        reason=r"\+ .*author",
    ),
    Mutation(
        name="a table was dropped by hand",
        files=database(),
        before=by_hand("drop table note"),
        check="schema.catalog.db.shop",
        reason=r"- table .*note",
    ),
    Mutation(
        name="a constraint was never checked",
        files=database(**{"db/002_check.sql": "alter table note add constraint short check (length(body) < 100) not valid;\n"}),
        check="schema.constraints.db.shop",
        reason="short",
        warning=True,
    ),
    Mutation(
        name="a custom image that keeps its data beside the volume",
        files={
            "compose.yaml": swap(
                COMPOSE.replace("data:/var/lib/postgresql/data", "data:/elsewhere").replace("POSTGRES_DB: shop", "POSTGRES_DB: shop, PGDATA: /elsewhere/data"),
                "    ports:",
                '    entrypoint: [sh, -c, "export PGDATA=/var/lib/postgresql/other; exec docker-entrypoint.sh postgres"]\n    ports:',
            ),
            ".env": COMPOSE_ENV,
        },
        before=private,
        check="data.persists.data",
        reason="does not keep its data in this volume",
    ),
    Mutation(
        name="a cache that keeps nothing, with a volume",
        files={
            "devstack.yml": swap(CACHE, "{kind: redis, port: @PORT}", "{image: 'redis:7', command: [redis-server, --save, ''], ports: ['127.0.0.1:@PORT:6379'], volumes: ['kept:/data']}")
            + "volumes: {kept: {}}\n"
        },
        check="data.persists.kept",
        reason="does not keep its data",
    ),
    Mutation(
        name="a volume mounted where the cache does not look",
        files={
            "devstack.yml": swap(CACHE, "{kind: redis, port: @PORT}", "{image: 'redis:7', command: [redis-server, --appendonly, 'yes'], ports: ['127.0.0.1:@PORT:6379'], volumes: ['kept:/var/redis']}")
            + "volumes: {kept: {}}\n"
        },
        check="data.persists.kept",
        reason="does not keep its data",
    ),
    Mutation(
        name="a program that empties its volume when it starts",
        files={"devstack.yml": swap(FOLDER, 'command: [httpd, -f, -p, "8000", -h, /data]', 'command: [sh, -c, "rm -rf /data/* /data/.d*; exec httpd -f -p 8000 -h /data"]')},
        check="data.persists.things",
        reason="does not keep its data",
    ),
    Mutation(
        name="a schema that is different each time",
        files=database(**{"db/002_random.sql": "do $$ begin execute format('create table t_%s ()', (extract(epoch from clock_timestamp()) * 1000)::bigint); end $$;\n"}),
        check="data.reset.schema.db.shop",
        reason="the catalog differs",
    ),
    Mutation(
        name="edits are not served: the page is copied at the start",
        files={
            "devstack.yml": swap(PAGE, 'command: [python, -m, http.server, "8000"]', 'command: [sh, -c, "cp -r /srv /copy; cd /copy; exec python -m http.server 8000"]'),
            "page/index.html": "hello\n",
        },
        check="reload.web",
        reason="not after 4 s",
    ),
    Mutation(
        name="edits are not served: another folder is mounted",
        files={"devstack.yml": PAGE.replace("./page:/srv", "./other:/srv"), "page/index.html": "hello\n", "other/index.html": "hello\n"},
        check="reload.web",
        reason="not below a folder",
    ),
    Mutation(
        name="a criterion is not met: the API says something else",
        files={
            "devstack.yml": WEB + 'verify: {criteria: [{id: AC1, text: "it greets", check: http, service: web, path: /hostname, contains: [hello there]}]}\n'
        },
        check="criteria.AC1",
        reason='"hello there" is not in it',
    ),
    Mutation(
        name="a check of the project's own fails",
        files={"devstack.yml": DATABASE + 'verify: {checks: [{id: notes, check: sql, query: "select count(*) from note", at_least: 1}]}\n', "db/001_note.sql": NOTE},
        check="notes",
        reason="it is 0",
    ),
)  # fmt: skip

MUTATIONS = (*FILES, *RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of one stack. `found`: it failed on the right check with the right reason; `alarms` are failures nobody expects."""

    name: str
    found: bool
    saw: str
    alarms: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def good(self) -> bool:
        return self.found and not self.alarms


def verify(stack: Checkout, *arguments: str) -> Ran:
    return stack.devstack("verify", "--json", *arguments, code=None, timeout=300)


def failures(ran: Ran) -> list[dict[str, Any]]:
    """The failed results; an error that kept verify from beginning counts as one."""
    if ran.data is None:
        error = ran.document["error"]
        return [
            {"id": f"error.{error['code']}", "severity": "error", "saw": error["message"], "evidence": [], "fix": [], "where": None}
        ]
    return [result for result in ran.data["results"] if result["status"] == "fail"]


def judge(mutation: Mutation, stack: Checkout) -> Verdict:
    """Break, verify, and hold against what is expected."""
    begun = time.monotonic()
    if mutation.before is not None:
        mutation.before(stack)
    ran = verify(stack, *(["--only", "files"] if mutation.static else []))
    found = failures(ran)
    right = [r for r in found if _is(r["id"], mutation.check)]
    told = [r for r in right if re.search(mutation.reason, "\n".join([r["saw"], *r["evidence"], _place(r)]))]
    named = all(r["fix"] or r["evidence"] for r in told)
    severity = all(r["severity"] == ("warning" if mutation.warning else "error") for r in told)
    code = ran.code == (0 if mutation.warning else 3)
    others = [r for r in found if r["severity"] == "error" and not _is(r["id"], mutation.check)]
    alarms = [r["id"] for r in others if not any(_is(r["id"], other) for other in mutation.also)]
    saw = "; ".join(f"{r['id']}: {r['saw']}" for r in found) or "nothing failed"
    good = bool(told) and named and severity and code
    return Verdict(name=mutation.name, found=good, saw=saw, alarms=tuple(alarms), seconds=time.monotonic() - begun)


def _place(result: dict[str, Any]) -> str:
    where = result["where"]
    return f"{where['file']}:{where['line']}" if where else ""


def _is(name: str, of: str) -> bool:
    return name == of or name.startswith(f"{of}.")


def judge_sound(name: str, stack: Checkout, *, static: bool = False) -> Verdict:
    """A sound stack must pass, without a warning."""
    begun = time.monotonic()
    if (stack.folder / ".env").exists():
        private(stack)
    ran = verify(stack, *(["--only", "files"] if static else []))
    found = failures(ran)
    saw = "; ".join(f"{r['id']}: {r['saw']}" for r in found) or "nothing failed"
    return Verdict(name=name, found=ran.code == 0 and not found, saw=saw, seconds=time.monotonic() - begun)


def verdicts(
    mutations: Iterator[Mutation], sound: Mapping[str, Files], make: Callable[[Files], Checkout]
) -> Iterator[tuple[str, Verdict]]:
    for mutation in mutations:
        yield mutation.check, _or_broken(mutation.name, lambda m=mutation: judge(m, make(m.files)))  # type: ignore[misc]
    for name, files in sound.items():
        yield "(sound)", _or_broken(name, lambda n=name, f=files: judge_sound(n, make(f)))  # type: ignore[misc]


def _or_broken(name: str, run: Callable[[], Verdict]) -> Verdict:
    """One stack that cannot be judged at all is a miss, and not the end of the table."""
    try:
        return run()
    except (AssertionError, subprocess.SubprocessError, DevstackError) as error:
        return Verdict(name=name, found=False, saw=f"{type(error).__name__}: {error}")


def main(arguments: list[str]) -> int:
    """Print the table; 1 when something was missed or a sound stack failed."""
    from devstack.engine.docker import connect
    from devstack.engine.endpoint import resolve
    from tests.scenarios.conftest import checkouts, remove

    word = arguments[arguments.index("--only") + 1] if "--only" in arguments else ""
    static = "--static" in arguments
    since = arguments[arguments.index("--from") + 1] if "--from" in arguments else ""
    first = next(index for index, mutation in enumerate(MUTATIONS) if since in mutation.name)
    chosen = [m for m in MUTATIONS[first:] if word in m.name and (m.static or not static)]
    sound = {} if static else {name: files for name, files in SOUND.items() if word in name}
    engine = connect(resolve(None, {}))
    rows: list[tuple[str, Verdict]] = []
    with tempfile.TemporaryDirectory() as folder, checkouts(engine, Path(folder)) as make:
        made: list[Checkout] = []

        def one(files: Files) -> Checkout:
            while made:
                remove(engine, made.pop().project)  # one at a time: ports, memory and names are the machine's
            made.append(make(files))
            return made[-1]

        for check, verdict in verdicts(iter(chosen), sound, one):
            rows.append((check, verdict))
            sign = "ok  " if verdict.good else "MISS" if not verdict.found else "also"
            print(f"{sign} {verdict.seconds:5.1f} s  {verdict.name:<58} {check}", flush=True)
            if not verdict.good:
                print(f"       saw: {verdict.saw[:1500]}", flush=True)
    broken = [verdict for check, verdict in rows if check != "(sound)"]
    passed = [verdict for check, verdict in rows if check == "(sound)"]
    print(
        f"\n{sum(v.found for v in broken)} of {len(broken)} broken stacks fail on the right check with the right reason, "
        f"{sum(v.good for v in broken)} of them without any other failure; {sum(v.good for v in passed)} of {len(passed)} sound stacks pass"
    )
    return 0 if all(v.good for _, v in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

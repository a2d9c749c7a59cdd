"""`reset` and `undo` of a database of 120 MB that 1,000 migrations make, against making it again and against pg_restore."""

from __future__ import annotations

import shlex
from pathlib import Path

from tests.bench.process import BenchError, Sample, ask, timed
from tests.bench.stage import Stage, free_port

OURS = "devstack"
MIGRATIONS = 1000
DATA_ROWS = 900_000
"""About 120 MB of one table."""
SPEC = """\
name: {project}
services:
  db: {{kind: postgres, version: "17", database: shop, user: shop, port: {port}}}
schema: {{service: db, files: ["db/*.sql"]}}
"""
COMPOSE = """\
name: {project}
services:
  db:
    image: postgres:17
    environment: {{POSTGRES_USER: shop, POSTGRES_PASSWORD: bench, POSTGRES_DB: shop}}
    volumes: ["data:/var/lib/postgresql/data", "./db:/sql:ro"]
    healthcheck: {{test: [CMD, pg_isready, -h, 127.0.0.1, -U, shop, -d, shop], interval: 5s, retries: 20}}
volumes: {{data: {{}}}}
"""


def migrations(folder: Path) -> None:
    """Tables with an index and a row each, columns added to earlier ones, and one file that brings the bulk of the data."""
    db = folder / "db"
    db.mkdir()
    for number in range(MIGRATIONS):
        if number == 500:
            body = (
                "create table bulk (id int primary key, body text not null);\n"
                f"insert into bulk select g, repeat(md5(g::text), 3) from generate_series(1, {DATA_ROWS}) g;\n"
            )
        elif number % 5 == 0:
            body = (
                f"create table t{number} (id serial primary key, name text not null);\n"
                f"create index on t{number} (name);\ninsert into t{number} (name) values ('first');\n"
            )
        else:
            table = number - number % 5 if number - number % 5 != 500 else 495
            body = f"alter table t{table} add column c{number} int default {number};\n"
        (db / f"{number:04}_step.sql").write_text(body)


class _Database:
    """One devstack stack with that database, reset once so that its template stands, and up."""

    runs = 2

    def __init__(self, stage: Stage, name: str, command: list[str]) -> None:
        from tests.bench.contests import devstack

        self.devstack = devstack()
        self.folder = stage.folder(name)
        self.project = stage.project()
        migrations(self.folder)
        (self.folder / "devstack.yml").write_text(SPEC.format(project=self.project, port=free_port()))
        self.command = [self.devstack, *command]
        self.ready = False

    @property
    def container(self) -> str:
        return f"{self.project}-db-1"

    def ours(self) -> tuple[list[str], Path]:
        return self.command, self.folder

    def before_ours(self) -> None:
        if not self.ready:
            timed([self.devstack, "up"], self.folder)
            timed([self.devstack, "reset", "--yes"], self.folder)
            self.prepare()
            self.ready = True
        self.sql("insert into t0 (name) values ('made since')")

    def prepare(self) -> None:
        """What one side needs once."""

    def after_ours(self) -> None:
        self.expect_clean()

    def expect_clean(self) -> None:
        found = self.sql("select (select count(*) from bulk) || ' ' || (select count(*) from t0)")
        if found != f"{DATA_ROWS} 1":
            raise BenchError(f"{self.project}: the clean state was expected, this is there: {found}")

    def sql(self, statement: str) -> str:
        return ask("docker", "exec", self.container, "psql", "-XAtqU", "shop", "-c", statement).strip()


class ResetAgainstReplay(_Database):
    """The same clean state twice: from the template, and by dropping the database and applying every file again."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage, "reset-replay", ["reset", "--yes"])

    def run(self, side: str) -> Sample:
        self.before_ours()
        if side == OURS:
            sample = timed(self.command, self.folder)
        else:
            new = f"docker exec {self.container} psql -XqU shop -d postgres -c 'drop database shop with (force)' -c 'create database shop'"
            sample = timed(["sh", "-ec", f"{new}; {shlex.quote(self.devstack)} schema apply"], self.folder)
        self.after_ours()
        return sample


class ResetAgainstCompose(_Database):
    """Theirs: new volumes, a new server, and one psql session that runs all the files."""

    runs = 1

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage, "reset-compose", ["reset", "--yes"])
        self.theirs = stage.folder("reset-compose-plain")
        self.their_project = stage.project()
        migrations(self.theirs)
        (self.theirs / "compose.yaml").write_text(COMPOSE.format(project=self.their_project))
        timed(["docker", "compose", "up", "-d", "--wait"], self.theirs)

    def run(self, side: str) -> Sample:
        if side == OURS:
            self.before_ours()
            sample = timed(self.command, self.folder)
            self.after_ours()
            return sample
        files = 'cd /sql; for f in *.sql; do set -- "$@" -f "$f"; done; psql -XqU shop -v ON_ERROR_STOP=1 "$@"'
        steps = f"docker compose down -v; docker compose up -d --wait; docker compose exec -T db sh -c {shlex.quote(files)}"
        sample = timed(["sh", "-ec", steps], self.theirs)
        found = ask(
            "docker", "exec", f"{self.their_project}-db-1", "psql", "-XAtqU", "shop", "-c", "select count(*) from bulk"
        ).strip()
        if found != str(DATA_ROWS):
            raise BenchError(f"{self.their_project}: {found} rows came of the files")
        return sample


class UndoAgainstRestore(_Database):
    """The database from before a reset: by `undo`, and by pg_restore of a dump that was made in time."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage, "undo-restore", ["undo", "--yes"])

    def prepare(self) -> None:
        ask("docker", "exec", self.container, "pg_dump", "-U", "shop", "-d", "shop", "-Fc", "-f", "/tmp/bench.dump")

    def run(self, side: str) -> Sample:
        self.before_ours()
        timed([self.devstack, "reset", "--yes"], self.folder)
        if side == OURS:
            sample = timed(self.command, self.folder)
        else:
            restore = ["pg_restore", "-U", "shop", "-d", "shop", "--clean", "--if-exists", "/tmp/bench.dump"]
            sample = timed(["docker", "exec", self.container, *restore], self.folder)
        if self.sql("select count(*) from bulk") != str(DATA_ROWS):
            raise BenchError(f"{self.project}: the bulk of the data did not come back")
        return sample

    def after_ours(self) -> None:
        return

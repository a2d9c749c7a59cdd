"""SQL files into one server: `devstack schema apply` against psql, dbmate and Alembic. Whole commands, interpreter's start included."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.bench.process import BenchError, Sample, ask, timed
from tests.bench.stage import Stage, free_port

OURS = "devstack"
MIGRATIONS = 1000
COPY_ROWS = 1_000_000
DUMP_ROWS = 350_000
"""Rows whose plain dump is about 40 MB."""
SPEC = """\
name: {project}
services:
  db: {{kind: postgres, version: "17", database: shop, user: shop, port: {port}}}
"""
SCHEMA = 'schema: {service: db, files: ["db/*.sql"]}\n'
ENV_PY = """\
from alembic import context
from sqlalchemy import create_engine
import os

with create_engine(os.environ["BENCH_URL"]).connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
REVISION = (
    'from alembic import op\nrevision = "{number:04}"\ndown_revision = {before}\ndef upgrade():\n    op.execute("""{sql}""")\n'
)

Command = Callable[["_Ground"], Sequence[str]]


def bodies() -> list[str]:
    """1,000 small migrations: tables, indexes, functions with triggers, columns, rows."""
    made = []
    for number in range(MIGRATIONS):
        table = f"t{number - number % 5}"
        made.append(
            (
                f"create table {table} (id int primary key, name text not null, at timestamptz default now());\n",
                f"create index {table}_name on {table} (name);\n",
                f"create function {table}_f() returns trigger language plpgsql as $$ begin new.name := upper(new.name); return new; end $$;\n"
                f"create trigger up before insert on {table} for each row execute function {table}_f();\n",
                f"insert into {table} (id, name) values (1, 'one'), (2, 'two');\n",
                f"alter table {table} add column more int default {number};\n",
            )[number % 5]
        )
    return made


class _Ground:
    """A stack with an empty database, and the files of a contest in its folder. `url` is for the rivals, in their environment."""

    def __init__(self, stage: Stage, name: str) -> None:
        from tests.bench.contests import devstack

        self.devstack = devstack()
        self.stage = stage
        self.folder = stage.folder(name)
        self.project = stage.project()
        self.port = free_port()
        (self.folder / "devstack.yml").write_text(SPEC.format(project=self.project, port=self.port))
        (self.folder / "db").mkdir()
        self.password = ""

    def up(self) -> None:
        """Start the server; the spec learns of the schema's files afterwards."""
        timed([self.devstack, "up"], self.folder)
        with (self.folder / "devstack.yml").open("a") as spec:
            spec.write(SCHEMA)
        lines = (self.folder / ".env").read_text().splitlines()
        self.password = next(line.partition("=")[2].strip("'\"") for line in lines if "PASSWORD=" in line)

    @property
    def environment(self) -> dict[str, str]:
        login = f"shop:{self.password}@127.0.0.1:{self.port}/shop"
        return {
            "PGPASSWORD": self.password,
            "DATABASE_URL": f"postgres://{login}?sslmode=disable",
            "BENCH_URL": f"postgresql+psycopg://{login}",
        }

    def psql(self, *arguments: str) -> list[str]:
        return [str(host_psql()), "-Xq", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(self.port), "-U", "shop", *arguments]

    def empty(self) -> None:
        made = ["-c", "drop database if exists shop with (force)", "-c", "create database shop", "-c", "checkpoint"]
        ask("docker", "exec", f"{self.project}-db-1", "psql", "-XqU", "shop", "-d", "postgres", *made)

    def count(self, of: str) -> int:
        return int(ask("docker", "exec", f"{self.project}-db-1", "psql", "-XAtqU", "shop", "-c", f"select {of}"))


def host_psql() -> Path:
    """The real psql of this machine: Debian's wrapper in Perl would be measured with it."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/psql"), key=lambda path: int(path.parts[4]))
    other = shutil.which("psql")
    if not found and other is None:
        raise BenchError("no psql on this machine; install a PostgreSQL client")
    return found[-1] if found else Path(str(other))


class Applying:
    """Our `schema apply` and a rival's command, each on an empty database; afterwards `tables` tables have to be there."""

    runs = 1

    def __init__(self, stage: Stage, name: str, write: Callable[[_Ground], None], theirs: Command, *, proof: str, wanted: int):
        self.ground = _Ground(stage, name)
        self.write, self.theirs, self.proof, self.wanted = write, theirs, proof, wanted
        self.rival: Sequence[str] = ()
        self.command = [self.ground.devstack, "schema", "apply"]

    def ready(self) -> None:
        if not self.rival:
            self.ground.up()
            self.write(self.ground)
            self.rival = self.theirs(self.ground)

    def run(self, side: str) -> Sample:
        self.before_ours()
        sample = timed(self.command if side == OURS else self.rival, self.ground.folder, self.ground.environment)
        self.after_ours()
        return sample

    def ours(self) -> tuple[list[str], Path]:
        return self.command, self.ground.folder

    def before_ours(self) -> None:
        self.ready()
        self.ground.empty()

    def after_ours(self) -> None:
        found = self.ground.count(self.proof)
        if found != self.wanted:
            raise BenchError(f"{self.ground.project}: {self.wanted} were expected of {self.proof}, and {found} are there")


class NothingPending(Applying):
    """The same commands where everything has been applied: each tool on what it made itself."""

    runs = 5

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage, "sql-nothing", _write_for_dbmate, _dbmate, proof=TABLES, wanted=MIGRATIONS // 5)
        self.made_by = ""

    def run(self, side: str) -> Sample:
        self.ready()
        if self.made_by != side:
            self.ground.empty()
            command = self.command if side == OURS else self.rival
            timed(command, self.ground.folder, self.ground.environment)
            self.made_by = side
        sample = timed(self.command if side == OURS else self.rival, self.ground.folder, self.ground.environment)
        self.after_ours()
        return sample


TABLES = "count(*) from pg_class where relname ~ '^t[0-9]+$'"


def _write(ground: _Ground) -> None:
    for number, body in enumerate(bodies()):
        (ground.folder / "db" / f"{number:04}_step.sql").write_text(body)


def _write_for_dbmate(ground: _Ground) -> None:
    _write(ground)
    (ground.folder / "dbmate").mkdir()
    for number, body in enumerate(bodies()):
        (ground.folder / "dbmate" / f"{number:04}_step.sql").write_text(f"-- migrate:up\n{body}\n-- migrate:down\n")


def _write_for_alembic(ground: _Ground) -> None:
    _write(ground)
    versions = ground.folder / "alembic" / "versions"
    versions.mkdir(parents=True)
    (ground.folder / "alembic.ini").write_text("[alembic]\nscript_location = alembic\n")
    (ground.folder / "alembic" / "env.py").write_text(ENV_PY)
    for number, body in enumerate(bodies()):
        before = repr(f"{number - 1:04}") if number else "None"
        (versions / f"{number:04}_step.py").write_text(REVISION.format(number=number, before=before, sql=body))


def _write_dump(ground: _Ground) -> None:
    """A plain pg_dump of about 40 MB: tables with keys, indexes and foreign keys, made in the server itself."""
    ground.empty()
    parents = "insert into parent select g, md5(g::text) from generate_series(1, 1000) g"
    statements = [f"create table parent (id int primary key, name text not null); {parents}"]
    for number in range(5):
        statements.append(
            f"create table t{number} (id int primary key, parent int references parent, body text not null, at timestamptz);"
            f"insert into t{number} select g, 1 + g % 1000, repeat(md5(g::text), 2), '2026-01-01'::timestamptz + g * interval '1 second'"
            f" from generate_series(1, {DUMP_ROWS // 5}) g; create index on t{number} (parent); create index on t{number} (at)"
        )  # fmt: skip
    ask("docker", "exec", f"{ground.project}-db-1", "psql", "-XqU", "shop", *(part for text in statements for part in ("-c", text)))
    dump = ask("docker", "exec", f"{ground.project}-db-1", "pg_dump", "-U", "shop", "-d", "shop")
    (ground.folder / "db" / "dump.sql").write_text(dump + "\n")


def _write_rows(ground: _Ground) -> None:
    with (ground.folder / "db" / "rows.tsv").open("w") as file:
        file.writelines(f"{n}\tcustomer {n}\t{n * 7 % 1000}\t2026-01-01 00:00:00+00\n" for n in range(COPY_ROWS))
    table = "create table t0 (id int, name text, amount int, at timestamptz);\n"
    (ground.folder / "db" / "rows.sql").write_text(f"{table}\\copy t0 from 'db/rows.tsv'\n")


def _one_session(ground: _Ground) -> list[str]:
    files = sorted(path.name for path in (ground.folder / "db").glob("*.sql"))
    return ground.psql("-d", "shop", *(part for name in files for part in ("-f", f"db/{name}")))


def _session_each(ground: _Ground) -> list[str]:
    psql = " ".join(ground.psql("-d", "shop"))
    return ["sh", "-ec", f"for file in db/*.sql; do {psql} -f $file; done"]


def _dbmate(ground: _Ground) -> list[str]:
    """dbmate from $BENCH_DBMATE, the path, or npm."""
    found = os.environ.get("BENCH_DBMATE") or shutil.which("dbmate")
    if found is None:
        place = ground.stage.root / "npm"
        try:
            subprocess.run(["npm", "install", "--prefix", str(place), "dbmate"], capture_output=True, check=True, timeout=180)
        except (OSError, subprocess.SubprocessError) as error:
            raise BenchError(f"dbmate is neither here nor to be had from npm: {error}") from error
        found = str(next(place.glob("node_modules/@dbmate/*/bin/dbmate")))
    return [found, "--no-dump-schema", "-d", "dbmate", "up"]


def _alembic(ground: _Ground) -> list[str]:
    """Alembic from $BENCH_ALEMBIC, or from PyPI in an environment of its own."""
    found = os.environ.get("BENCH_ALEMBIC")
    if found is None:
        place = ground.stage.root / "alembic"
        try:
            subprocess.run([sys.executable, "-m", "venv", str(place)], capture_output=True, check=True, timeout=180)
            pip = [str(place / "bin" / "pip"), "install", "alembic", "psycopg[binary]"]
            subprocess.run(pip, capture_output=True, check=True, timeout=300)
        except (OSError, subprocess.SubprocessError) as error:
            raise BenchError(f"Alembic is not to be had from PyPI: {error}") from error
        found = str(place / "bin" / "alembic")
    return [found, "upgrade", "head"]


def _thousand(name: str, theirs: Command, write: Callable[[_Ground], None] = _write) -> Callable[[Stage], Applying]:
    return lambda stage: Applying(stage, name, write, theirs, proof=TABLES, wanted=MIGRATIONS // 5)


CONTESTS: dict[str, Callable[[Stage], Applying]] = {
    "sql-session": _thousand("sql-session", _one_session),
    "sql-each": _thousand("sql-each", _session_each),
    "sql-dbmate": _thousand("sql-dbmate", _dbmate, _write_for_dbmate),
    "sql-alembic": _thousand("sql-alembic", _alembic, _write_for_alembic),
    "sql-nothing": NothingPending,
    "sql-dump": lambda stage: Applying(
        stage, "sql-dump", _write_dump, _one_session, proof="count(*) from t4", wanted=DUMP_ROWS // 5
    ),
    "sql-copy": lambda stage: Applying(stage, "sql-copy", _write_rows, _one_session, proof="count(*) from t0", wanted=COPY_ROWS),
}

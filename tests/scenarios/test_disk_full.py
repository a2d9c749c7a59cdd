"""A database whose disk is full: said in words, and everything as it was. The disk is a small one in memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.scenarios.checkout import Checkout
from tests.scenarios.conftest import MakeCheckout
from tests.scenarios.stacks import DATABASE

SMALL = {
    **DATABASE,
    "devstack.yml": DATABASE["devstack.yml"].replace(
        "schema:", 'volumes:\n  db-data: {driver_opts: {type: tmpfs, device: tmpfs, o: "size=100m"}}\nschema:'
    ),
}
# What is unlogged fills the disk past the server's log, and is gone with its transaction.
MANY = "create table half ();\ncreate unlogged table many as select repeat(md5(i::text), 30) from generate_series(1, 300000) i;\n"
LOG = "insert into note (body) values ('torn');\nselect pg_logical_emit_message(false, 'x', repeat('x', 1000000)) from generate_series(1, 120);\n"


@pytest.fixture(scope="module")
def full(standing: MakeCheckout) -> Checkout:
    """A stack with a small disk and a migration that fills it."""
    made = standing(SMALL)
    made.devstack("up")
    made.sql("insert into note (body) values ('kept')")
    made.write({"db/002_many.sql": MANY})
    return made


def databases(made: Checkout) -> set[str]:
    return set(made.sql("select datname from pg_database where not datistemplate").splitlines())


def ledger(made: Checkout) -> str:
    return made.sql("select string_agg(path || ' ' || state, ',' order by path) from devstack.schema_history")


def is_untouched(made: Checkout) -> bool:
    return made.rows() == "kept" and ledger(made) == "db/001_note.sql applied" and databases(made) == {"postgres", "shop"}


def test_a_migration_that_fills_the_disk_says_so_and_leaves_the_old_state(full: Checkout) -> None:
    error = full.devstack("schema", "apply", "--json", code=1).document["error"]
    assert error["code"] == "disk-full" and error["where"] == "db/002_many.sql:2:1"
    assert error["message"].startswith("the disk of db is full: ") and "No space left on device" in error["message"]
    assert (
        error["details"]["disk"].startswith(f"volume {full.name}_db-data: ") and "MB free of 104.9 MB" in error["details"]["disk"]
    )
    assert error["details"]["state"] == "db/shop is as it was before this file: 1 applied, 1 failed, 0 pending."
    assert any("devstack db prune" in hint for hint in error["hint"])
    assert full.sql("select to_regclass('half') is null") == "t"
    assert is_untouched(full)


def test_a_template_that_fills_the_disk_is_dropped(full: Checkout) -> None:
    ran = full.devstack("reset", "--yes", code=1)
    assert "db/002_many.sql:2:1: the disk of db is full" in ran.err and "no data was touched" in ran.err
    assert is_untouched(full)
    assert "nothing to undo" in full.devstack("undo", "--yes", code=2).err


@pytest.fixture
def little(full: Checkout) -> Iterator[Checkout]:
    """10 MB are free."""
    ballast = "cd \"$PGDATA\" && free=$(df -Pk . | awk 'END {print $4}') && head -c $((free - 10240))k /dev/zero > ballast"
    (container,) = full.ids().values()
    assert full.engine.exec(container, ["sh", "-c", ballast]).exit_code == 0
    yield full
    full.engine.exec(container, ["sh", "-c", 'rm "$PGDATA/ballast"'])


def test_a_snapshot_that_does_not_fit_is_not_begun(little: Checkout) -> None:
    error = little.devstack("db", "snapshot", "big", "--json", code=1).document["error"]
    assert error["code"] == "disk-full" and "no room for a copy of shop" in error["message"]
    assert set(error["details"]) == {"disk", "needed", "state"}
    assert little.devstack("db", "snapshots", "--json").data["snapshots"] == []
    assert is_untouched(little)


def test_a_reset_that_does_not_fit_touches_nothing(little: Checkout) -> None:
    ran = little.devstack("reset", "--yes", code=1)
    assert "[disk-full]" in ran.err and "no data was touched" in ran.err
    assert is_untouched(little)


def test_a_server_that_stops_itself_because_its_log_cannot_grow_is_explained(full: Checkout) -> None:
    full.write({"db/002_many.sql": LOG})
    ran = full.devstack("schema", "apply", code=1)
    assert "error: the disk of db is full: the database of db at" in ran.err and "[disk-full]" in ran.err
    assert "db could not write its log and stopped itself; what was committed is on the disk" in ran.err
    assert "then devstack up" in ran.err

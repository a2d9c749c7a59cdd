"""`devstack db`: copies of a database, a dump and back, branches, the password; and `reset` from a template. On 16, 17 and 18."""

from __future__ import annotations

import gzip
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scenarios.checkout import Checkout, wait_for
from tests.scenarios.conftest import MakeCheckout

MAJORS = ("16", "17", "18")
SPEC = """\
name: @PROJECT
services:
  db: {kind: postgres, version: "@MAJOR", database: shop, user: shop, port: @PORT}
  side:
    image: busybox:1.37
    init: true
    command: [sleep, "1000"]
schema: {service: db, files: ["db/*.sql"]}
"""
NOTE = "create table note (id serial primary key, body text not null);\n"


def files(major: str, **more: str) -> dict[str, str]:
    return {"devstack.yml": SPEC.replace("@MAJOR", major), "db/001_note.sql": NOTE, **more}


@pytest.fixture(scope="module", params=MAJORS)
def shop(request: pytest.FixtureRequest, standing: MakeCheckout) -> Checkout:
    """A stack on that version of the server; each test leaves it empty."""
    made = standing(files(request.param))
    made.devstack("up")
    return made


@pytest.fixture(scope="module")
def one(standing: MakeCheckout) -> Checkout:
    made = standing(files("17"))
    made.devstack("up")
    return made


def add(stack: Checkout, *bodies: str) -> None:
    for body in bodies:
        stack.sql(f"insert into note (body) values ('{body}')")


def clean(stack: Checkout) -> None:
    stack.sql("truncate note restart identity")


def databases(stack: Checkout) -> set[str]:
    return set(stack.sql("select datname from pg_database").split())


def started(stack: Checkout) -> dict[str, float]:
    """When each container's program was started: what was not restarted keeps its time."""
    return {name: detail.started_at for name, c in stack.ids().items() if (detail := stack.engine.inspect(c).detail) is not None}


def test_reset_is_from_a_template_and_restarts_nothing(shop: Checkout) -> None:
    add(shop, "old")
    shop.sql(
        "alter database shop set work_mem = '7MB'; comment on database shop is 'ours'; grant create on database shop to public"
    )
    dress = (
        "select datacl::text, shobj_description(oid, 'pg_database'), "
        "(select setconfig from pg_db_role_setting where setdatabase = d.oid) from pg_database d where datname = 'shop'"
    )
    before, begun = shop.sql(dress), started(shop)
    first = shop.devstack("reset", "--yes")
    assert "template" in first.err and "db/shop" in first.err and "1 row" in first.err
    assert shop.rows() == "" and shop.sql(dress) == before
    add(shop, "newer")
    second = shop.devstack("reset", "--yes", "--json")
    assert second.data["databases"] == ["db/shop"] and second.data["removed"] == []
    assert "template" not in second.err, "it was made once"
    assert shop.rows() == ""
    assert started(shop) == begun
    assert "nothing to do" in shop.devstack("up").said
    shop.devstack("undo", "--yes")
    assert shop.rows() == "newer" and shop.sql(dress) == before
    shop.devstack("undo", "--yes")
    assert shop.rows() == ""
    assert started(shop) == begun
    shop.sql("comment on database shop is null")


def test_a_changed_file_makes_another_template(shop: Checkout) -> None:
    clean(shop)
    shop.write({"db/002_more.sql": "insert into note (body) values ('seeded');\n"})
    assert "template" in shop.devstack("reset", "--yes").err
    assert shop.rows() == "seeded"
    assert "nothing to do" in shop.devstack("up").said
    (shop.folder / "db/002_more.sql").unlink()
    assert "template" not in shop.devstack("reset", "--yes").err
    assert shop.rows() == ""


def test_a_snapshot_comes_back_and_the_present_is_kept(shop: Checkout) -> None:
    clean(shop)
    add(shop, "good")
    begun = started(shop)
    made = shop.devstack("db", "snapshot", "before-it", "--json").data
    assert (made["name"], made["service"], made["database"]) == ("before-it", "db", "shop")
    assert made["size"] > 1_000_000 and len(made["schema_key"]) == 12
    add(shop, "bad")
    listed = shop.devstack("db", "snapshots", "--json").data["snapshots"]
    assert [(s["name"], s["server_major"]) for s in listed] == [("before-it", made["server_major"])]
    refused = shop.devstack("db", "restore", "before-it", code=7)
    assert "db/shop" in refused.err and "2 rows" in refused.err and shop.rows() == "good,bad"
    shop.devstack("db", "restore", "before-it", "--yes")
    assert shop.rows() == "good"
    shop.devstack("undo", "--yes")
    assert shop.rows() == "good,bad"
    shop.devstack("db", "restore", "before-it", "--yes")
    assert shop.rows() == "good", "a snapshot can be restored again"
    assert started(shop) == begun
    assert shop.devstack("db", "snapshot", "before-it", code=2).said.count("already") == 1
    shop.devstack("db", "prune", "before-it", "--yes")
    assert shop.devstack("db", "snapshots", "--json").data["snapshots"] == []


@pytest.mark.parametrize("name", ["all.dump", "all.sql", "all.sql.gz"])
def test_a_dump_goes_out_and_comes_back(shop: Checkout, name: str) -> None:
    clean(shop)
    add(shop, "dumped", "twice")
    file = shop.folder / name
    ran = shop.devstack("db", "dump", name, "--json")
    assert ran.data["size"] == file.stat().st_size > 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    add(shop, "later")
    assert "is there already" in shop.devstack("db", "dump", name, code=7).err
    shop.devstack("db", "load", name, code=7)
    assert shop.rows() == "dumped,twice,later"
    shop.devstack("db", "load", name, "--yes")
    assert shop.rows() == "dumped,twice"
    add(shop, "serial-goes-on")
    assert shop.sql("select tableowner from pg_tables where tablename = 'note'") == "shop"
    assert "nothing to do" in shop.devstack("up").said, "the ledger came with it"
    shop.devstack("undo", "--yes")
    assert shop.rows() == "dumped,twice,later"
    assert "devstack_loader" not in shop.sql("select string_agg(rolname, ',') from pg_roles")


def test_a_clone_is_a_second_database(shop: Checkout) -> None:
    clean(shop)
    add(shop, "cloned")
    shop.devstack("db", "clone", "shop_two")
    assert shop.devstack("db-shell", "-d", "shop_two", "--csv", "-c", "select body from note").out.split() == ["body", "cloned"]
    shop.devstack("db", "clone", "shop_two", code=2)
    shop.devstack("db", "clone", "No-Name", code=2)
    shop.devstack("reset", "--yes")
    assert "shop_two" in databases(shop), "reset is about what the schema makes"
    shop.sql("drop database shop_two")


def git(stack: Checkout, *arguments: str) -> None:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", *who, *arguments], cwd=stack.folder, check=True, capture_output=True)


def test_each_branch_has_its_own_data(one: Checkout) -> None:
    git(one, "init", "-q", "-b", "main")
    git(one, "add", "devstack.yml", "db")
    git(one, "commit", "-qm", "first")
    clean(one)
    add(one, "main")
    git(one, "checkout", "-qb", "feature/x")
    ran = one.devstack("db", "switch", "--json")
    assert ran.data == {"branch": "feature/x", "from": "main", "changed": True, "made": True}
    add(one, "feature")
    assert one.rows() == "main,feature"
    assert one.devstack("db", "switch", "--json").data["changed"] is False
    git(one, "checkout", "-q", "main")
    one.devstack("db", "switch")
    assert one.rows() == "main"
    one.devstack("db", "switch", "feature/x")
    assert one.rows() == "main,feature"
    one.devstack("reset", "--yes")
    assert one.devstack("db", "switch", "main", "--json").data["from"] == "feature/x", "a clean database is still the branch's"
    assert one.rows() == "main"
    git(one, "branch", "-D", "feature/x")
    ran = one.devstack("db", "prune", "--yes", "--json")
    assert "feature/x" in [item["name"] for item in ran.data["removed"]]
    assert {"shop", "postgres", "template0", "template1"} == databases(one)
    assert one.rows() == "main"


def test_a_snapshot_says_which_commit_it_is_of(one: Checkout) -> None:
    if not (one.folder / ".git").exists():
        git(one, "init", "-q", "-b", "main")
        git(one, "add", "devstack.yml")
        git(one, "commit", "-qm", "first")
    said = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=one.folder, capture_output=True, text=True).stdout.strip()
    assert one.devstack("db", "snapshot", "committed", "--json").data["git_commit"] == said
    one.devstack("db", "prune", "committed", "--yes")


def test_a_snapshot_of_another_major_is_refused(one: Checkout) -> None:
    one.devstack("db", "snapshot", "old")
    one.sql(
        "do $$ begin execute format('comment on database shop__snap_old is %L', replace(shobj_description("
        "(select oid from pg_database where datname = 'shop__snap_old'), 'pg_database'), '\"server\": 17', '\"server\": 15')); end $$"
    )
    ran = one.devstack("db", "restore", "old", "--yes", "--json", code=1)
    assert ran.document["error"]["code"] == "wrong-major"
    one.devstack("db", "prune", "old", "--yes")


def test_prune_names_what_goes_and_asks(one: Checkout) -> None:
    one.devstack("reset", "--yes")
    before = databases(one)
    ran = one.devstack("db", "prune", code=7)
    assert "devstack_tpl_" in ran.err and "MB" in ran.err and "shop__undo_" in ran.err
    assert databases(one) == before
    assert one.devstack("db", "prune", "--yes", "--json").data["freed"] > 1_000_000
    assert databases(one) == {"shop", "postgres", "template0", "template1"}
    assert "nothing to undo" in one.devstack("undo", "--yes", code=2).err
    assert "nothing to prune" in one.devstack("db", "prune", "--yes").said


# Dumps that are somebody else's program

HOSTILE = {
    "shell": "\\! touch /tmp/owned\n",
    "pipe": "select 1 \\g |sh -c 'touch /tmp/owned'\n",
    "program": "create table t (a text);\ncopy t from program 'touch /tmp/owned; echo x';\n",
    "program in lower parts": "create table t (a text);\ncopy t (a)\n  from\n  program 'touch /tmp/owned';\n",
    "file": "create table t (a text);\ncopy t from '/etc/passwd';\n",
    "role": "create role evil superuser login;\n",
    "role again": "alter user shop with password 'x';\n",
    "system": "alter system set archive_command = 'touch /tmp/owned';\n",
    "database": "drop database shop;\n",
    "session": "set session authorization shop;\n",
    "other database": "\\connect postgres\ncreate table owned (a int);\n",
    "hidden in a do block": "do $$ begin execute 'copy (select 1) to program ''touch /tmp/owned'''; end $$;\n",
    "hidden in a function": (
        "create function f() returns void language plpgsql as $$ begin perform pg_read_file('/etc/passwd'); end $$;\nselect f();\n"
    ),
    "role from a do block": "do $$ begin execute 'create role evil superuser'; end $$;\n",
    "reset role": "do $$ begin execute 'reset session authorization'; execute 'create role evil'; end $$;\n",
    "untrusted language": "create function f() returns int language c as 'libc', 'system';\n",
    "library": "load '/tmp/x.so';\n",
    "include": "\\i /etc/passwd\n",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_dump_does_nothing(one: Checkout, what: str) -> None:
    clean(one)
    add(one, "safe")
    before, roles = databases(one), one.sql("select count(*) from pg_roles")
    one.write({"evil.sql": HOSTILE[what]})
    ran = one.devstack("db", "load", "evil.sql", "--yes", "--json", code=None)
    assert ran.code == 1 and ran.document["error"]["code"] in ("load-refused", "sql", "sql 42501"), ran
    container = next(c.id for c in one.containers().values() if c.service == "db")
    assert one.engine.exec(container, ["ls", "/tmp/owned"]).exit_code != 0
    assert not Path("/tmp/owned").exists()
    assert one.rows() == "safe"
    assert databases(one) == before and one.sql("select count(*) from pg_roles") == roles


def test_a_hostile_dump_in_the_custom_format_does_nothing_either(one: Checkout) -> None:
    clean(one)
    add(one, "safe")
    body = "begin perform 1; execute ''copy (select 1) to program ''''touch /tmp/owned''''''; return true; end"
    one.sql("create function ok(text) returns boolean language sql as 'select true'")
    one.sql("create table trap (a text check (ok(a)))")
    one.sql("insert into trap values ('x')")
    one.sql(f"create or replace function ok(text) returns boolean language plpgsql as '{body}'")
    one.devstack("db", "dump", "trap.dump")
    ran = one.devstack("db", "load", "trap.dump", "--yes", "--json", code=1)
    assert ran.document["error"]["code"] == "sql 42501" and "--trust" in str(ran.document["error"]["hint"])
    container = next(c.id for c in one.containers().values() if c.service == "db")
    assert one.engine.exec(container, ["ls", "/tmp/owned"]).exit_code != 0
    assert one.rows() == "safe"
    one.sql("drop table trap; drop function ok")


def test_what_a_dump_refused_is_named_with_its_line(one: Checkout) -> None:
    one.write({"evil.sql": "create table t (a int);\n\ncreate role evil;\ncopy t from program 'x';\n"})
    ran = one.devstack("db", "load", "evil.sql", "--yes", code=1)
    assert "evil.sql:3:1" in ran.err and "evil.sql:4" in ran.err and "nothing was loaded" in ran.err


def test_a_dump_that_fails_says_where_and_leaves_everything(one: Checkout) -> None:
    clean(one)
    add(one, "safe")
    one.write({"torn.sql": "create table t (a int);\ncopy t from stdin;\n1\nnot a number\n\\.\n"})
    ran = one.devstack("db", "load", "torn.sql", "--yes", code=1)
    assert "torn.sql:4" in ran.err and one.rows() == "safe"
    (one.folder / "cut.dump").write_bytes(b"PGDMP\x01\x0f garbage")
    assert one.devstack("db", "load", "cut.dump", "--yes", code=1).said.count("pg_restore") >= 1
    (one.folder / "cut.sql.gz").write_bytes(gzip.compress(b"select 1;")[:-6])
    one.devstack("db", "load", "cut.sql.gz", "--yes", code=2)
    one.devstack("db", "load", "nowhere.sql", "--yes", code=2)
    assert one.rows() == "safe"


def test_a_dump_of_a_newer_server_is_refused(one: Checkout) -> None:
    one.write({"new.sql": "-- PostgreSQL database dump\n\n-- Dumped from database version 99.1\n\nselect 1;\n"})
    ran = one.devstack("db", "load", "new.sql", "--yes", "--json", code=1)
    assert ran.document["error"]["code"] == "wrong-major"


def test_extensions_of_a_dump_are_made_where_anybody_may_make_them(one: Checkout) -> None:
    clean(one)
    one.write(
        {
            "ext.sql": NOTE
            + "create schema tools;\ncreate extension if not exists pgcrypto with schema tools;\ncomment on extension pgcrypto is 'x';\n"
        }
    )
    ran = one.devstack("db", "load", "ext.sql", "--yes", "--json", code=None)
    if ran.code and "does not have it" in ran.said:
        pytest.skip("this image has no contrib extensions")
    assert ran.data["extensions"] == ["pgcrypto"]
    assert (
        one.sql("select nspname from pg_extension e join pg_namespace n on n.oid = extnamespace where extname = 'pgcrypto'")
        == "tools"
    )
    one.devstack("undo", "--yes")


# The password


def test_a_changed_password_is_named_by_up_and_put_right(checkout: MakeCheckout) -> None:
    stack = checkout(files("17"))
    stack.devstack("up")
    add(stack, "kept")
    old = stack.env()["DB_PASSWORD"]
    assert "nothing to fix" in stack.devstack("db", "fix-credentials").said
    stack.edit(".env", f"DB_PASSWORD={old}", "DB_PASSWORD=another'one-0123456789")
    stack.write({"db/002_more.sql": "alter table note add more int;\n"})
    ran = stack.devstack("up", code=1)
    assert "wrong-password" in ran.err and "devstack db fix-credentials" in ran.err
    stack.devstack("db", "fix-credentials", code=7)
    fixed = stack.devstack("db", "fix-credentials", "--yes", "--json")
    assert fixed.data["changed"] is True
    stack.devstack("up")
    assert stack.rows() == "kept"


def test_the_password_is_in_no_argument_and_no_log(checkout: MakeCheckout) -> None:
    stack = checkout(files("17"))
    stack.devstack("up")
    stack.sql("alter system set log_statement = 'all'")
    stack.sql("select pg_reload_conf()")
    stack.edit(".env", f"DB_PASSWORD={stack.env()['DB_PASSWORD']}", "DB_PASSWORD=brand-new-0123456789")
    watch = subprocess.Popen(
        [sys.executable, "-c", _WATCH], stdout=subprocess.PIPE, text=True, env={**os.environ, "NEEDLE": "brand-new-0123456789"}
    )
    stack.devstack("up", code=None)
    stack.devstack("db", "fix-credentials", "--yes")
    watch.terminate()
    assert watch.communicate()[0] == ""
    container = next(c.id for c in stack.containers().values() if c.service == "db")
    wait_for(lambda: "ALTER ROLE" in "\n".join(line.text for line in stack.engine.logs(container)))
    assert "brand-new" not in "\n".join(line.text for line in stack.engine.logs(container))


_WATCH = """
import os, glob, time
needle = os.environ.pop("NEEDLE").encode()
while True:
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            if needle in open(path, "rb").read():
                print(path, flush=True)
        except OSError:
            pass
    time.sleep(0.005)
"""

"""db-shell and redis-shell as a person and a script use them: what they answer, what read-only holds, what they give away."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import time

import pytest

from tests.scenarios.checkout import Checkout, command, finish, surroundings, wait_for
from tests.scenarios.conftest import MakeCheckout
from tests.scenarios.test_terminal import Terminal

CANARY = "Zaunkoenig4711"
STACK = """\
name: @PROJECT
services:
  db: {kind: postgres, version: "17", database: shop, user: shop, port: @PORT}
  cache: {kind: redis, version: "7", password: true, port: @CACHE}
schema: {service: db, files: ["db/*.sql"]}
"""
SQL = "create table note (id serial primary key, body text not null);\ninsert into note (body) values ('hello');\n"


@pytest.fixture(scope="module")
def shells(standing: MakeCheckout) -> Checkout:
    made = standing({"db/001_note.sql": SQL})
    made.write(
        {"devstack.yml": STACK.replace("@CACHE", str(made.port + 1)), ".env": f"DB_PASSWORD={CANARY}\nCACHE_PASSWORD={CANARY}\n"}
    )
    made.devstack("up")
    made.sql("create database other")
    return made


# -c, -f, pipes


def test_commands_run_in_order_and_the_first_error_ends_them(shells: Checkout) -> None:
    ran = shells.devstack("db-shell", "--csv", "-c", "select 1 as a", "-c", "select nope", "-c", "select 2 as b", code=1)
    assert ran.out == "a\n1\n" and "nope" in ran.err


def test_another_database_is_opened_with_d(shells: Checkout) -> None:
    assert shells.devstack("db-shell", "-d", "other", "--csv", "-c", "select current_database() as d").out == "d\nother\n"


def test_files_run_one_after_the_other_and_errors_name_their_line(shells: Checkout) -> None:
    shells.write(
        {
            "a.sql": "create temp table t (id int);\ncopy t from stdin;\n1\n2\n\\.\n",
            "b.sql": "select sum(id)\nfrom t;\n\nselect nope;\nselect 9;\n",
        }
    )
    ran = shells.devstack("db-shell", "--csv", "-c", "select 'first' as x", "-f", "a.sql", "-f", "b.sql", code=3)
    assert ran.out == "x\nfirst\nCREATE TABLE\nCOPY 2\nsum\n3\n"
    assert "psql:b.sql:4: ERROR" in ran.err and "nope" in ran.err


@pytest.mark.parametrize("name", ["none.sql", "devstack.yml"])
def test_a_file_that_is_no_sql_is_refused_before_anything_runs(shells: Checkout, name: str) -> None:
    ran = shells.devstack("db-shell", "-f", name, code=2)
    assert name in ran.err and ran.out == ""


def test_piped_sql_stops_at_the_first_error_with_exit_3(shells: Checkout) -> None:
    ran = shells.devstack("db-shell", "--csv", given="select 1 as a;\nselect nope;\nselect 2 as b;\n", code=3)
    assert ran.out == "a\n1\n"


# --json


TYPES = """select 9007199254740993::bigint as big, 1.50::numeric as money, 0.1::float8 as f, true as yes, null as nothing,
 '{"a": [1, 2]}'::jsonb as doc, array[1,2] as numbers, array['a"b', null, 'c,d'] as words, '{{1},{2}}'::int[] as grid,
 timestamptz '2026-01-02 03:04:05+00' as at, 'x'::text as note, 12345678901234567890.12345678901234567890::numeric as exact,
 'NaN'::float8 as nan, 1 as note"""


def test_json_rows_have_the_right_types(shells: Checkout) -> None:
    ran = shells.devstack("db-shell", "--json", "-c", TYPES)
    (row,) = ran.data
    assert row == {
        "big": 9007199254740993, "money": 1.5, "f": 0.1, "yes": True, "nothing": None, "doc": {"a": [1, 2]}, "numbers": [1, 2],
        "words": ['a"b', None, "c,d"], "grid": [[1], [2]], "at": row["at"], "note": "x", "nan": "NaN", "note_2": 1,
        "exact": "12345678901234567890.12345678901234567890",
    }  # fmt: skip
    assert row["at"].startswith("2026-01-02")


def test_json_of_several_results_is_a_list_and_statements_without_rows_say_so(shells: Checkout) -> None:
    ran = shells.devstack("db-shell", "--json", "-c", "select 1 as a; select 2 as b", "-c", "create temp table x (i int)")
    assert ran.data == [[{"a": 1}], [{"b": 2}], {"command": "CREATE TABLE"}]
    assert shells.devstack("db-shell", "--json", given="select 'a;b' as c;").data == [{"c": "a;b"}]
    assert shells.devstack("db-shell", "--json", "-c", "select 1 where false").data == []


def test_json_of_wrong_sql_is_an_error_document(shells: Checkout) -> None:
    ran = shells.devstack("db-shell", "--json", "-c", "select 1;\nselect nope", code=1)
    assert ran.document["error"]["code"] == "sql 42703" and "LINE 2" in json.dumps(ran.document["error"]["details"])


def test_json_without_a_query_at_a_terminal_says_what_to_write(shells: Checkout) -> None:
    terminal = Terminal(shells, "db-shell", "--json")
    assert terminal.end() == 2 and "--json needs a query" in terminal.text


# --print-url


def told(shells: Checkout, *arguments: str) -> str:
    """stdout of a command that is asked for a password."""
    return subprocess.run(
        command(*arguments), cwd=shells.folder, env=surroundings(), capture_output=True, text=True, timeout=60
    ).stdout


def test_the_url_is_masked_unless_it_is_asked_for_and_then_it_connects(shells: Checkout) -> None:
    assert shells.devstack("db-shell", "--print-url").out == f"postgresql://shop:****@127.0.0.1:{shells.port}/shop\n"
    url = told(shells, "db-shell", "--print-url", "--show-password", "-d", "other").strip()
    import psycopg

    with psycopg.connect(url) as connection:
        assert connection.execute("select current_database()").fetchone() == ("other",)
    assert CANARY not in shells.devstack("redis-shell", "--print-url").said
    assert f":{CANARY}@" in told(shells, "redis-shell", "--print-url", "--show-password")


# --read-only

ESCAPES = (
    "set default_transaction_read_only = off",
    "set session characteristics as transaction read write",
    "begin read write",
    "reset role; set default_transaction_read_only = off",
    "set session authorization shop; set default_transaction_read_only = off",
    "set role shop; set default_transaction_read_only = off",
    "reset session authorization; set default_transaction_read_only = off",
    "alter role devstack_ro superuser; set default_transaction_read_only = off",
    "set default_transaction_read_only = off; grant shop to devstack_ro; set role shop",
    "\\c - shop",
    "\\c - shop 127.0.0.1",
    "\\c - shop /var/run/postgresql",
    "\\! psql -U shop -d shop -c \"insert into note (body) values ('no')\"",
    "\\! psql -h db -U shop -d shop -w -c \"insert into note (body) values ('no')\"",
    "\\set ON_ERROR_STOP off\nset default_transaction_read_only = off; set role shop;",
)
WRITES = (
    "insert into note (body) values ('no')", "update note set body = 'no'", "delete from note", "truncate note", "drop table note",
    "create table mine (id int)", "alter table note add x int", "select nextval('note_id_seq')", "create role r",
    "create database mine", "alter system set work_mem = '8MB'", "copy note from program 'echo 1'", "select pg_reload_conf()",
    "do $$ begin insert into note (body) values ('no'); end $$", "create schema mine", "alter database shop set work_mem = '8MB'",
)  # fmt: skip


def state(shells: Checkout) -> str:
    return shells.sql(
        "select (select string_agg(body, ',') from note), (select last_value from note_id_seq), (select count(*) from pg_class where"
        " relname = 'mine'), (select count(*) from pg_database), (select count(*) from pg_db_role_setting), (select count(*) from pg_roles)"
    )


def test_read_only_reads_everything(shells: Checkout) -> None:
    ran = shells.devstack("db-shell", "--read-only", "--csv", "-c", "select body, current_user as who from note")
    assert ran.out == "body,who\nhello,devstack_ro\n"
    assert shells.devstack("db-shell", "--read-only", "--json", "-c", "select body from note").data == [{"body": "hello"}]
    assert "note" in shells.devstack("db-shell", "--read-only", given="\\dt\n").out


@pytest.mark.parametrize("escape", ESCAPES)
def test_nothing_typed_inside_leads_out_of_read_only(shells: Checkout, escape: str) -> None:
    shells.devstack("db-shell", "--read-only", "-c", "select 1")
    before = state(shells)
    shells.devstack("db-shell", "--read-only", given=f"{escape};\n" if escape[0] != "\\" else f"{escape}\n", code=None)
    script = f"\\set ON_ERROR_STOP 0\n{escape}{'' if escape[0] == chr(92) else ';'}\ninsert into note (body) values ('no');\n"
    ran = shells.devstack("db-shell", "--read-only", given=script, code=None)
    assert ran.code != 0 or "denied" in ran.err or "read-only" in ran.err, ran
    assert state(shells) == before


def test_read_only_refuses_every_write_after_the_default_was_switched_off(shells: Checkout) -> None:
    shells.devstack("db-shell", "--read-only", "-c", "select 1")
    before = state(shells)
    script = "\\set ON_ERROR_STOP 0\nset default_transaction_read_only = off;\n" + ";\n".join(WRITES) + ";\n"
    for extra in ((), ("--builtin",)):
        ran = shells.devstack(
            "db-shell",
            "--read-only",
            *extra,
            given=script.replace("\\set ON_ERROR_STOP 0\n", "" if extra else "\\set ON_ERROR_STOP 0\n"),
            code=None,
        )
        assert ran.err.count("ERROR:") == (1 if extra else len(WRITES)), ran
        assert state(shells) == before


def test_read_only_leaves_no_container_and_no_volume(shells: Checkout) -> None:
    before = sorted(shells.ids())
    volumes = subprocess.run(["docker", "volume", "ls", "-q"], capture_output=True, text=True).stdout.split()
    shells.devstack("db-shell", "--read-only", "-c", "select 1")
    left = subprocess.run(["docker", "ps", "-a", "--format", "{{.Names}}"], capture_output=True, text=True).stdout
    assert f"{shells.project}-db-shell" not in left
    assert sorted(shells.ids()) == before
    now = subprocess.run(["docker", "volume", "ls", "-q", "--filter", f"name={shells.name}"], capture_output=True, text=True)
    assert set(now.stdout.split()) <= set(volumes)


def test_a_role_that_somebody_gave_more_is_put_right(shells: Checkout) -> None:
    shells.devstack("db-shell", "--read-only", "-c", "select 1")
    shells.sql("alter role devstack_ro superuser createrole password 'other'; grant pg_write_all_data to devstack_ro")
    ran = shells.devstack(
        "db-shell", "--read-only", given="set default_transaction_read_only=off; insert into note (body) values ('no');", code=3
    )
    assert "permission denied" in ran.err
    assert shells.sql("select rolsuper or rolcreaterole from pg_roles where rolname = 'devstack_ro'") == "f"


def test_the_prompt_says_read_only_and_ctrl_c_keeps_it(shells: Checkout) -> None:
    terminal = Terminal(shells, "db-shell", "--read-only")
    terminal.until("shop(ro)=> ")
    terminal.child.sendline("select pg_sleep(600);")
    wait_for(lambda: shells.sql("select count(*) from pg_stat_activity where query like 'select pg_sleep(600)%'") == "1")
    terminal.child.sendintr()
    terminal.until("canceling statement")
    terminal.child.sendline("select 40 + 2;")
    terminal.until("42")
    terminal.child.sendline("\\q")
    assert terminal.end() == 0


# A terminal


def test_a_terminal_has_prompt_query_ctrl_c_resize_and_exit_code(shells: Checkout) -> None:
    terminal = Terminal(shells, "db-shell")
    terminal.until("shop=# ")
    terminal.child.sendline("\\! stty size")
    terminal.until("40 80")
    terminal.child.setwinsize(50, 132)
    time.sleep(0.5)
    terminal.child.sendline("\\! stty size")
    terminal.until("50 132")
    terminal.child.sendline("select pg_sleep(601);")
    wait_for(lambda: shells.sql("select count(*) from pg_stat_activity where query like 'select pg_sleep(601)%'") == "1")
    terminal.child.sendintr()
    terminal.until("canceling statement due to user request")
    terminal.child.sendline("select application_name from pg_stat_activity where pid = pg_backend_pid();")
    terminal.until("devstack-shell")
    terminal.child.sendline("\\set ON_ERROR_STOP on \\i /no/such/file")
    terminal.child.sendline("\\q")
    assert terminal.end() == 0


def test_history_is_the_projects_and_outlives_the_container(shells: Checkout) -> None:
    def ask(*more: str) -> None:
        terminal = Terminal(shells, "db-shell", *more)
        terminal.until("=")
        terminal.child.sendline(f"select 'remember {len(more)}';")
        terminal.until("row)")
        terminal.child.sendline("\\q")
        assert terminal.end() == 0

    ask()
    file = shells.folder / ".devstack" / "psql_history"
    assert file.read_text().splitlines()[-2:] == ["select 'remember 0';", "\\q"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    # Git takes none of it up, also where nobody has written a .gitignore for it.
    assert file.with_name(".gitignore").read_text() == "*\n"
    shells.devstack("up", "--force-recreate", "db")
    ask("--read-only")
    lines = file.read_text().splitlines()
    assert lines.count("select 'remember 0';") == 1 and lines.count("select 'remember 1';") == 1
    terminal = Terminal(shells, "db-shell")
    terminal.until("=# ")
    terminal.child.send("\x1b[A\x1b[A")
    terminal.until("remember 1")
    terminal.child.sendcontrol("c")
    terminal.child.sendline("\\q")
    assert terminal.end() == 0
    left = shells.engine.exec(shells.ids()["db-1"], ["sh", "-c", "ls -a /tmp"]).text
    assert "psql_history" not in left


# Passwords


def arguments_everywhere(shells: Checkout) -> str:
    """The command line of every process of this machine, containers' included, as /proc has them."""
    found = []
    for number in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{number}/cmdline", "rb") as file:
                found.append(file.read().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    inside = shells.engine.exec(shells.ids()["db-1"], ["sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"]).text
    return "\n".join([*found, inside])


@pytest.mark.parametrize("more", [[], ["--read-only"], ["--builtin"], ["--json"]], ids=lambda m: " ".join(m) or "psql")
def test_no_process_carries_a_password_in_its_arguments(shells: Checkout, more: list[str]) -> None:
    process = shells.begin("db-shell", *more, "-c", "select pg_sleep(602)")
    asleep = "select count(*) from pg_stat_activity where query like 'select pg_sleep(602)%'"
    try:
        wait_for(lambda: shells.sql(asleep) == "1")
        seen = arguments_everywhere(shells)
        assert "pg_sleep(602)" in seen and CANARY not in seen
    finally:
        process.send_signal(signal.SIGINT)
        ran = finish(process)
    assert ran.code == 130 and CANARY not in ran.said
    wait_for(lambda: shells.sql(asleep) == "0")


# Redis


def test_redis_shell_runs_commands_and_pipes(shells: Checkout) -> None:
    assert shells.devstack("redis-shell", "-c", "SET 'a b' 'c d'", "-c", "GET 'a b'").out == "OK\nc d\n"
    assert shells.devstack("redis-shell", given="PING\nGET 'a b'\n").out == "PONG\nc d\n"
    assert shells.devstack("redis-shell", "-c", "NOSUCH", code=1).code == 1
    assert shells.devstack("redis-shell", "db", code=2).err.count("no Redis")


def test_the_built_in_redis_client_answers_the_same(shells: Checkout) -> None:
    shells.devstack("redis-shell", "-c", "RPUSH l 1 zwei ü", "-c", "SET n 5")
    for commands in (["LRANGE l 0 -1"], ["INCR n", "GET missing"], ["HGETALL nothing"]):
        arguments = [part for text in commands for part in ("-c", text)]
        shells.devstack("redis-shell", "-c", "SET n 5")
        real = shells.devstack("redis-shell", *arguments).out
        shells.devstack("redis-shell", "-c", "SET n 5")
        assert shells.devstack("redis-shell", "--builtin", *arguments).out == real
    ran = shells.devstack("redis-shell", "--builtin", "-c", "NOSUCH", code=1)
    assert "unknown command" in ran.err


def test_redis_shell_at_a_terminal_is_redis_cli(shells: Checkout) -> None:
    terminal = Terminal(shells, "redis-shell")
    terminal.until("6379> ")
    terminal.child.send("PING\r")
    terminal.until("PONG")
    terminal.child.send("quit\r")
    assert terminal.end() == 0


# The shell that is built in


def test_without_psql_in_the_container_the_built_in_shell_answers(standing: MakeCheckout) -> None:
    stack = standing(
        {"devstack.yml": STACK.split("  cache")[0] + 'schema: {service: db, files: ["db/*.sql"]}\n', "db/001_note.sql": SQL}
    )
    stack.devstack("up")
    stack.engine.exec(stack.ids()["db-1"], ["sh", "-c", "rm -f $(command -v psql) /usr/lib/postgresql/*/bin/psql"], user="root")
    ran = stack.devstack("db-shell", "-c", "select id, body from note")
    assert ran.out == " id | body\n----+-------\n  1 | hello\n(1 row)\n\n" and "has no psql" in ran.err
    assert stack.devstack("db-shell", "--csv", "-c", "select body from note", "-c", "select 2 as b").out == "body\nhello\nb\n2\n"
    assert "note" in stack.devstack("db-shell", "-c", "\\dt").out
    given = "create table t (a int, b text);\ncopy t from stdin;\n1\tx;y\n2\t\\N\n\\.\nselect * from t; -- ;\n\\d t\n\\q\nselect nope;\n"
    ran = stack.devstack("db-shell", given=given)
    assert "COPY 2" in ran.out and "x;y" in ran.out and "integer" in ran.out
    assert stack.devstack("db-shell", given="select 1;\nselect nope;\nselect 3;\n", code=3).out.count("row)") == 1
    assert stack.devstack("db-shell", "--read-only", "-c", "drop table note", code=1).err.count("read-only") == 1
    assert stack.devstack("db-shell", "--json", "-c", "select body from note").data == [{"body": "hello"}]


def test_the_built_in_shell_prompts_and_ctrl_c_ends_only_the_query(shells: Checkout) -> None:
    terminal = Terminal(shells, "db-shell", "--builtin")
    terminal.until("shop=> ")
    terminal.child.sendline("select 40")
    terminal.until("shop-> ")
    terminal.child.sendline("+ 2 as answer;")
    terminal.until("42")
    terminal.until("shop=> ")
    terminal.child.sendline("select pg_sleep(603);")
    wait_for(lambda: shells.sql("select count(*) from pg_stat_activity where query like 'select pg_sleep(603)%'") == "1")
    terminal.child.sendintr()
    terminal.until("shop=> ")
    terminal.child.sendline("select 'still' || ' here';")
    terminal.until("still here")
    terminal.child.sendline("\\q")
    assert terminal.end() == 0


def test_pgcli_that_is_not_installed_is_told_with_how_to_get_it(shells: Checkout) -> None:
    [python, *rest] = command("db-shell", "--pgcli")
    ran = subprocess.run([python, *rest], cwd=shells.folder, env=surroundings(), capture_output=True, text=True, timeout=60)
    assert ran.returncode == 2 and "pipx install pgcli" in ran.stderr

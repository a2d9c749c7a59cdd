"""Looking at a running stack and talking to it: status, logs, exec, db-shell, env, and that no secret is told on the way."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time

import pytest

from tests.scenarios.checkout import Checkout, Ran, command, finish, surroundings, wait_for
from tests.scenarios.conftest import MakeCheckout

CANARY = "Kanarienvogel77"
"""The password of everything in this stack: it must not be seen anywhere it was not asked for."""
TALK = """\
name: @PROJECT
services:
  db: {kind: postgres, version: "17", database: shop, user: shop, port: @PORT}
  cache: {kind: redis, version: "7", password: true, port: @CACHE}
  app:
    image: busybox:1.37
    init: true
    command: [sh, -c, "echo first; sleep 0.2; echo second; sleep 0.2; echo third >&2; exec sleep 1000"]
    environment: {API_TOKEN: "${DB_PASSWORD}", LEVEL: info, DSN: "postgresql://shop:${DB_PASSWORD}@db/shop"}
    depends_on: {db: {condition: service_healthy}}
schema: {service: db, files: ["db/*.sql"]}
"""


@pytest.fixture(scope="module")
def talk(standing: MakeCheckout) -> Checkout:
    made = standing({"db/001_note.sql": "create table note (id serial primary key, body text not null);\n"})
    made.write(
        {"devstack.yml": TALK.replace("@CACHE", str(made.port + 1)), ".env": f"DB_PASSWORD={CANARY}\nCACHE_PASSWORD={CANARY}\n"}
    )
    made.secrets.append(CANARY)
    made.devstack("up")
    made.sql("insert into note (body) values ('hello')")
    return made


# status


def test_status_tells_each_services_state_and_address(talk: Checkout) -> None:
    # An engine without a fast start cadence may not have probed yet.
    states = ("healthy",) if talk.engine.info.fast_health else ("healthy", "starting")
    for name in ("status", "ps"):
        ran = talk.devstack(name)
        assert f"postgresql://shop:****@localhost:{talk.port}/shop" in ran.out
        assert f"redis://:****@localhost:{talk.port + 1}" in ran.out
        assert any(state in ran.out for state in states) and "running" in ran.out
    rows = {row["service"]: row for row in talk.devstack("status", "--json").data["services"]}
    assert rows["db"]["state"] in states and rows["app"]["state"] == "running"
    assert "stand-in" in (rows["db"]["stand_in"] or "stand-in")


# logs


def test_logs_are_merged_and_prefixed(talk: Checkout) -> None:
    lines = talk.devstack("logs").out.splitlines()
    assert {line.split(" | ")[0].strip() for line in lines} == {"db", "cache", "app"}
    app = [line.split(" | ")[1] for line in lines if line.startswith("app")]
    assert app == ["first", "second", "third"]
    only = talk.devstack("logs", "app", "--no-prefix").out
    assert only == "first\nsecond\nthird\n"


def test_logs_take_tail_and_since(talk: Checkout) -> None:
    assert talk.devstack("logs", "app", "--tail", "1", "--no-prefix").out == "third\n"
    assert talk.devstack("logs", "app", "--since", "1h", "--tail", "2", "--no-prefix").out == "second\nthird\n"
    assert talk.devstack("logs", "app", "--since", "2099-01-01T00:00").out == ""


def test_logs_as_json_are_a_document_a_line(talk: Checkout) -> None:
    documents = [json.loads(line) for line in talk.devstack("logs", "app", "--json").out.splitlines()]
    assert [d["text"] for d in documents] == ["first", "second", "third"]
    assert documents[2]["stream"] == "stderr" and documents[0]["service"] == "app"


def test_logs_follow_until_ctrl_c(talk: Checkout) -> None:
    process = talk.begin("logs", "app", "-f", "--no-prefix")
    assert process.stdout is not None
    assert [process.stdout.readline() for _ in range(3)] == ["first\n", "second\n", "third\n"]
    talk.engine.exec(talk.ids()["app-1"], ["sh", "-c", "echo later > /proc/1/fd/1"])
    assert process.stdout.readline() == "later\n"
    process.send_signal(signal.SIGINT)
    ran = finish(process)
    assert ran.code == 130 and ran.seconds < 2.0


def test_logs_piped_into_head_end_quietly(talk: Checkout) -> None:
    for more in ("", " -f"):
        line = subprocess.run(
            ["bash", "-c", f"set -o pipefail; {' '.join(command('logs', 'db'))}{more} | head -n 1; exit ${{PIPESTATUS[0]}}"],
            cwd=talk.folder, env=surroundings(), capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert line.stdout.count("\n") == 1
        assert line.returncode in (0, 141) and "Traceback" not in line.stderr and "BrokenPipe" not in line.stderr, line


# exec


def test_the_exit_code_of_exec_is_the_programs(talk: Checkout) -> None:
    assert talk.devstack("exec", "app", "sh", "-c", "echo out; echo err >&2; exit 42", code=42).out == "out\n"
    assert talk.devstack("exec", "app", "true").code == 0
    assert talk.devstack("exec", "app", "no-such-program", code=None).code in (126, 127)


def test_exec_takes_stdin_user_folder_and_variables(talk: Checkout) -> None:
    assert talk.devstack("exec", "app", "cat", given="through\n").out == "through\n"
    ran = talk.devstack("exec", "-u", "nobody", "-w", "/tmp", "-e", "COLOUR=red", "app", "sh", "-c", "id -un; pwd; echo $COLOUR")
    assert ran.out == "nobody\n/tmp\nred\n"


def test_exec_leaves_options_of_the_program_alone(talk: Checkout) -> None:
    assert talk.devstack("exec", "app", "ls", "-d", "--", "/etc").out == "/etc\n"


# db-shell


def test_db_shell_runs_sql_from_the_command_line_and_from_a_pipe(talk: Checkout) -> None:
    assert "hello" in talk.devstack("db-shell", "-c", "select body from note").out
    assert talk.devstack("db-shell", "--csv", "-c", "select id, body from note").out == "id,body\n1,hello\n"
    assert "hello" in talk.devstack("db-shell", given="select body from note;\n").out
    assert "PONG" in talk.devstack("db-shell", "cache", given="PING\n").out


def test_db_shell_tells_wrong_sql_with_its_exit_code(talk: Checkout) -> None:
    ran = talk.devstack("db-shell", "-c", "select nope", code=None)
    assert ran.code != 0 and "nope" in ran.err


def test_db_shell_read_only_refuses_a_write(talk: Checkout) -> None:
    ran = talk.devstack("db-shell", "--read-only", "-c", "insert into note (body) values ('no')", code=None)
    assert ran.code != 0 and "read-only" in ran.err
    assert talk.rows() == "hello"
    assert "hello" in talk.devstack("db-shell", "--read-only", "-c", "select body from note").out


def test_the_password_is_in_no_process_while_db_shell_runs(talk: Checkout) -> None:
    """Neither on the host nor in the container, and while psql really runs."""
    process = talk.begin("db-shell", "-c", "select pg_sleep(600)")
    container = talk.ids()["db-1"]
    try:
        wait_for(lambda: talk.sql("select count(*) from pg_stat_activity where query like 'select pg_sleep%'") == "1")
        inside = talk.engine.exec(container, ["sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"]).text
        assert "psql" in inside and CANARY not in inside
        outside = subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, text=True).stdout
        assert "db-shell" in outside and CANARY not in outside
    finally:
        process.send_signal(signal.SIGINT)
        ran = finish(process)
    assert ran.seconds < 2.0 and CANARY not in ran.said
    wait_for(lambda: talk.sql("select count(*) from pg_stat_activity where query like 'select pg_sleep%'") == "0")


# env


def test_the_variables_of_env_connect_from_the_host(talk: Checkout) -> None:
    program = (
        "import os, psycopg;"
        "c = psycopg.connect(os.environ['DATABASE_URL']); print(c.execute('select body from note').fetchone()[0]);"
        "c = psycopg.connect(); print(c.execute('select 1').fetchone()[0])"
    )
    [python, *_] = command()
    script = f'eval "$({" ".join(command("env"))})" && exec "{python}" -c "$PROGRAM"'
    ran = subprocess.run(
        ["sh", "-c", script], cwd=talk.folder, env=surroundings(PROGRAM=program), capture_output=True, text=True, timeout=60
    )
    assert ran.stdout == "hello\n1\n", ran.stderr


def test_env_explains_every_source_of_a_variable_and_which_one_won(talk: Checkout) -> None:
    ran = talk.devstack("env", "--explain", "DB_PORT")
    assert str(talk.port) in ran.out
    ran = talk.devstack("env", "--explain", "DB_PORT", DB_PORT="1234")
    assert "1234" in ran.out and "→" in ran.out
    ran = talk.devstack("env", "--explain", "DB_PASSWORD")
    assert CANARY not in ran.said and ".env" in ran.out
    assert "no" in talk.devstack("env", "--explain", "NO_SUCH_VARIABLE", code=2).err


def test_env_explains_every_variable_that_it_prints(talk: Checkout) -> None:
    printed = json.loads(talk.devstack("env", "--json").out)["data"]
    assert {"DATABASE_URL", "PGPORT"} <= printed.keys()
    for variable, value in printed.items():
        sources = [
            source
            for item in json.loads(talk.devstack("env", "--explain", variable, "--json").out)["data"]["explanations"]
            if item["where"] == "devstack env"
            for source in item["sources"]
        ]
        leads_to = "cache" if variable.startswith("REDIS") else "db"
        assert [source["name"] for source in sources] == [f"address of {leads_to}"], variable
        assert sources[0]["place"].startswith("devstack.yml:") and sources[0]["value"] in (value, "****"), variable


# --json

JSON = (
    ["up"], ["up", "--plan"], ["status"], ["ps"], ["render"], ["spec"], ["kinds"], ["kinds", "postgres"], ["doctor"], ["env"],
    ["env", "--explain", "DB_PORT"], ["init", "--list"], ["stop", "app"], ["start", "app"], ["restart", "app"], ["render", "--check"],
    ["render", "--stdout"],
)  # fmt: skip
WRONG = (["up", "nosuch"], ["status", "-f", "nosuch.yml"], ["reset"], ["kinds", "nosuch"], ["restart", "nosuch"], ["up", "--port", "app"],
         ["env", "--explain", "NO_SUCH"], ["init"])  # fmt: skip


@pytest.mark.parametrize("arguments", JSON, ids=" ".join)
def test_json_is_one_document(talk: Checkout, arguments: list[str]) -> None:
    ran = talk.devstack(*arguments, "--json", code=None)
    document = ran.document
    assert document["ok"] is (ran.code == 0) and document["error"] is None
    assert document["data"] is not None
    assert document["meta"]["command"] == arguments[0]
    assert document["meta"]["seconds"] >= 0 and document["meta"]["version"]


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_json_of_a_failure_is_one_document_too(talk: Checkout, arguments: list[str]) -> None:
    ran = talk.devstack(*arguments, "--json", code=None)
    document = ran.document
    assert ran.code in (2, 7) and document["ok"] is False and document["data"] is None
    error = document["error"]
    assert error["exit"] == ran.code and error["code"] and error["message"]
    assert isinstance(error["hint"], list)


# Secrets


@pytest.mark.parametrize(
    "arguments",
    [
        ["up"], ["up", "--plan"], ["up", "--force-recreate", "app"], ["status"], ["logs"], ["doctor"], ["spec"], ["render"],
        ["render", "--stdout"], ["render", "--stdout", "--json"], ["render", "--check"], ["status", "--json"], ["env", "--explain", "DATABASE_URL"],
        ["db-shell", "-c", "select nope"], ["up", "nosuch"], ["exec", "app", "no-such-program"], ["up", "--profile", CANARY[:4]],
    ],
    ids=" ".join,
)  # fmt: skip
def test_no_command_tells_a_secret(talk: Checkout, arguments: list[str]) -> None:
    ran = talk.devstack(*arguments, code=None)
    assert CANARY not in ran.said, ran


def test_a_failing_service_does_not_tell_its_secret(checkout: MakeCheckout) -> None:
    stack = checkout({"devstack.yml": LEAKY, ".env": f"APP_TOKEN={CANARY}\n"})
    ran: Ran = stack.devstack("up", code=1)
    assert "my token is ****" in ran.err and CANARY not in ran.said
    assert CANARY not in stack.devstack("up", "--json", code=1).out
    assert CANARY not in stack.devstack("logs").out
    assert CANARY not in (stack.folder / "compose.yaml").read_text()


LEAKY = """\
name: @PROJECT
services:
  job:
    image: busybox:1.37
    command: [sh, -c, "echo my token is $$APP_TOKEN; exit 1"]
    environment: {APP_TOKEN: "${APP_TOKEN:?}"}
"""


def test_a_changed_secret_is_not_told_by_the_plan(talk: Checkout) -> None:
    text = (talk.folder / ".env").read_text()
    (talk.folder / ".env").write_text(text.replace(f"DB_PASSWORD={CANARY}", "DB_PASSWORD=Nachtigall4711"))
    try:
        ran = talk.devstack("up", "--plan")
        assert "environment.API_TOKEN" in ran.out
        assert CANARY not in ran.said and "Nachtigall4711" not in ran.said
    finally:
        (talk.folder / ".env").write_text(text)


def test_following_logs_begins_with_containers_that_start_later(talk: Checkout) -> None:
    process = talk.begin("logs", "app", "--follow", "--tail", "0", "--no-prefix")
    lines: list[str] = []
    assert process.stdout is not None
    reader = threading.Thread(target=lambda: lines.extend(iter(process.stdout.readline, "")), daemon=True)  # type: ignore[union-attr, arg-type]
    reader.start()
    time.sleep(1.0)  # there is nothing to see until it follows
    talk.devstack("restart", "app")
    wait_for(lambda: "second\n" in lines)
    process.send_signal(signal.SIGINT)
    process.wait(timeout=5)
    reader.join(timeout=5)

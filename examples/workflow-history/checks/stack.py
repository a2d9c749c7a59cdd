"""What `devstack verify` asks of the stack under test: through HTTP, and in the database itself."""

import http.cookiejar
import json
import os
import re
import shlex
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

PROJECT = Path(__file__).parent.parent
EMAIL = "admin@example.com"
TEMPLATE = {"node_type": "text_template", "config": {"template": "Hello {{ input.name }}!"}}
FAIL = {"node_type": "fail", "config": {"message": "no"}}


def ask(stack: dict, path: str, body: object = None, status: int = 200) -> dict:
    data = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(stack["urls"]["api"] + path, data=data, headers=headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.status == status, f"{path}: {answer.status}"
        return json.load(answer)


def row(stack: dict, sql: str, *arguments: object) -> tuple:
    """One row, straight from the database. devstack brings psycopg."""
    import psycopg

    url = re.sub(r"^\w+\+\w+:", "postgresql:", stack["variables"]["DATABASE_URL"])
    with psycopg.connect(url, connect_timeout=10) as connection:
        found = connection.execute(sql, arguments).fetchall()
    assert len(found) == 1, f"{len(found)} rows: {sql}"
    return found[0]


def made(stack: dict, *nodes: dict) -> str:
    workflow = ask(stack, "/workflows", {"name": "verify"}, 201)["id"]
    for node in nodes:
        ask(stack, f"/workflows/{workflow}/nodes", node, 201)
    return workflow


def workflow_is_kept(stack: dict) -> str:
    workflow = ask(stack, "/workflows", {"name": "kept"}, 201)
    assert set(workflow) == {"id", "name", "created_at"}, workflow
    assert row(stack, "select name from workflows where id = %s", workflow["id"]) == ("kept",)
    return f"workflow {workflow['id']} is a row of workflows"


def nodes_come_in_order(stack: dict) -> str:
    workflow = made(stack, FAIL, {**TEMPLATE, "order_index": 0})
    nodes = ask(stack, f"/workflows/{workflow}")["nodes"]
    seen = [(node["order_index"], node["node_type"]) for node in nodes]
    assert seen == [(0, "text_template"), (1, "fail")], seen
    return f"added second with order_index 0, read first: {seen}"


def node_config_is_json(stack: dict) -> str:
    workflow = made(stack, TEMPLATE)
    sql = (
        "select node_type, config ->> 'template', pg_typeof(config)::text,"
        " pg_typeof(node_type)::text from nodes where workflow_id = %s"
    )
    found = row(stack, sql, workflow)
    assert found == ("text_template", "Hello {{ input.name }}!", "jsonb", "text"), found
    return f"nodes has {found}"


def run_is_recorded(stack: dict) -> str:
    workflow = made(stack, TEMPLATE, {"node_type": "delay", "config": {"seconds": 0.05}})
    answer = ask(stack, f"/workflows/{workflow}/run", {"input": {"name": "Ada"}})
    assert answer["final_output"] == "Hello Ada!", answer
    sql = (
        "select runs.status, count(*),"
        " count(*) filter (where s.status = 'succeeded' and s.finished_at >= s.started_at)"
        " from runs join run_nodes s on s.run_id = runs.id where runs.id = %s group by runs.status"
    )
    found = row(stack, sql, answer["run_id"])
    assert found == ("succeeded", 2, 2), found
    return f"final_output {answer['final_output']!r}; a row of runs with 2 of run_nodes"


def runs_are_listed(stack: dict) -> str:
    workflow = made(stack, TEMPLATE)
    runs = [
        ask(stack, f"/workflows/{workflow}/run", {"input": {"name": n}})["run_id"] for n in "ab"
    ]
    listed = ask(stack, f"/workflows/{workflow}/runs")
    assert [run["id"] for run in listed["items"]] == runs[::-1], listed
    return f"{listed['total']} runs, newest first"


def run_is_told_with_its_steps(stack: dict) -> str:
    workflow = made(stack, TEMPLATE, FAIL)
    answer = ask(stack, f"/workflows/{workflow}/run", {"input": {"name": "Ada"}})
    run = ask(stack, f"/runs/{answer['run_id']}")
    seen = [
        (step["node_type"], step["status"], step["output"], step["error"]) for step in run["steps"]
    ]
    assert seen == [
        ("text_template", "succeeded", "Hello Ada!", None),
        ("fail", "failed", None, "no"),
    ], seen
    assert run["status"] == "failed", run
    return f"a failed run: {seen}"


def quickstart_works(stack: dict) -> str:
    """Every line of quickstart.md that begins with $, and what stands below it."""
    text = (PROJECT / "quickstart.md").read_text(encoding="utf-8")
    lines = [
        line
        for block in re.findall(r"```console\n(.*?)```", text, re.S)
        for line in block.splitlines()
    ]
    script = ["set -eu"]
    wanted = []
    for line in lines:
        if line.startswith("$ "):
            script.append(line[2:])
            # Where this stack has its API.
            if line.startswith("$ api="):
                script.append(f"api={shlex.quote(stack['urls']['api'])}")
        else:
            wanted.append(line)
    done = subprocess.run(
        ["sh", "-c", "\n".join(script)],
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines() == wanted, done.stdout
    return f"{len(script) - 2} lines ran and answered as written"


def password(service: str) -> str:
    """A password of .env, which the twin shares."""
    for line in (PROJECT / ".env").read_text().splitlines():
        if line.startswith(f"{service.upper()}_PASSWORD="):
            return line.partition("=")[2].strip("'\"")
    raise LookupError(f".env has no {service.upper()}_PASSWORD; run devstack render")


def pgadmin_has_the_database(stack: dict) -> str:
    """Its owner can log in, and finds the database in the list of servers."""
    base = stack["urls"]["pgadmin"]
    jar = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    page = browser.open(f"{base}/login", timeout=20).read().decode()
    token = re.search(r'csrfToken"?\s*[:=]\s*"([^"]+)"', page)
    assert token is not None, "the login page has no csrfToken"
    form = {"csrf_token": token[1], "email": EMAIL, "password": password("pgadmin")}
    inside = browser.open(
        f"{base}/authenticate/login", urllib.parse.urlencode(form).encode(), timeout=20
    )
    assert inside.url.startswith(f"{base}/browser"), f"not let in: {inside.url}"
    browser.addheaders.append(("X-pgA-CSRFToken", token[1]))

    def talk(path: str, form: "dict | None" = None) -> object:
        data = None if form is None else urllib.parse.urlencode(form).encode()
        return json.load(browser.open(base + path, data, timeout=20))

    groups = talk("/browser/server_group/obj/")
    found = [
        (group, one) for group in groups for one in talk(f"/browser/server/obj/{group['id']}/")
    ]
    assert len(found) == 1, f"servers: {found}"
    group, server = found[0]
    shown = {key: server[key] for key in ("name", "host", "port", "db", "username")}
    wanted = {
        "name": "db",
        "host": "db",
        "port": 5432,
        "db": "workflow_history",
        "username": "workflows",
    }
    assert shown == wanted, shown
    path = f"/browser/server/connect/{group['id']}/{server['id']}"
    connected = talk(path, {"password": password("db"), "save_password": "false"})
    assert connected["data"]["connected"] is True, connected
    return f"logged in as {EMAIL}; connected to workflows@db:5432/workflow_history as listed"

"""What verify reads without an engine: log lines, secrets in texts, JSON answers, criteria, repeated runs, the section of devstack.yml."""

from __future__ import annotations

from pathlib import Path

import pytest

from devstack.compose.model import Json
from devstack.document import load
from devstack.errors import UsageError, Where
from devstack.spec.faults import Faults
from devstack.spec.model import CriterionSpec, ProbeSpec, VerifySpec
from devstack.spec.probes import BUILT_IN
from devstack.spec.probes import PROBES as KINDS
from devstack.spec.verify import read_verify
from devstack.verify.base import Topic
from devstack.verify.checks.health import is_empty_probe
from devstack.verify.checks.logs import errors, is_error
from devstack.verify.checks.secrets import scan
from devstack.verify.criteria import judge
from devstack.verify.model import Mode, Report, Result, Status
from devstack.verify.probes import PROBES
from devstack.verify.probes.texts import problems
from devstack.verify.registry import CHECKS, COVERS
from devstack.verify.repeat import together
from devstack.verify.selection import choose
from tests.stacks import service

HERE = Where("devstack.yml", 1)
WEB = service("web")
DB = service("db", image="postgres:17", command=None, environment={"POSTGRES_PASSWORD": "x"})
CACHE = service("cache", image="redis:7", command=None)


@pytest.mark.parametrize(
    "line",
    [
        "2026-11-20 ERROR api: no such tenant",
        "ERROR:    Application startup failed. Exiting.",
        "[2026-11-20 10:00:00] CRITICAL worker lost",
        "Traceback (most recent call last):",
        "ValueError: not a number",
        "sqlalchemy.exc.OperationalError: (psycopg) connection refused",
        "UnhandledPromiseRejection: This error originated either by throwing",
        '{"level":"error","msg":"no queue"}',
        '{"level": 50, "msg": "pino"}',
        'ts=1 level=error msg="no queue"',
        "2026/11/20 [error] 7#7: *1 open() failed",
        "npm ERR! missing script: dev",
        "panic: runtime error: index out of range",
    ],
)
def test_a_line_of_an_error_is_one(line: str) -> None:
    assert is_error(WEB, line)


@pytest.mark.parametrize(
    "line",
    [
        "compiled with 0 errors",
        "no errors found",
        '{"level":"info","error":null}',
        "GET /errors/ERROR.html 200",
        "INFO: log level is one of DEBUG, INFO, LOG_LEVEL=ERROR",
        "on_error=ignore",
        "error handling is on",
        "127.0.0.1 - - GET /error 404",
    ],
)
def test_a_line_that_only_speaks_of_errors_is_none(line: str) -> None:
    assert not is_error(WEB, line)


def test_databases_are_read_by_their_own_manner() -> None:
    assert is_error(DB, '2026-11-20 10:00:00 UTC [72] ERROR:  relation "nothing" does not exist at character 15')
    assert not is_error(DB, "2026-11-20 10:00:00 UTC [72] FATAL:  the database system is starting up")
    assert not is_error(DB, "LOG:  database system is ready to accept connections; no ERROR so far")
    assert is_error(CACHE, "1:M 20 Nov 2026 10:00:00.000 # Fatal error loading the DB")
    assert not is_error(CACHE, "1:M 20 Nov 2026 10:00:00.000 # WARNING Memory overcommit must be enabled!")


def test_a_probe_that_came_before_the_database_was_made_is_no_error() -> None:
    early = 'FATAL:  database "app" does not exist'
    made = "PostgreSQL init process complete; ready for start up."
    assert errors(DB, [early, 'FATAL:  role "app" does not exist', made, "LOG:  ready"]) == []
    assert errors(DB, [early, made, early]) == [early]
    assert errors(DB, [early]) == [early]
    assert errors(DB, ["ERROR:  syntax error", made]) == ["ERROR:  syntax error"]


def found(text: str, **values: str) -> list[tuple[str, bool]]:
    return [(find.what, find.strong) for find in scan(text, "compose.yaml", values)]


def test_secrets_are_found_by_value_by_shape_and_by_name() -> None:
    assert found("  command: run --key s3cretvalue99", DB_PASSWORD="s3cretvalue99") == [("the value of DB_PASSWORD in .env", True)]
    assert found("A: ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8") == [("a GitHub token", True)]
    assert found("ADMIN_PASSWORD: kR7wQ2zX9vB4nM6t") == [("ADMIN_PASSWORD has a literal value", True)]
    assert found("POSTGRES_PASSWORD: postgres") == [("POSTGRES_PASSWORD has a literal value", False)]
    assert found("environment: {POSTGRES_PASSWORD: postgres}") == [("POSTGRES_PASSWORD has a literal value", False)]
    assert found("AUTH_SECRET: ${AUTH_SECRET:-dev-only}") == [("AUTH_SECRET has a literal default", False)]
    assert found("url: postgresql://shop:kR7wQ2zX9vB4nM6t@db/shop") == [("a password inside a URL", True)]


@pytest.mark.parametrize(
    "line",
    [
        'POSTGRES_PASSWORD: "${DB_PASSWORD:?run devstack render}"',
        'DATABASE_URL: "postgresql://agent:${DB_PASSWORD:?run devstack render}@db:5432/app"',
        "PASSWORD_FILE: /run/secrets/password",
        "TOKEN_TTL: 3600",
        "API_KEY_HEADER_NAME: x-key",
        "# PASSWORD: hunter2",
        "DB_PASSWORD=",
        'match: {POSTGRES_PASSWORD: "^.{28}$"}',
        "environment: {POSTGRES_PASSWORD: ${DB_PASSWORD:-}}",
    ],
)
def test_what_only_names_a_secret_is_none(line: str) -> None:
    assert found(line) == []


@pytest.mark.parametrize("words", ["true", "exit 0", "echo ok", "curl -f localhost || true", "sh -c 'exit 0'"])
def test_a_probe_that_cannot_fail_is_known(words: str) -> None:
    assert is_empty_probe(words)


@pytest.mark.parametrize("words", ["pg_isready -U shop", "curl -f localhost", "test -e /tmp/ready", "curl -f localhost || exit 1"])
def test_a_probe_that_can_fail_is_none_of_those(words: str) -> None:
    assert not is_empty_probe(words)


def probe(check: str, **options: Json) -> ProbeSpec:
    return ProbeSpec(check=check, where=HERE, options=options)


def test_answers_are_compared_by_text_and_by_path() -> None:
    text = '{"status": "ok", "items": [{"id": 1, "a.b": true}]}'
    assert list(problems(probe("http", json={"status": "ok", "items.0.id": 1, "items.0.a.b": True}), text)) == []
    assert list(problems(probe("http", json={"items.1.id": 1}), text)) == ["items.1.id is not there"]
    assert list(problems(probe("http", json={"status": "down"}), text)) == ['status is ""ok""']
    assert list(problems(probe("http", contains=["ok"], lacks=["items"]), text)) == ['"items" is in it']
    assert list(problems(probe("sql", equals=3), "3\n")) == []


def result(name: str, status: Status, service: str = "") -> Result:
    return Result(id=name, check=name.partition(".")[0], title=name, status=status, service=service)


def criterion(*probes: ProbeSpec) -> CriterionSpec:
    return CriterionSpec(id="AC1", text="it works", probes=probes, where=HERE)


@pytest.mark.parametrize(
    ("check", "status"),
    [
        ("data", Status.FAIL),
        ("data.persists", Status.PASS),
        ("data.undo", Status.FAIL),
        ("schema", Status.SKIP),
        ("reload", Status.SKIP),
    ],
)
def test_a_criterion_fails_with_what_it_rests_on_and_is_open_where_nothing_was_found(check: str, status: Status) -> None:
    results = [
        result("data.persists.db", Status.PASS),
        result("data.undo.db", Status.FAIL),
        result("schema.applied", Status.SKIP),
        result("files.ports", Status.PASS),
    ]
    [judged] = judge([criterion(probe(check))], results)
    assert judged.status is status


def test_a_criterion_of_several_checks_needs_all_of_them() -> None:
    results = [result("data.persists.db", Status.PASS), result("reach", Status.SKIP)]
    [judged] = judge([criterion(probe("data"), probe("reach"))], results)
    assert judged.status is Status.SKIP
    assert results[0].criteria == ("AC1",)


def test_a_criterion_on_one_service_does_not_fail_for_another() -> None:
    results = [result("reach.db.5432", Status.PASS, "db"), result("reach.web.80", Status.FAIL, "web")]
    [judged] = judge([criterion(probe("reach", service="db"))], results)
    assert judged.status is Status.PASS


def test_repeated_runs_show_what_failed_only_sometimes() -> None:
    def report(status: Status) -> Report:
        return Report(project="shop", subject="twin", mode=Mode.TWIN, results=(result("reach.web", status),), seconds=1.0)

    whole = together([report(Status.PASS), report(Status.FAIL), report(Status.PASS)])
    assert whole.runs == 3 and dict(whole.failures) == {"reach.web": 1} and not whole.ok and whole.seconds == 3.0


def test_every_declared_probe_and_part_is_carried_out() -> None:
    assert set(PROBES) == set(KINDS)
    declared = {name if not parts else f"{name}.{part}" for name, parts in BUILT_IN.items() for part in parts or ("",)}
    assert {check.id for check in CHECKS} | set(COVERS) == declared


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_the_example_of_every_probe_is_read_without_a_problem(kind: object) -> None:
    from devstack.spec.probes import ProbeKind

    assert isinstance(kind, ProbeKind)
    text = f"criteria:\n  - {{id: AC1, text: it works, {kind.example[1:-1]}}}\n"
    faults = Faults({"devstack.yml": text})
    read = read_verify(load(text, "devstack.yml"), None, lambda node, path: node, faults)
    assert not faults.found and read.criteria[0].probes[0].check == kind.name


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("criteria: [{id: AC1, text: x, check: prot, port: 1}]", 'did you mean "port"'),
        ("criteria: [{id: AC1, text: x, check: port}]", "`port` is missing"),
        ("criteria: [{id: AC1, text: x, check: port, port: 80, service: wbe}]", 'did you mean "web"'),
        ("criteria: [{id: AC1, text: x, check: sql, query: select 1}]", "it must say one of: equals"),
        ("criteria: [{id: AC1, text: x, check: files.secrts}]", 'did you mean "secrets"'),
        ("criteria: [{id: AC1, text: x, check: [port]}]", '"port" needs parameters'),
        ("criteria: [{id: AC1, check: healthy}]", "`text` is missing"),
        ("criteria: [{id: AC1, text: x, check: healthy}, {id: AC1, text: y, check: healthy}]", "stands here twice"),
        ("checks: [{id: data, check: healthy}]", "a check that devstack has"),
        ("checks: [{id: mine, check: data}]", "runs anyway"),
        ("allow: {logs: ['(']}", "no regular expression"),
        ("window: soon", "a duration is expected"),
        ("reload: [{service: web, file: a, replace: b}]", "`with` is missing"),
    ],
)
def test_a_wrong_section_is_told_at_its_place(text: str, said: str) -> None:
    faults = Faults({"devstack.yml": text})
    read_verify(load(text, "devstack.yml"), frozenset({"web"}), lambda node, path: node, faults)
    assert any(said in str(problem) and problem.where.line == 1 for problem in faults.found), faults.found


def test_live_runs_only_what_disturbs_nothing() -> None:
    chosen = choose(VerifySpec(), Mode.LIVE)
    assert {check.id for check in chosen.checks} == {check.id for check in CHECKS if check.live}
    assert not any(check.phase.value in ("start", "rough", "last") for check in chosen.checks)


def test_a_criterion_that_is_chosen_brings_the_checks_it_rests_on() -> None:
    spec = VerifySpec(criteria=(criterion(probe("persists")),))
    assert [check.id for check in choose(spec, Mode.TWIN, only=["AC1"]).checks] == ["data.persists"]
    with pytest.raises(UsageError, match="no check is called AC2"):
        choose(spec, Mode.TWIN, only=["AC2"])


def test_a_result_knows_how_long_it_took_and_where_to_look(tmp_path: Path) -> None:
    made = Topic(check="files.ports", title="ports", where=HERE).failed("open", fix=["close it"])
    assert made.id == "files.ports" and made.check == "files" and made.fails and made.seconds >= 0
    document = made.as_json()
    assert isinstance(document, dict) and document["where"] == {"file": "devstack.yml", "line": 1, "column": None}

"""`verify --report`, `--bundle`, `--compare` and `--schema`, as a person or a CI job gives them, on a real stack."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from junitparser import JUnitXml

from devstack.cli.reporting import comparison
from devstack.engine.base import Engine
from devstack.reports import FORMATS, history
from devstack.reports.history import Slower
from tests.reports.samples import PASSED, past
from tests.scenarios.checkout import Checkout
from tests.scenarios.conftest import MakeCheckout, checkouts
from tests.scenarios.conftest import ground as ground

STACK = """\
name: @PROJECT
services:
  web:
    image: busybox:1.37
    init: true
    command: [sh, -c, "echo started with $${WEB_PASSWORD}; httpd -f -p 8000 -h /etc"]
    ports: ["127.0.0.1:@PORT:8000"]
    environment: {WEB_PASSWORD: "${WEB_PASSWORD}"}
    healthcheck: {test: [CMD, wget, -qO-, "http://127.0.0.1:8000/hostname"], interval: 2s}
verify:
  window: 500ms
  criteria:
    - {id: AC1, text: The page is there, check: http, service: web, path: /hostname, status: 200}
    - {id: AC2, text: The page greets, check: http, service: web, path: /hostname, contains: [good morning]}
  checks:
    - {id: tells, title: It tells its password, check: shell, service: web, run: echo $WEB_PASSWORD; exit 1}
"""
CANARY = "Zq8<v&Tx3mKw'5rYn2b"
QUICK = ("verify", "--only", "reach", "--only", "criteria", "--only", "tells")


@pytest.fixture(scope="module")
def make(ground: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeCheckout]:
    with checkouts(ground, tmp_path_factory.mktemp("reports")) as made:
        yield made


@pytest.fixture
def web(make: MakeCheckout) -> Checkout:
    checkout = make({"devstack.yml": STACK, ".env": f'WEB_PASSWORD="{CANARY}"\n'})
    checkout.secrets.append(CANARY)
    return checkout


def test_every_format_is_written_and_none_tells_the_password(web: Checkout) -> None:
    summary = web.folder / "out" / "summary.md"
    wanted = [word for name in FORMATS if name != "github" for word in ("--report", f"{name}=out/report.{name}")]
    ran = web.devstack(
        *QUICK, *wanted, "--report", "github", "--bundle", "out/evidence.zip", code=3, GITHUB_STEP_SUMMARY=str(summary), timeout=180
    )
    files = {path.name: path.read_text() for path in (web.folder / "out").iterdir() if path.suffix != ".zip"}
    page = web.folder / ".devstack" / "verify" / "last.html"
    assert "report   .devstack/verify/last.html" in ran.err and page.read_text() == files["report.html"]
    assert set(files) == {*(f"report.{name}" for name in FORMATS if name != "github"), "summary.md"}
    with zipfile.ZipFile(web.folder / "out" / "evidence.zip") as packed:
        files |= {f"zip:{name}": packed.read(name).decode() for name in packed.namelist()}
    assert "WEB_PASSWORD=****" in files["zip:files/.env"] and "started with ****" in files["zip:services/web/log.txt"]
    pieces = [CANARY, "Zq8", "Tx3mKw", "5rYn2b"]
    told = {name: piece for name, text in files.items() for piece in pieces if piece in text}
    assert told == {} and not [piece for piece in pieces if piece in ran.said]
    assert "****" in files["report.json"], "the check that tells the password was run"
    assert "::error file=devstack.yml,line=" in ran.err and "title=criteria.AC2" in ran.err
    assert len(JUnitXml.fromstring(files["report.junit"].encode())) == 2
    assert "- [x] **AC1**" in files["summary.md"] and "- [ ] **AC2**" in files["summary.md"]


def test_a_program_that_logs_workflow_commands_gives_github_none(web: Checkout) -> None:
    web.edit("devstack.yml", "echo $WEB_PASSWORD; exit 1", 'echo "::set-output name=x::y"; exit 1')
    ran = web.devstack("verify", "--only", "tells", "--report", "github=s.md", code=3, timeout=180)
    lines = [line.strip() for line in ran.said.splitlines()]
    stop = next(line for line in lines if line.startswith("::stop-commands::"))
    token = stop.removeprefix("::stop-commands::")
    told = next(line for line in lines if line.startswith("::set-output"))
    assert ran.err.index(stop) < ran.err.index(f"::{token}::") < ran.err.index("::error ")
    assert told in ran.out and len(token) > 20


def test_the_report_in_a_file_is_what_json_answers_and_what_the_schema_says(web: Checkout) -> None:
    ran = web.devstack(*QUICK, "--json", "--report", "json=report.json", code=3, timeout=180)
    assert json.loads((web.folder / "report.json").read_text()) == ran.data
    schema = json.loads(web.devstack("verify", "--schema").out)
    Draft202012Validator(schema).validate(ran.data)


def test_a_verify_that_passes_makes_no_bundle(web: Checkout) -> None:
    web.devstack("verify", "--only", "reach", "--bundle", "evidence.zip", "--report", "github=summary.md", timeout=180)
    assert not (web.folder / "evidence.zip").exists() and "✅ passed" in (web.folder / "summary.md").read_text()


def test_what_got_slower_is_told_against_the_last_runs(web: Checkout) -> None:
    first = web.devstack("verify", "--only", "reach", "--compare", timeout=180)
    assert "first run here" in first.out
    web.devstack("verify", "--only", "reach", timeout=180)
    web.edit("devstack.yml", 'sh, -c, "', 'sh, -c, "sleep 5; ')
    ran = web.devstack("verify", "--only", "reach", "--compare", "--json", "--report", "html=page.html", timeout=180)
    slower = {item["what"]: item for item in ran.data["slower"]}
    assert {"cold start", "start of web"} <= set(slower) and slower["cold start"]["runs"] == 2
    assert slower["cold start"]["seconds"] - slower["cold start"]["median"] > 2
    assert "the last 3 runs, this one at the right" in (web.folder / "page.html").read_text()
    assert len(history.read(web.folder)) == 3


def test_the_comparison_says_how_much_slower() -> None:
    found = [
        Slower(what="start of db", seconds=6.2, usual=3.1, runs=7),
        Slower(what="reach.db.5432", seconds=0.5, usual=0.0, runs=7),
    ]
    first, db, reach = comparison(found, replace(PASSED, past=past(3.0, 3.1)))
    assert first == "slower than in the median of earlier runs:"
    assert "start of db" in db and "6.2 s instead of 3.1 s  2.0 times as long  (7 runs)" in db
    assert "0.5 s instead of 0.0 s  (7 runs)" in reach
    assert comparison((), replace(PASSED, past=past(3.0, 3.1))) == ["nothing is slower than in the median of the last 2 runs"]


def test_what_is_remembered_is_kept_out_of_version_control(web: Checkout) -> None:
    import subprocess

    subprocess.run(["git", "init", "-q"], cwd=web.folder, check=True)
    web.devstack("verify", "--only", "reach", timeout=180)
    listed = subprocess.run(
        ["git", "status", "--porcelain", "-uall"], cwd=web.folder, check=True, capture_output=True, text=True
    ).stdout
    assert "history" not in listed and "devstack.yml" in listed


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--report", "jnit=x.xml"), 'did you mean "junit"'),
        (("--report", "junit"), "--report junit=report.junit"),
        (("--report", "html=."), "this is a folder"),
        (("--bundle", "."), "this is a folder"),
    ],
    ids=["unknown format", "no path", "a folder", "a folder as bundle"],
)
def test_a_report_that_cannot_be_written_is_told_before_anything_starts(web: Checkout, words: tuple[str, ...], said: str) -> None:
    ran = web.devstack("verify", *words, code=2)
    assert said in ran.err and "twin" not in ran.err


def test_a_spec_with_problems_is_a_report_too(tmp_path: Path) -> None:
    from tests.scenarios.checkout import run

    (tmp_path / "devstack.yml").write_text("services:\n  web: {image: 'busybox:1.37', enviroment: {}, prots: []}\n")
    ran = run("verify", "--report", "junit=out.xml", "--report", "github", cwd=tmp_path, code=2)
    [suite] = JUnitXml.fromstring((tmp_path / "out.xml").read_bytes())
    assert suite.failures == 2 and "enviroment" in (tmp_path / "out.xml").read_text()
    assert ran.err.count("::error file=devstack.yml,line=2") == 2


def test_a_folder_that_takes_no_file_is_said_and_the_verify_is_told_anyway(web: Checkout) -> None:
    (web.folder / "file").write_text("")
    ran = web.devstack("verify", "--only", "reach", "--report", "json=file/report.json", code=1, timeout=180)
    assert "cannot be written" in ran.err and "1 passed" in ran.out

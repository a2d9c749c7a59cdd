"""The workflows that `init --ci` writes and the action: valid by the public schemas, and their steps run as they are written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import check_jsonschema
import pytest
import yaml
from jsonschema import validators
from junitparser import JUnitXml

from devstack.cli.pipelines import PLACES, installed_from
from tests.scenarios.checkout import Checkout, run, surroundings
from tests.scenarios.conftest import MakeCheckout
from tests.scenarios.conftest import checkout as checkout
from tests.scenarios.conftest import ground as ground
from tests.verify.stacks import WEB

ROOT = Path(__file__).parent.parent.parent
SCHEMAS = Path(check_jsonschema.__file__).parent / "builtin_schemas" / "vendor"
PACKAGE = "git+https://git.example/tools/devstack@v0.1.0"


def valid(path: Path, schema: str) -> Any:
    document = yaml.safe_load(path.read_text())
    rules = json.loads((SCHEMAS / schema).read_text())
    # YAML 1.1 reads the key `on` as true; GitHub does not.
    document = {("on" if key is True else key): value for key, value in document.items()}
    validators.validator_for(rules)(rules).validate(document)
    return document


@pytest.mark.parametrize("words", [(), ("--ci-package", PACKAGE)], ids=["package not said", "package said"])
@pytest.mark.parametrize(("ci", "schema"), [("github", "github-workflows.json"), ("gitlab", "gitlab-ci.json")])
def test_the_workflow_is_valid_by_the_public_schema(tmp_path: Path, ci: str, schema: str, words: tuple[str, ...]) -> None:
    ran = run("init", "--ci", ci, *words, "--json", cwd=tmp_path)
    document = valid(tmp_path / PLACES[ci], schema)
    assert ran.data["created"] == [str(PLACES[ci])] and "@GIT" not in json.dumps(document)
    assert (PACKAGE in json.dumps(document)) is bool(words)


@pytest.mark.parametrize("ci", PLACES)
def test_devstack_is_never_installed_by_its_bare_name(tmp_path: Path, ci: str) -> None:
    run("init", "--ci", ci, cwd=tmp_path)
    text = (tmp_path / PLACES[ci]).read_text()
    installs = [line for line in text.splitlines() if "pip install " in line]
    assert len(installs) == 1 and "${DEVSTACK_PACKAGE:?" in installs[0]


def test_a_workflow_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / ".gitlab-ci.yml").write_text("mine: {script: [make]}\n")
    ran = run("init", "--ci", "gitlab", cwd=tmp_path, code=7)
    assert ".gitlab-ci.yml" in ran.err and (tmp_path / ".gitlab-ci.yml").read_text() == "mine: {script: [make]}\n"


def test_a_ci_that_is_not_known_is_said(tmp_path: Path) -> None:
    assert "--ci github or --ci gitlab" in run("init", "--ci", "jenkins", cwd=tmp_path, code=2).err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("origin", "said"),
    [
        (
            {"url": "https://git.example/devstack.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}},
            "git+https://git.example/devstack.git@abc",
        ),
        (
            {"url": "https://me:pw@git.example/d.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}},
            "git+https://git.example/d.git@abc",
        ),
        ({"url": "https://files.example/devstack-0.1.0.tar.gz", "archive_info": {}}, "https://files.example/devstack-0.1.0.tar.gz"),
        ({"url": "file:///nowhere", "dir_info": {}}, ""),
        (None, ""),
    ],
    ids=["a repository", "with a login", "an archive", "a folder", "an index"],
)
def test_ci_installs_what_was_installed_here(monkeypatch: pytest.MonkeyPatch, origin: dict[str, Any] | None, said: str) -> None:
    found = type(distribution("devstack"))
    monkeypatch.setattr(found, "read_text", lambda self, name: json.dumps(origin) if origin else None)
    assert installed_from() == said


def test_a_clone_is_installed_from_where_it_was_cloned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git = ["git", "-C", str(tmp_path), "-c", "user.name=x", "-c", "user.email=x@example.org"]
    for words in (
        ["init", "-q"],
        ["commit", "-q", "--allow-empty", "-m", "x"],
        ["remote", "add", "origin", "https://git.example/d.git"],
    ):
        subprocess.run([*git, *words], check=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    found = type(distribution("devstack"))
    monkeypatch.setattr(
        found, "read_text", lambda self, name: json.dumps({"url": tmp_path.as_uri(), "dir_info": {"editable": True}})
    )
    assert installed_from() == f"git+https://git.example/d.git@{commit}"


# As a runner runs them


def machine(folder: Path) -> dict[str, str]:
    """What a step finds on a runner, with this devstack as the one that was installed."""
    programs = folder / "temp" / "devstack" / "bin"
    programs.mkdir(parents=True)
    program = programs / "devstack"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m devstack "$@"\n')
    program.chmod(0o755)
    places = {name: str(folder / name.lower()) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    path = f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    return surroundings(CI="true", RUNNER_TEMP=str(folder / "temp"), GITHUB_WORKSPACE=str(folder), PATH=path, **places)


def step(script: str, stack: Checkout, environment: dict[str, str], *, code: int = 0) -> str:
    words = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    done = subprocess.run(words, cwd=stack.folder, env=environment, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def fresh(checkout: MakeCheckout) -> Checkout:
    return checkout({"devstack.yml": WEB + "verify: {window: 500ms}\n"})


def test_the_action_is_valid_and_its_step_verifies(fresh: Checkout, tmp_path: Path) -> None:
    action = valid(ROOT / "action.yml", "github-actions.json")
    script = next(item["run"] for item in action["runs"]["steps"] if item.get("id") == "verify")
    inputs = {
        "ARGUMENTS": action["inputs"]["arguments"]["default"] + " --only 'reach'",
        "REPORT": action["inputs"]["report"]["default"],
    }
    environment = machine(tmp_path)
    step(script, fresh, environment | inputs)
    outputs = dict(line.split("=", 1) for line in Path(environment["GITHUB_OUTPUT"]).read_text().splitlines())
    assert JUnitXml.fromstring(Path(outputs["junit"]).read_bytes()).failures == 0 and Path(outputs["html"]).is_file()
    assert "✅ passed" in Path(environment["GITHUB_STEP_SUMMARY"]).read_text()


def test_the_arguments_of_the_action_run_no_command(fresh: Checkout, tmp_path: Path) -> None:
    action = valid(ROOT / "action.yml", "github-actions.json")
    assert not [item for item in action["runs"]["steps"] if "${{" in item.get("run", "")], "an input inside a script would be run"
    script = next(item["run"] for item in action["runs"]["steps"] if item.get("id") == "verify")
    said = step(script, fresh, machine(tmp_path) | {"ARGUMENTS": "--only $(touch bad) ; touch bad", "REPORT": "r"}, code=2)
    assert not (fresh.folder / "bad").exists() and "Traceback" not in said


@pytest.mark.parametrize("ci", PLACES)
def test_the_verify_step_of_a_workflow_runs_as_written(fresh: Checkout, tmp_path: Path, ci: str) -> None:
    fresh.devstack("init", "--ci", ci)
    document = yaml.safe_load((fresh.folder / PLACES[ci]).read_text())
    if ci == "github":
        script = next(item["run"] for item in document["jobs"]["verify"]["steps"] if item.get("name") == "Verify")
    else:
        script = document["devstack"]["script"][0].replace("/opt/devstack/bin/", "")
    fresh.edit("devstack.yml", "127.0.0.1:", "0.0.0.0:")
    step(script, fresh, machine(tmp_path), code=3)
    written = {path.name for path in (fresh.folder / "devstack-report").iterdir()}
    assert {"junit.xml", "index.html", "report.json", "evidence.zip"} <= written
    assert fresh.ids() == {}, "a fresh machine is left as it was"


def test_the_commands_of_the_readme_run_as_written(fresh: Checkout, tmp_path: Path) -> None:
    block = (ROOT / "README.md").read_text().split("<!-- tested in CI", 1)[1].split("```console", 1)[1].split("```", 1)[0]
    lines = [line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ ")]
    assert len(lines) == 3
    environment = machine(tmp_path)
    for line in lines:
        step(line, fresh, environment)
    assert all((fresh.folder / path).is_file() for path in PLACES.values())
    assert (fresh.folder / "report/junit.xml").is_file() and (fresh.folder / "report/index.html").is_file()
    assert not (fresh.folder / "report/evidence.zip").exists(), "it passed"

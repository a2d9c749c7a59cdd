"""What a service is told is translated to this machine: paths, ports, names of other services; and Dockerfiles are read."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from devstack.engine.native.dockerfile import read_dockerfile
from devstack.engine.native.places import places
from devstack.engine.native.translate import View
from devstack.engine.native.ways import Tool, Ways, image_name, version_of


@pytest.fixture
def view(tmp_path: Path) -> View:
    root = tmp_path / "root"
    (root / "run" / "secrets").mkdir(parents=True)
    (root / "run" / "secrets" / "key").write_text("hush")
    mounts = (("/app", "/home/me/shop"), ("/app/node_modules", "/vol/modules"), ("/data", "/vol/data"))
    others = {("db", 5432): 40001, ("cache", 6379): 40002, ("api", 80): 8080}
    return View(root, mounts, {8001: 18001, 80: 8080}, others)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("/data", "/vol/data"),
        ("/data/a/b.txt", "/vol/data/a/b.txt"),
        ("cat /app/x > /data/y", "cat /home/me/shop/x > /vol/data/y"),
        ("/app/node_modules/.bin/vite", "/vol/modules/.bin/vite"),
        ("/database", "/database"),
        ("/usr/bin/env", "/usr/bin/env"),
        ("echo x > /tmp/file", "echo x > ROOT/tmp/file"),
        ("https://example.com/data/x", "https://example.com/data/x"),
        ("--file=/data/x", "--file=/vol/data/x"),
        ("8001", "18001"),
        ("0.0.0.0:8001", "127.0.0.1:18001"),
        ("18001", "18001"),
        ("db:5432", "127.0.0.1:40001"),
        ("mydb:5432", "mydb:5432"),
        ("db:54321", "db:54321"),
    ],
)
def test_a_commands_words_name_this_machine(view: View, given: str, expected: str) -> None:
    assert view.command((given,)) == (expected.replace("ROOT", str(view.root)),)


def test_a_file_that_was_copied_in_is_found_and_another_path_is_the_machines_own(view: View) -> None:
    assert view.command(("cat", "/run/secrets/key", "/run/secrets/other"))[1:] == (
        f"{view.root}/run/secrets/key",
        "/run/secrets/other",
    )


def test_what_an_image_would_hold_a_copy_of_is_found_where_it_is_copied_from(view: View, tmp_path: Path) -> None:
    (tmp_path / "shop" / "packages").mkdir(parents=True)
    seen = replace(view, mounts=(("/srv/src", "/home/me/src"),), copied=(("/srv", str(tmp_path / "shop")),))
    assert seen.path("/srv") == tmp_path / "shop"
    assert seen.path("/srv/packages") == tmp_path / "shop/packages"
    assert seen.path("/srv/src/x") == Path("/home/me/src/x")
    assert seen.path("/srv/made/later") == view.root / "srv/made/later"
    assert seen.path("/srvother") == view.root / "srvother"


def test_a_host_and_its_port_as_two_words(view: View) -> None:
    assert view.command(("nc", "db", "5432")) == ("nc", "127.0.0.1", "40001")
    assert view.command(("nc", "db", "99")) == ("nc", "db", "99")


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"DATABASE_URL": "postgresql://a:b@db:5432/x"}, {"DATABASE_URL": "postgresql://a:b@127.0.0.1:40001/x"}),
        ({"PGHOST": "db", "PGPORT": "5432"}, {"PGHOST": "127.0.0.1", "PGPORT": "40001"}),
        ({"REDIS_HOST": "cache", "REDIS_PORT": "6379"}, {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": "40002"}),
        ({"DB": "db", "UPSTREAM": "api"}, {"DB": "127.0.0.1", "UPSTREAM": "127.0.0.1"}),
        (
            {"POSTGRES_USER": "db", "POSTGRES_DB": "db", "DRIVER": "cache"},
            {"POSTGRES_USER": "db", "POSTGRES_DB": "db", "DRIVER": "cache"},
        ),
        ({"PORT": "8001", "WORKERS": "80"}, {"PORT": "18001", "WORKERS": "80"}),
        ({"URL": "http://localhost:8001/x"}, {"URL": "http://localhost:18001/x"}),
        ({"NUMBER": "8001"}, {"NUMBER": "8001"}),
        ({"FILE": "/run/secrets/key"}, {"FILE": "ROOT/run/secrets/key"}),
        ({"API": "http://api:80/v1"}, {"API": "http://127.0.0.1:8080/v1"}),
    ],
)
def test_an_environment_names_this_machine(view: View, environment: dict[str, str], expected: dict[str, str]) -> None:
    assert view.values(environment) == {key: value.replace("ROOT", str(view.root)) for key, value in expected.items()}


def test_a_path_lies_below_its_innermost_mount(view: View) -> None:
    assert view.path("/app/node_modules/x") == Path("/vol/modules/x")
    assert view.path("/app/src") == Path("/home/me/shop/src")
    assert view.path("/etc/x") == view.root / "etc/x"
    assert view.path("/data/../etc/x") == view.root / "etc/x"


def test_a_dockerfile_says_how_its_image_runs() -> None:
    text = """\
# syntax=docker/dockerfile:1
ARG VERSION=3.13-slim
FROM python:${VERSION} AS base
ENV A=1 B="two words"
WORKDIR /app
FROM base
COPY requirements.txt ./
RUN pip install \\
      -r requirements.txt --requirement extra.txt
WORKDIR src
ENTRYPOINT ["python"]
CMD ["-m", "app"]
"""
    found = read_dockerfile(text, None)
    assert (found.base, found.folder) == ("python:3.13-slim", "/app/src")
    assert found.environment == {"A": "1", "B": "two words"}
    assert (found.entrypoint, found.command) == (("python",), ("-m", "app"))
    assert found.requirements == ("requirements.txt", "extra.txt")
    assert read_dockerfile(text, "base").command == ()


def test_a_command_in_shell_form_is_a_shells() -> None:
    assert read_dockerfile("FROM node:22\nCMD npm start\n", None).command == ("/bin/sh", "-c", "npm start")


@pytest.mark.parametrize(
    ("reference", "name", "version"),
    [
        ("postgres:17-alpine", "postgres", "17"),
        ("ghcr.io/x/postgres:16.2@sha256:00", "postgres", "16.2"),
        ("localhost:5000/redis", "redis", ""),
        ("prom/prometheus:v3.5.0", "prometheus", "3.5.0"),
        ("node:lts", "node", ""),
    ],
)
def test_an_image_is_known_by_the_last_part_of_its_name(reference: str, name: str, version: str) -> None:
    assert (image_name(reference), version_of(reference)) == (name, version)


def test_another_python_is_a_program_and_no_version_managers_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shim on PATH may stand for a version that is not installed; to ask it costs each command a tenth of a second."""
    shims, managed = tmp_path / "shims", tmp_path / ".pyenv/versions/3.99.1/bin"
    for folder in (shims, managed):
        folder.mkdir(parents=True)
    (shims / "python3.99").write_text("#!/bin/sh\necho Python 3.99.0\n")
    (shims / "python3.99").chmod(0o755)
    monkeypatch.setenv("PATH", str(shims))
    monkeypatch.setenv("HOME", str(tmp_path))
    ways = Ways(places({"DEVSTACK_NATIVE_HOME": str(tmp_path / "native")}), tmp_path)

    def found() -> tuple[str, tuple[Path, ...], str]:
        tool = ways.find("python:3.99-slim")
        assert isinstance(tool, Tool)
        return tool.version, tool.folders, tool.note

    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert found()[0] == here and found()[2] == f"Python {here} here, 3.99 in the image"
    (managed / "python3.99").symlink_to(sys.executable)
    assert found() == ("3.99", (managed,), "")

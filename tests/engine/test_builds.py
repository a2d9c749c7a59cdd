"""Building images, with Buildx and with the engine's classic builder."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from devstack import labels
from devstack.compose.model import Build, FileMount, FileObject, Service, Stack
from devstack.engine import builds
from devstack.engine.asked import Asked
from devstack.engine.base import Engine, Helper, Progress
from devstack.errors import DevstackError
from tests.engine.stacks import IMAGE, service, stack


def built(build: Build, **fields: Any) -> Service:
    return replace(service("api"), image=None, build=build, **fields)


def of(project: str, build: Build, **fields: Any) -> tuple[Stack, Service]:
    api = built(build)
    return replace(stack(project, api), **fields), api


def asked(build: Build, **fields: Any) -> Asked:
    wanted, api = of("p", build, **fields)
    return Asked(wanted, api, build, pull=False, no_cache=False)


def words(build: Build, **fields: Any) -> list[str]:
    return builds.buildx_command(asked(build, **fields), {}).words


# The command line, without an engine


def test_no_secret_and_no_argument_is_among_the_words() -> None:
    key = FileObject(key="key", name="key", content="hush-secret")
    build = Build(context="/c", args={"TOKEN": "hush-arg", "UNSET": None}, secrets=(FileMount("key", target="npm"),))
    command = builds.buildx_command(asked(build, secrets={"key": key}), {"HOME": "/h"})
    assert not [word for word in command.words if "hush" in word]
    assert command.environment["TOKEN"] == "hush-arg"
    assert "UNSET" not in command.words
    (secret,) = (word for word in command.words if word.startswith("id=npm,env="))
    assert command.environment[secret.removeprefix("id=npm,env=")] == "hush-secret"


def test_an_argument_named_like_a_variable_of_the_client_does_not_steer_it() -> None:
    command = builds.buildx_command(asked(Build(context="/c", args={"PATH": "/evil", "DOCKER_HOST": "x"})), {"PATH": "/bin"})
    assert command.environment == {"PATH": "/bin"}
    assert "PATH=/evil" in command.words


def test_every_setting_becomes_a_flag() -> None:
    found = words(
        Build(
            context="/c",
            dockerfile="sub/Dockerfile",
            target="dev",
            cache_from=("type=registry,ref=x",),
            additional_contexts={"base": "/b", "other": "service:api"},
            extra_hosts=("gate=192.0.2.1",),
            network="host",
            platforms=("linux/amd64",),
            shm_size=65536,
            ssh=("default",),
            tags=("t:1",),
            entitlements=("network.host",),
        )
    )
    pairs = set(pairwise(found))
    assert {
        ("--target", "dev"),
        ("--file", "/c/sub/Dockerfile"),
        ("--cache-from", "type=registry,ref=x"),
        ("--build-context", "base=/b"),
        ("--build-context", "other=docker-image://p-api"),
        ("--add-host", "gate:192.0.2.1"),
        ("--network", "host"),
        ("--platform", "linux/amd64"),
        ("--shm-size", "65536"),
        ("--ssh", "default"),
        ("--tag", "p-api"),
        ("--tag", "t:1"),
        ("--allow", "network.host"),
        ("--label", f"{labels.PROJECT}=p"),
    } <= pairs
    assert found[-1] == "/c"


def test_of_several_platforms_the_engines_own_is_built() -> None:
    assert "--platform" not in words(Build(context="/c", platforms=("linux/amd64", "linux/arm64")))


def test_steps_of_all_stages_are_counted() -> None:
    steps = builds.Steps()
    lines = ["#1 [internal] load build definition", "#5 [build 1/2] FROM x", "#6 [stage-1 1/3] FROM y", "#7 [build 2/2] RUN make"]
    found = [steps.add(line) for line in lines]
    assert found[-1] == Progress("3/5 steps", 3, 5)
    assert steps.add("#7 0.123 compiling").text == "compiling"


# On the engine


@pytest.fixture
def context(tmp_path: Path, require_image: Callable[[str], str]) -> Path:
    require_image(IMAGE)
    (tmp_path / "Dockerfile").write_text(f"FROM {IMAGE}\nARG WHO=nobody\nCOPY . /in\nRUN echo hello $WHO > /said\n")
    (tmp_path / ".dockerignore").write_text("*.secret\n")
    (tmp_path / "x.secret").write_text("hush")
    (tmp_path / "file").write_text("data")
    return tmp_path


@pytest.fixture(params=["buildx", "classic"])
def builder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each test runs with Buildx, and again as on a machine that has none."""
    if request.param == "buildx" and not builds.has_buildx():
        from tests.conftest import absent

        absent("there is no docker buildx")
    if request.param == "classic":
        monkeypatch.setattr(builds, "has_buildx", lambda: False)
    return str(request.param)


@pytest.fixture
def image(project: str) -> Iterator[str]:
    yield f"{project}-api"
    subprocess.run(["docker", "rmi", "-f", f"{project}-api"], capture_output=True)


def said(engine: Engine, image: str, *command: str) -> str:
    return engine.helper(Helper(purpose="t-look", image=image, command=command)).text


@pytest.mark.engine
def test_a_built_image_has_arguments_labels_and_what_dockerignore_leaves(
    engine: Engine, project: str, image: str, context: Path, builder: str
) -> None:
    seen: list[Progress] = []
    wanted, api = of(project, Build(context=str(context), args={"WHO": "world"}))
    found = engine.build(wanted, api, on_progress=seen.append)
    assert (found.labels[labels.PROJECT], found.labels[labels.SERVICE]) == (project, "api")
    assert found.labels[labels.BUILDER] == ("classic" if builder == "classic" else "buildkit")
    assert said(engine, image, "cat", "/said") == "hello world\n"
    assert said(engine, image, "ls", "/in").split() == ["Dockerfile", "file"]
    assert max(p.total for p in seen) >= 3
    assert any("WHO=world" in step and "/said" in step for step in engine.history(image))


@pytest.mark.engine
def test_an_inline_dockerfile_is_built(engine: Engine, project: str, image: str, context: Path, builder: str) -> None:
    inline = f"FROM {IMAGE} AS one\nRUN echo one > /said\nFROM one AS two\nRUN echo two > /said\n"
    wanted, api = of(project, Build(context=str(context), inline=inline, target="one"))
    engine.build(wanted, api)
    assert said(engine, image, "cat", "/said") == "one\n"


@pytest.mark.engine
def test_a_failing_step_shows_the_builders_last_lines(
    engine: Engine, project: str, image: str, context: Path, builder: str
) -> None:
    (context / "Dockerfile").write_text(f"FROM {IMAGE}\nRUN echo before && echo oh-no && exit 7\n")
    wanted, api = of(project, Build(context=str(context)))
    with pytest.raises(DevstackError) as caught:
        engine.build(wanted, api)
    assert caught.value.code == "build"
    told = dict(caught.value.details)["last lines"]
    assert "oh-no" in told
    assert len(told.splitlines()) <= 20
    assert "api" in caught.value.message


@pytest.mark.engine
def test_a_missing_context_is_named(engine: Engine, project: str, image: str, tmp_path: Path, builder: str) -> None:
    wanted, api = of(project, Build(context=str(tmp_path / "none")))
    with pytest.raises(DevstackError) as caught:
        engine.build(wanted, api)
    assert str(tmp_path / "none") in str(caught.value.details)


@pytest.mark.engine
def test_a_secret_reaches_the_step_and_not_the_image(engine: Engine, project: str, image: str, context: Path) -> None:
    if not builds.has_buildx():
        from tests.conftest import absent

        absent("there is no docker buildx")
    (context / "Dockerfile").write_text(f"FROM {IMAGE}\nRUN --mount=type=secret,id=key wc -c < /run/secrets/key > /said\n")
    key = FileObject(key="key", name="key", content="hush-hush")
    wanted, api = of(project, Build(context=str(context), secrets=(FileMount("key"),)), secrets={"key": key})
    engine.build(wanted, api)
    assert said(engine, image, "cat", "/said").strip() == "9"
    history = subprocess.check_output(["docker", "history", "--no-trunc", image], text=True)
    assert "hush" not in history


@pytest.mark.engine
def test_a_build_that_is_broken_off_leaves_no_process(engine: Engine, project: str, image: str, context: Path) -> None:
    if shutil.which("docker") is None or not builds.has_buildx():
        from tests.conftest import absent

        absent("there is no docker buildx")
    (context / "Dockerfile").write_text(f"FROM {IMAGE}\nRUN echo {project}; sleep 60\n")
    wanted, api = of(project, Build(context=str(context)))

    def stop(progress: Progress) -> None:
        if progress.text.strip() == project:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine.build(wanted, api, on_progress=stop)
    others = [p for p in Path("/proc").iterdir() if p.name.isdigit() and p.name != str(os.getpid())]
    assert [p for p in others if _mentions(p, str(context))] == []


def _mentions(process: Path, text: str) -> bool:
    try:
        return text.encode() in (process / "cmdline").read_bytes()
    except OSError:
        return False

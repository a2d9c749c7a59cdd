"""`devstack config` prints what `docker compose config` prints, wherever the files and the variables come from."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.scenarios.checkout import command, run, surroundings
from tests.verbs.beside import beside_compose, compose

SHOP = """\
x-common: &common {environment: {LEVEL: "${LEVEL:-info}", URL: "postgres://u:pass-word@db/x"}}
services:
  web:
    <<: *common
    image: busybox:${TAG:-1.37}
    command: sh -c "echo $$HOME ${A:-x}"
    ports: ["${PORT:-0}:80", "127.0.0.1:8090-8091:90-91"]
    depends_on: [db]
    secrets: [key]
    deploy: {replicas: "${N:-2}"}
  db:
    build: .
    environment: {PASSWORD: "${PW:-hush-hush}"}
    volumes: [data:/x, "./k:/k"]
    networks: [back]
  tools: {image: busybox, profiles: [tools]}
volumes: {data: {}, unused: {}}
networks: {back: {}, other: {}}
secrets: {key: {file: ./key}}
"""


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def both(folder: Path, ours: list[str], theirs: list[str], **environment: str) -> tuple[Any, Any]:
    """The model as each of the two prints it as JSON."""
    mine = run("config", "--format", "json", *ours, cwd=folder, **environment)
    told = compose(folder, *theirs, "config", "--format", "json", **environment)
    return json.loads(mine.out), json.loads(told.stdout)


TWO = {
    "a/compose.yaml": SHOP,
    "b/more.yaml": "name: other\nservices: {web: {environment: {MORE: '1'}, volumes: ['./here:/here']}}\n",
}
IMAGE = "services: {web: {image: 'busybox:${TAG}'}}\n"
PLACES: dict[str, tuple[dict[str, str], str, list[str], dict[str, str]]] = {
    "here": ({"compose.yaml": SHOP}, ".", [], {}),
    "override": (
        {"docker-compose.yml": SHOP, "docker-compose.override.yml": "services: {web: {ports: !override ['1:1']}}"},
        ".",
        [],
        {},
    ),
    "parent": ({"compose.yaml": SHOP, "deep/down/x": "", "deep/down/.env": "LEVEL=deep\n"}, "deep/down", [], {}),
    "repeated -f": (TWO, ".", ["-f", "a/compose.yaml", "-f", "b/more.yaml"], {}),
    "project directory": (TWO, ".", ["-f", "a/compose.yaml", "--project-directory", "b"], {}),
    "project directory searched": ({**TWO, "a/.env": "LEVEL=a\n"}, "b", ["--project-directory", "../a"], {}),
    "COMPOSE_FILE": (TWO, ".", [], {"COMPOSE_FILE": "a/compose.yaml:b/more.yaml"}),
    "COMPOSE_FILE in .env": ({**TWO, ".env": "COMPOSE_FILE=a/compose.yaml\nLEVEL=outer\n"}, ".", [], {}),
    "COMPOSE_PROJECT_NAME": ({"compose.yaml": SHOP}, ".", [], {"COMPOSE_PROJECT_NAME": "elsewhere"}),
    "-p": ({"compose.yaml": SHOP}, ".", ["-p", "named"], {"COMPOSE_PROJECT_NAME": "elsewhere"}),
    "COMPOSE_PROFILES": ({"compose.yaml": SHOP}, ".", [], {"COMPOSE_PROFILES": "tools"}),
    "--profile": ({"compose.yaml": SHOP}, ".", ["--profile", "tools"], {"COMPOSE_PROFILES": "nothing"}),
    "COMPOSE_ENV_FILES": (
        {"compose.yaml": IMAGE, ".env": "TAG=0", "e/1": "TAG=1", "e/2": "TAG=2"},
        ".",
        [],
        {"COMPOSE_ENV_FILES": "e/1,e/2"},
    ),
    "COMPOSE_ENV_FILES from a folder below": (
        {"compose.yaml": IMAGE, "sub/e": "TAG=below", "e": "TAG=above"},
        "sub",
        [],
        {"COMPOSE_ENV_FILES": "e"},
    ),
    "--env-file": (
        {"compose.yaml": IMAGE, "e/1": "TAG=1", "e/2": "TAG=2"},
        ".",
        ["--env-file", "e/1", "--env-file", "e/2"],
        {"COMPOSE_ENV_FILES": "x"},
    ),
    "the shell wins": ({"compose.yaml": IMAGE, ".env": "TAG=file"}, ".", [], {"TAG": "shell"}),
}


@beside_compose
@pytest.mark.parametrize("place", PLACES)
def test_the_model_equals_that_of_compose(place: str, tmp_path: Path) -> None:
    files, cwd, options, environment = PLACES[place]
    folder = write(tmp_path / "shop", files)
    mine, theirs = both(folder / cwd, options, options, **environment)
    assert mine == theirs


@beside_compose
@pytest.mark.parametrize("option", ["--services", "--images", "--volumes", "--networks", "--profiles", "--hash=*", "--hash=web"])
def test_lists_equal_those_of_compose(option: str, tmp_path: Path) -> None:
    folder = write(tmp_path, {"compose.yaml": SHOP})
    assert sorted(run("config", option, cwd=folder).out.split()) == sorted(compose(folder, "config", option).stdout.split())


@beside_compose
def test_variables_are_those_that_compose_finds(tmp_path: Path) -> None:
    folder = write(tmp_path, {"compose.yaml": SHOP + 'x-more: ["${NEEDED:?}", "${L:+yes}", "${Q:-${B}}"]\n'})
    mine = json.loads(run("config", "--variables", "--format", "json", cwd=folder).out)
    theirs = json.loads(compose(folder, "config", "--variables", "--format", "json").stdout)
    assert mine == theirs


@beside_compose
@pytest.mark.parametrize("format", ["json", "yaml"])
def test_without_interpolation_the_variables_stand(format: str, tmp_path: Path) -> None:
    folder = write(tmp_path, {"compose.yaml": SHOP.replace("${TAG:-1.37}", "${TAG:?which}")})
    mine = yaml.safe_load(run("config", "--no-interpolate", "--format", format, cwd=folder).out)
    theirs = yaml.safe_load(compose(folder, "config", "--no-interpolate", "--format", format).stdout)
    assert mine == theirs
    assert mine["services"]["web"]["image"] == "busybox:${TAG:?which}"


@beside_compose
def test_naming_services_leaves_what_they_need(tmp_path: Path) -> None:
    folder = write(tmp_path, {"compose.yaml": SHOP})
    mine = json.loads(run("config", "--format", "json", "db", cwd=folder).out)
    assert mine == json.loads(compose(folder, "config", "--format", "json", "db").stdout)
    assert list(mine["services"]) == ["db"]


@beside_compose
def test_what_is_printed_is_the_same_stack_again(tmp_path: Path) -> None:
    folder = write(tmp_path, {"compose.yaml": SHOP})
    printed = run("config", cwd=folder).out
    again = run("config", "-f", "-", cwd=folder, given=printed).out
    assert yaml.safe_load(again) == yaml.safe_load(printed)
    assert yaml.safe_load(compose(folder, "config").stdout) == yaml.safe_load(printed)


@beside_compose
def test_yaml_leaves_away_what_compose_leaves_away_and_nothing_else(tmp_path: Path) -> None:
    text = """\
services:
  command: {image: x, environment: {ipam: , command: }, labels: {placement: ""}, deploy: {resources: {limits: {cpus: "0.5"}}}}
  block: {image: z, blkio_config: {weight: 300, weight_device: [{path: /a, weight: 400}], device_read_bps: [{path: /a, rate: 5mb}]}}
  ipam: {image: y, command: [], pull_refresh_after: 3h, volumes: ["placement:/x"]}
volumes: {placement: }
networks: {ipam: }
"""
    folder = write(tmp_path, {"compose.yaml": text})
    mine = yaml.safe_load(run("config", cwd=folder).out)
    assert mine == yaml.safe_load(compose(folder, "config").stdout)
    assert "pull_refresh_after" not in mine["services"]["ipam"]


def test_a_pipe_gets_the_model_whole_and_a_terminal_without_its_secrets(tmp_path: Path) -> None:
    folder = write(tmp_path, {"compose.yaml": SHOP})
    assert "hush-hush" in run("config", cwd=folder).out
    assert "u:pass-word@" in run("config", cwd=folder).out
    assert "hush-hush" not in on_terminal(folder, "config")
    assert "pass-word" not in on_terminal(folder, "config")
    assert "hush-hush" in on_terminal(folder, "config", "--show-secrets")
    plain = {
        "compose.yaml": "services: {a: {image: x, environment: {PASSWORD: hush-hush, B: '${B}'}}, b: {image: x, environment: [API_KEY=hush-hush]}}\n"
    }
    assert "hush-hush" not in on_terminal(write(tmp_path / "plain", plain), "config", "--no-interpolate")


def on_terminal(folder: Path, *arguments: str) -> str:
    """What a person sees."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command(*arguments), cwd=folder, env=surroundings(), stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    seen = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:
            break
        if not piece:
            break
        seen += piece
    assert process.wait(30) == 0
    os.close(ours)
    return seen.decode()


def test_quiet_says_only_what_is_wrong(tmp_path: Path) -> None:
    good = run("config", "-q", cwd=write(tmp_path / "good", {"compose.yaml": SHOP}))
    assert good.out == ""
    bad = run("config", "-q", cwd=write(tmp_path / "bad", {"compose.yaml": "services: {a: {imag: x}}\n"}), code=2)
    assert bad.out == "" and "compose.yaml:1:" in bad.err


def test_a_devstack_yml_is_rendered_in_memory_only(tmp_path: Path) -> None:
    folder = write(
        tmp_path, {"devstack.yml": "name: shop\nservices: {db: {kind: postgres, version: '17'}, app: {image: 'busybox:1.37'}}\n"}
    )
    model = yaml.safe_load(run("config", cwd=folder).out)
    assert set(model["services"]) == {"db", "app"}
    assert model["name"] == "shop"
    assert [path.name for path in folder.iterdir()] == ["devstack.yml"]
    assert run("config", "--json", cwd=folder).data["name"] == "shop"


def test_the_model_is_written_to_a_file(tmp_path: Path) -> None:
    folder = write(tmp_path, {"compose.yaml": SHOP})
    assert run("config", "-o", "out.yaml", cwd=folder).out == ""
    assert yaml.safe_load((folder / "out.yaml").read_text())["services"]["db"]["environment"] == {"PASSWORD": "hush-hush"}


def test_a_service_that_is_not_there_is_named(tmp_path: Path) -> None:
    folder = write(tmp_path, {"compose.yaml": SHOP})
    assert 'did you mean "web"?' in run("config", "webb", cwd=folder, code=2).err
    assert "no such service: nobody" in run("config", "--hash", "nobody", cwd=folder, code=2).err

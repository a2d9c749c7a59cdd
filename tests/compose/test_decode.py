"""The dataclasses hold what the canonical model says: seconds, bytes, absolute paths, resolved environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from devstack.compose.fields import changed, fields
from devstack.compose.load import Sources, load
from devstack.compose.model import (
    Attachment,
    Condition,
    Dependency,
    DeviceRequest,
    FileMount,
    Healthcheck,
    Port,
    Service,
    Stack,
    Ulimit,
)

TEXT = """\
name: shop
services:
  api:
    build: {context: api, args: [A=1, HOME], target: dev}
    command: run --port 80
    entrypoint: []
    environment: {LEVEL: info, HOME: , NOPE: }
    ports: ["127.0.0.1:8001-8002:80-81", "53/udp", "9000-9010:90"]
    volumes: ["data:/data:ro", "./src:/src", {type: bind, source: ./x, target: /x}, {type: tmpfs, target: /t, tmpfs: {size: 1m}}]
    depends_on: {db: {condition: service_healthy, restart: true}, off: {condition: service_started, required: false}}
    healthcheck: {test: curl x, interval: 1m30s, timeout: 500ms, retries: 2, start_interval: 1s}
    networks: {back: {aliases: [a], ipv4_address: 10.0.0.2}}
    secrets: [{source: key, target: /k, mode: 0400, uid: "5"}]
    configs: [conf]
    stop_grace_period: 1m
    mem_limit: 64m
    shm_size: 1k
    ulimits: {nofile: {soft: 1, hard: 2}, nproc: 3}
    gpus: all
    deploy: {replicas: 3, restart_policy: {condition: on-failure, max_attempts: 4}}
  db: {image: postgres, init: true}
  off: {image: x, profiles: [later]}
networks: {back: {ipam: {config: [{subnet: 10.0.0.0/24}]}}}
volumes: {data: {name: real, labels: [k=v]}}
secrets: {key: {environment: KEY}}
configs: {conf: {content: "a $$b"}}
"""


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    path = tmp_path / "compose.yaml"
    path.write_text(TEXT)
    return load(Sources(files=(path,), directory=tmp_path, environment={"HOME": "/h", "KEY": "s3cret"}))


@pytest.fixture
def api(stack: Stack) -> Service:
    return stack.services["api"]


def test_commands_and_environment(api: Service) -> None:
    assert api.command == ("run", "--port", "80")
    assert api.entrypoint == ()
    assert api.environment == {"LEVEL": "info", "HOME": "/h", "NOPE": None}


def test_ports_are_single_or_a_range_to_choose_from(api: Service) -> None:
    assert api.ports == (
        Port(80, "8001", "127.0.0.1"),
        Port(81, "8002", "127.0.0.1"),
        Port(53, protocol="udp"),
        Port(90, "9000-9010"),
    )


def test_mounts(api: Service, tmp_path: Path) -> None:
    data, src, bound, tmpfs = api.mounts
    assert (data.type, data.source, data.read_only) == ("volume", "data", True)
    assert (src.type, src.source, src.create_host_path) == ("bind", str(tmp_path / "src"), True)
    assert bound.create_host_path  # Compose makes it, too, where no bind options are written
    assert (tmpfs.type, tmpfs.tmpfs_size) == ("tmpfs", 1048576)


def test_dependencies_leave_out_optional_services_that_are_off(api: Service, stack: Stack) -> None:
    assert api.depends_on == (Dependency("db", Condition.HEALTHY, restart=True),)
    assert set(stack.disabled) == {"off"}


def test_times_are_seconds_and_sizes_bytes(api: Service) -> None:
    expected = Healthcheck(("CMD-SHELL", "curl x"), interval=90.0, timeout=0.5, retries=2, start_interval=1.0)
    assert api.healthcheck == expected
    assert api.stop_grace_period == 60.0
    assert (api.limits.memory, api.limits.shm_size) == (64 * 2**20, 1024)
    assert set(api.ulimits) == {Ulimit("nofile", 1, 2), Ulimit("nproc", 3, 3)}


def test_deploy_gives_scale_and_restart(api: Service) -> None:
    assert (api.scale, api.restart) == (3, "on-failure:4")


def test_gpus_are_a_request_for_all(api: Service) -> None:
    assert api.device_requests == (DeviceRequest(count=-1, capabilities=("gpu",)),)


def test_build_paths_are_absolute_and_arguments_resolved(api: Service, tmp_path: Path) -> None:
    assert api.build is not None
    assert (api.build.context, api.build.target) == (str(tmp_path / "api"), "dev")
    assert api.build.args == {"A": "1", "HOME": "/h"}


def test_names_on_the_engine(stack: Stack, api: Service) -> None:
    assert stack.image_of(api) == "shop-api"
    assert {key: network.name for key, network in stack.networks.items()} == {"back": "shop_back", "default": "shop_default"}
    assert stack.volumes["data"].name == "real"
    assert stack.networks["back"].ipam[0].subnet == "10.0.0.0/24"
    assert api.networks == (Attachment(network="back", aliases=("a",), ipv4_address="10.0.0.2"),)


def test_secrets_and_configs_carry_their_content(stack: Stack, api: Service) -> None:
    assert (stack.secrets["key"].content, stack.configs["conf"].content) == ("s3cret", "a $b")
    assert api.secrets == (FileMount("key", "/k", "5", "", 0o400),)


def test_a_secret_from_the_environment_is_not_in_the_canonical_model(stack: Stack) -> None:
    assert "s3cret" not in repr(stack.canonical)


def test_fields_say_which_key_changed(stack: Stack) -> None:
    before = fields(stack.services["api"].canonical)
    body = dict(stack.services["api"].canonical)
    body["environment"] = {"LEVEL": "debug", "HOME": "/h", "NOPE": None}
    body["hostname"] = "h"
    assert changed(before, fields(body)) == ("environment.LEVEL", "hostname")
    assert changed(before, before) == ()
    assert "info" not in "".join(before.values())


def test_ssh_keys_of_a_build_are_found_from_the_folder_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "compose.yaml"
    path.write_text(
        "services: {a: {build: {context: ., ssh: [default, x=./k]}}, b: {build: {context: ., ssh: {y: ~/k, default: }}}}\n"
    )
    services = load(Sources(files=(path,), directory=tmp_path, environment={"HOME": "/h"})).services
    assert services["a"].build is not None
    assert services["a"].build.ssh == ("default", f"x={tmp_path}/k")
    assert services["b"].build is not None
    assert services["b"].build.ssh == ("y=/h/k", "default")

"""A container that we create is the container that `docker compose` creates: same file, same inspect."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devstack.compose.model import (
    Attachment,
    BlkioLimits,
    Device,
    FileMount,
    FileObject,
    Healthcheck,
    Limits,
    Logging,
    Mount,
    Port,
    Service,
    Stack,
    Ulimit,
)
from devstack.engine.base import Engine
from tests.conftest import absent, sweep
from tests.engine.stacks import IMAGE, new, service, stack

pytestmark = pytest.mark.engine

COMPOSE = """
services:
  web:
    image: busybox:1.37
    command: ["sleep", "1000"]
    entrypoint: ["/bin/sh", "-c"]
    environment: {A: "1", B: "", C: "x=y"}
    labels: {own: label}
    annotations: {note: here}
    hostname: host
    domainname: example.test
    working_dir: /srv
    user: "1:2"
    group_add: ["7"]
    init: true
    tty: true
    stdin_open: true
    restart: on-failure:3
    stop_signal: SIGINT
    stop_grace_period: 3s
    ports: ["127.0.0.1::80", "127.0.0.1::81/udp"]
    expose: ["3000/tcp", "4000/udp"]
    volumes:
      - data:/data
      - anon:/ro:ro
      - /nameless
      - ./bind:/bind
      - {type: bind, source: ./bind, target: /strict, read_only: true, bind: {create_host_path: false, propagation: rprivate}}
      - {type: volume, source: data, target: /plain, volume: {nocopy: true}}
      - {type: tmpfs, target: /long, tmpfs: {size: 65536, mode: 0o1770}}
    tmpfs: ["/run:size=64k", "/tmp"]
    secrets: [key, {source: key, target: /etc/other}]
    configs: [conf]
    networks:
      default: {aliases: [alias]}
      back: {priority: 5, aliases: [b1, b2], driver_opts: {com.example.x: "1"}}
    extra_hosts: ["gate=host-gateway", "six=::1"]
    dns: [192.0.2.1]
    dns_opt: ["ndots:1"]
    dns_search: [example.test]
    cap_add: [NET_ADMIN]
    cap_drop: [MKNOD]
    cgroup_parent: ""
    devices: ["/dev/null:/dev/nil:r"]
    device_cgroup_rules: ["c 1:3 mr"]
    ipc: shareable
    pid: host
    security_opt: ["no-new-privileges:true", "seccomp:unconfined"]
    sysctls: {net.core.somaxconn: "1024"}
    read_only: true
    shm_size: 65536
    ulimits: {nofile: {soft: 100, hard: 200}}
    cpus: 0.5
    mem_limit: 64m
    mem_reservation: 32m
    memswap_limit: 128m
    pids_limit: 50
    cpu_shares: 512
    oom_score_adj: 100
    blkio_config: {weight: 300}
    logging: {driver: json-file, options: {max-size: 1m}}
    healthcheck: {test: ["CMD", "true"], interval: 7s, timeout: 2s, retries: 4, start_period: 9s, start_interval: 1s}
volumes: {data: {}, anon: {}}
networks: {default: {}, back: {}}
secrets: {key: {file: ./key}}
configs: {conf: {file: ./key}}
"""


def same_service(folder: Path) -> Service:
    """The service of the file above, as the loader would give it."""
    bind = str(folder / "bind")
    return service(
        "web",
        entrypoint=("/bin/sh", "-c"),
        environment={"A": "1", "B": "", "C": "x=y"},
        labels={"own": "label"},
        annotations={"note": "here"},
        hostname="host",
        domainname="example.test",
        working_dir="/srv",
        user="1:2",
        group_add=("7",),
        init=True,
        tty=True,
        stdin_open=True,
        restart="on-failure:3",
        stop_signal="SIGINT",
        stop_grace_period=3.0,
        ports=(Port(80, host_ip="127.0.0.1"), Port(81, host_ip="127.0.0.1", protocol="udp")),
        expose=("3000", "4000/udp"),
        mounts=(
            Mount(type="volume", source="data", target="/data"),
            Mount(type="volume", source="anon", target="/ro", read_only=True),
            Mount(type="volume", target="/nameless"),
            Mount(type="bind", source=bind, target="/bind"),
            Mount(type="bind", source=bind, target="/strict", read_only=True, create_host_path=False, propagation="rprivate"),
            Mount(type="volume", source="data", target="/plain", nocopy=True),
            Mount(type="tmpfs", target="/long", tmpfs_size=65536, tmpfs_mode=0o1770),
        ),
        tmpfs=("/run:size=64k", "/tmp"),
        secrets=(FileMount("key"), FileMount("key", target="/etc/other")),
        configs=(FileMount("conf"),),
        networks=(
            Attachment(network="default", aliases=("alias",)),
            Attachment(network="back", priority=5, aliases=("b1", "b2"), driver_opts={"com.example.x": "1"}),
        ),
        extra_hosts=("gate=host-gateway", "six=::1"),
        dns=("192.0.2.1",),
        dns_opt=("ndots:1",),
        dns_search=("example.test",),
        cap_add=("NET_ADMIN",),
        cap_drop=("MKNOD",),
        devices=(Device("/dev/null", "/dev/nil", "r"),),
        device_cgroup_rules=("c 1:3 mr",),
        ipc="shareable",
        pid="host",
        security_opt=("no-new-privileges:true", "seccomp:unconfined"),
        sysctls={"net.core.somaxconn": "1024"},
        read_only=True,
        limits=Limits(
            cpus=0.5,
            memory=64 << 20,
            memory_reservation=32 << 20,
            memory_swap=128 << 20,
            pids=50,
            cpu_shares=512,
            oom_score_adj=100,
            shm_size=65536,
            blkio=BlkioLimits(weight=300),
        ),
        ulimits=(Ulimit("nofile", 100, 200),),
        logging=Logging("json-file", {"max-size": "1m"}),
        healthcheck=Healthcheck(("CMD", "true"), 7.0, 2.0, 4, 9.0, 1.0),
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "bind").mkdir()
    (tmp_path / "key").write_text("hush")
    (tmp_path / "compose.yaml").write_text(COMPOSE)
    return tmp_path


@pytest.fixture
def composed(folder: Path, engine: Engine, project: str) -> Iterator[dict[str, Any]]:
    """The container as `docker compose create` makes it, inspected."""
    if shutil.which("docker") is None or subprocess.run(["docker", "compose", "version"], capture_output=True).returncode:
        absent("there is no docker compose")
    name = f"{project}-c"
    done = subprocess.run(["docker", "compose", "-p", name, "create"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    yield inspected(f"{name}-web-1")
    sweep(engine, name)


def inspected(name: str) -> dict[str, Any]:
    (found,) = json.loads(subprocess.check_output(["docker", "inspect", name]))
    return dict(found)


def shape(found: dict[str, Any], project: str) -> dict[str, Any]:
    """What of an inspected container must be equal: names, ids, addresses and the order of lists aside."""
    text = json.dumps(
        {
            "Config": {k: v for k, v in found["Config"].items() if k not in ("Labels", "Env")},
            "Env": sorted(found["Config"]["Env"]),
            "UserLabels": {k: v for k, v in found["Config"]["Labels"].items() if not k.startswith(("com.docker.", "io.devstack."))},
            "LabelKeys": sorted(k for k in found["Config"]["Labels"] if k.startswith("com.docker.compose.")),
            "HostConfig": {k: _ordered(v) for k, v in found["HostConfig"].items()},
            "Mounts": sorted((m["Type"], m["Destination"], m["RW"], m.get("Propagation", "")) for m in found["Mounts"]),
            "Networks": {
                name: {k: _ordered(end.get(k)) or None for k in ("Aliases", "DriverOpts", "Links", "IPAMConfig")}
                for name, end in found["NetworkSettings"]["Networks"].items()
            },
        },
        sort_keys=True,
    )
    return dict(json.loads(text.replace(project, "PROJECT")))


def differences(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """{"HostConfig.Init": (ours, theirs)} for whatever is not equal."""
    found: dict[str, tuple[Any, Any]] = {}
    for part in sorted({*ours, *theirs}):
        one, other = ours.get(part), theirs.get(part)
        if isinstance(one, dict) and isinstance(other, dict):
            found |= {f"{part}.{key}": pair for key, pair in differences(one, other).items()}
        elif one != other:
            found[part] = (one, other)
    return found


def _ordered(value: Any) -> Any:
    if isinstance(value, list):
        return sorted((_ordered(item) for item in value), key=json.dumps)
    if isinstance(value, dict):
        # An empty object and a missing one are the same to the engine.
        return {key: _ordered(item) for key, item in sorted(value.items()) if item not in ({}, None)}
    return value


def test_every_setting_of_a_service_reaches_the_engine_as_compose_sends_it(
    engine: Engine, project: str, folder: Path, composed: dict[str, Any]
) -> None:
    key = FileObject(key="key", name="key", file=str(folder / "key"))
    plain = stack(project, same_service(folder), volumes=("data", "anon"), networks=("default", "back"), secrets=(key,))
    wanted = Stack(
        name=plain.name,
        directory=folder,
        files=(folder / "compose.yaml",),
        services=plain.services,
        networks=plain.networks,
        volumes=plain.volumes,
        secrets=plain.secrets,
        configs={"conf": FileObject(key="conf", name="conf", file=str(folder / "key"))},
    )
    for network in wanted.networks.values():
        engine.create_network(wanted, network)
    for volume in wanted.volumes.values():
        engine.create_volume(wanted, volume)
    container = engine.create(wanted, new(engine, wanted, "web"))
    ours, theirs = shape(inspected(container), project), shape(composed, f"{project}-c")
    found = differences(ours, theirs)
    assert not found, "\n".join(f"{key}: ours {one!r}, Compose {other!r}" for key, (one, other) in found.items())
    assert inspected(container)["Image"] == composed["Image"]
    assert composed["Config"]["Image"] == IMAGE

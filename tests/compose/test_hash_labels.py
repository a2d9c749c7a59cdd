"""The hashes equal the labels that `docker compose up` writes, also where `config --hash` says otherwise."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from devstack import labels
from devstack.compose.hash import network_hash, service_hash, volume_hash
from devstack.compose.load import Sources, load
from devstack.engine.base import Endpoint
from tests.compose.cases import compose_is_there
from tests.conftest import absent

DOCUMENT = """\
services:
  db:
    image: {image}
    env_file: [a.env]
    environment: {{A: own, INHERITED: , UNSET: }}
    volumes: ["data:/data", "./files:/files:ro", {{type: tmpfs, target: /t, tmpfs: {{size: 1m}}}}]
    networks: {{back: {{aliases: [store]}}}}
    healthcheck: {{test: "true & false", interval: 1m30s}}
    ulimits: {{nofile: {{soft: 1024, hard: 2048}}}}
    mem_limit: 64m
    cpus: 0.3
    deploy: {{restart_policy: {{condition: none}}}}
  web:
    image: {image}
    command: sh -c "echo <$$HOME> é"
    depends_on: {{db: {{condition: service_started}}}}
    ports: ["127.0.0.1::80"]
    labels: [a=b]
    networks: [back, default]
    extra_hosts: ["h:1.2.3.4"]
volumes: {{data: {{labels: {{x: "y"}}}}}}
networks: {{back: {{driver_opts: {{com.docker.network.bridge.name: "{bridge}"}}}}}}
"""


def docker(*words: str, folder: Path) -> str:
    done = subprocess.run(["docker", *words], cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.engine
def test_hashes_equal_the_labels_compose_writes(tmp_path: Path, endpoint: Endpoint) -> None:
    if not compose_is_there() or shutil.which("docker") is None:
        absent("docker compose 2.40 is not there")
    names = docker("images", "--format", "{{.Repository}}:{{.Tag}}", folder=tmp_path).splitlines()
    image = next((name for name in names if "<none>" not in name), None)
    if image is None:
        absent("no image is on the engine")
    project = f"compose-hash-{os.getpid()}"
    (tmp_path / "a.env").write_text("A=file\nB=$A-${INHERITED:-none}\n")
    text = DOCUMENT.format(image=image, bridge=f"ch{os.getpid() % 100000}")
    (tmp_path / "compose.yaml").write_text(text)
    stack = load(Sources(files=(tmp_path / "compose.yaml",), directory=tmp_path, environment=os.environ, name=project))
    try:
        docker("compose", "-p", project, "up", "--no-start", "--pull", "never", folder=tmp_path)
        form = f'{{{{index .Config.Labels "{labels.CONFIG_HASH}"}}}}'
        for service in stack.services.values():
            label = docker("inspect", "-f", form, f"{project}-{service.name}-1", folder=tmp_path)
            assert service_hash(service.canonical) == label, service.name
        form = form.replace(".Config", "")
        for network in stack.networks.values():
            assert network_hash(network.canonical) == docker("network", "inspect", "-f", form, network.name, folder=tmp_path)
        for volume in stack.volumes.values():
            assert volume_hash(volume.canonical) == docker("volume", "inspect", "-f", form, volume.name, folder=tmp_path)
    finally:
        docker("compose", "-p", project, "down", "-v", folder=tmp_path)


def test_the_5x_profile_leaves_out_that_host_paths_are_made(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("name: p\nservices: {a: {image: x, volumes: ['/a:/b']}, b: {image: y, tty: true}}\n")
    services = load(Sources(files=(tmp_path / "compose.yaml",), directory=tmp_path, environment={})).services
    bound, free = services["a"].canonical, services["b"].canonical
    assert service_hash(bound) != service_hash(bound, "5")
    assert service_hash(free) == service_hash(free, "5")

"""Where the runs happen: folders, project names and ports of their own, all of it taken away at the end."""

from __future__ import annotations

import secrets
import shutil
import socket
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.bench.process import BenchError, ask

LABEL = "label=com.docker.compose.project="
KEPT = "label=io.devstack.project="
"""On what devstack keeps beside a stack: snapshots."""


class Stage:
    """Hands out what a contest needs, and remembers it for `clear`."""

    def __init__(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="bench-"))
        self.projects: list[str] = []
        self.endings = ExitStack()
        """What is to be done before the folders go."""

    def folder(self, name: str) -> Path:
        made = self.root / name
        made.mkdir()
        return made

    def project(self) -> str:
        name = f"bench-{secrets.token_hex(3)}"
        self.projects.append(name)
        return name

    def clear(self) -> None:
        """Remove every project that was handed out, and the folders."""
        self.endings.close()
        for name in self.projects:
            sweep(name)
            built = ask("docker", "image", "ls", "-q", "--filter", LABEL + name).split()
            if built:
                ask("docker", "image", "rm", "-f", *dict.fromkeys(built))
        shutil.rmtree(self.root, ignore_errors=True)
        if self.root.exists():
            self._clear_foreign()

    def _clear_foreign(self) -> None:
        """Files that containers wrote as root into a mounted folder."""
        subprocess.run(
            ["docker", "run", "--rm", "-v", f"{self.root}:/gone", "busybox:1.37", "sh", "-c", "rm -rf /gone/*"],
            capture_output=True,
            check=False,
        )
        shutil.rmtree(self.root, ignore_errors=True)


def sweep(project: str) -> None:
    """Remove the containers, networks and volumes that carry exactly this project's label, and the snapshots of its data."""
    mine = ["--filter", LABEL + project]
    for listing, removal in (
        (["docker", "ps", "-aq", *mine], ["docker", "rm", "-fv"]),
        (["docker", "network", "ls", "-q", *mine], ["docker", "network", "rm"]),
        (["docker", "volume", "ls", "-q", *mine], ["docker", "volume", "rm"]),
        (["docker", "volume", "ls", "-q", "--filter", KEPT + project], ["docker", "volume", "rm"]),
    ):
        found = ask(*listing).split()
        if found:
            ask(*removal, *found)


def containers(project: str) -> dict[str, str]:
    """Id -> status text ("Up 3 seconds (healthy)") of the project's containers."""
    lines = ask("docker", "ps", "-a", "--no-trunc", "--filter", LABEL + project, "--format", "{{.ID}} {{.Status}}").splitlines()
    return dict(line.split(" ", 1) for line in lines)


def expect_healthy(project: str, count: int) -> None:
    """Raises unless exactly `count` containers are there and each is healthy: an `up` that ends sooner has not done its work."""
    found = containers(project)
    if len(found) != count or not all(status.endswith("(healthy)") for status in found.values()):
        raise BenchError(f"{project}: {count} healthy containers were expected, these are there: {sorted(found.values())}")


def expect_running(project: str, count: int) -> None:
    """Raises unless exactly `count` containers are there and run."""
    found = containers(project)
    if len(found) != count or not all(status.startswith("Up ") for status in found.values()):
        raise BenchError(f"{project}: {count} running containers were expected, these are there: {sorted(found.values())}")


def expect_gone(project: str) -> None:
    """Raises unless the project has no container and no network any more."""
    networks = ask("docker", "network", "ls", "-q", "--filter", LABEL + project)
    if containers(project) or networks:
        raise BenchError(f"{project}: `down` left containers or networks behind")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

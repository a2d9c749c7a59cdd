"""The stacks of the corpus, and how either program brings one up in a folder."""

from __future__ import annotations

import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import docker

from devstack.engine.base import Container, Engine
from tests.conftest import sweep, tags_of_images
from tests.engine.parity.snapshot import Snapshot, snapshot
from tests.engine.stacks import IMAGE
from tests.scenarios.checkout import command, free_ports, surroundings

Compared = tuple[Snapshot, Snapshot]
HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Example:
    """One file. `alone` are services that must be brought up one by one, because the engine will not start them."""

    name: str
    alone: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        return HERE / f"{self.name}.yaml"


CORPUS = (
    Example("networks"),
    Example("programs"),
    Example("limits"),
    Example("storage"),
    Example("refused", alone=("gpu", "gpu-list", "gpu-named", "reserved", "reserved-some", "realtime", "cdi")),
)


def disk() -> str:
    """A block device of this machine, for limits on its rate."""
    names = sorted(path.name for path in Path("/sys/block").iterdir() if not path.name.startswith(("loop", "ram", "zram")))
    return f"/dev/{names[0]}" if names else "/dev/loop0"


@dataclass(frozen=True, slots=True)
class Ground:
    """A folder with the corpus, variables for it, and what stands outside of its stacks."""

    folder: Path
    project: str
    engine: Engine
    sdk: docker.DockerClient
    variables: Mapping[str, str]

    def by_compose(self, example: Example) -> Snapshot:
        """What is there after `docker compose up -d`."""
        return self._after(example, ["docker", "compose", "-f", f"{example.name}.yaml", "up", "-d"])

    def by_devstack(self, example: Example) -> Snapshot:
        """What is there after `devstack up`."""
        return self._after(example, command("up", "-f", f"{example.name}.yaml"))

    def _after(self, example: Example, words: list[str]) -> Snapshot:
        try:
            for service in example.alone or ("",):
                self._run([*words, service] if service else words, must=not service)
            return snapshot(self.sdk, self.project, fixed_ports=frozenset(self.variables.values()))
        finally:
            # All at once: one after the other takes as long as bringing them up.
            with ThreadPoolExecutor(8) as threads:
                list(threads.map(self._remove, self.engine.containers(self.project)))
            sweep(self.engine, self.project)

    def _remove(self, container: Container) -> None:
        self.engine.remove(container.id, anonymous_volumes=True)

    def _run(self, words: list[str], *, must: bool) -> None:
        ended = subprocess.run(
            words,
            cwd=self.folder,
            env=surroundings(**self.variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert not (must and ended.returncode), f"{' '.join(words)}\n{ended.stdout}{ended.stderr}"


@contextmanager
def ground(engine: Engine, project: str, folder: Path) -> Iterator[Ground]:
    """The corpus in a folder, a container, network and volume that are nobody's, and all of it taken away at the end."""
    shutil.copytree(HERE / "files", folder / "files")
    (folder / "bind").mkdir()
    for example in CORPUS:
        shutil.copy(example.path, folder)
    ports = dict(zip(("PORT_A", "PORT_B", "PORT_C", "PORT_D", "PORT_F"), map(str, free_ports(5)), strict=True))
    variables = {
        "COMPOSE_PROJECT_NAME": project,
        "COMPOSE_PROFILES": "on",
        "HUSH": "hush",
        "DISK": disk(),
        **ports,
        "PORT_E": str(int(ports["PORT_D"]) + 1),
    }
    sdk = docker.DockerClient(base_url=engine.info.endpoint.url)
    network = sdk.networks.create(f"{project}-elsewhere")
    volume = sdk.volumes.create(f"{project}-elsewhere")
    outside = sdk.containers.run(IMAGE, ["sleep", "1000"], name=f"{project}-outside", network=network.name, detach=True)
    try:
        yield Ground(folder, project, engine, sdk, variables)
    finally:
        sweep(engine, project)
        outside.remove(force=True, v=True)
        network.remove()
        volume.remove()
        for tag in tags_of_images(sdk):
            if tag.startswith(project):
                sdk.images.remove(tag, force=True)
        sdk.close()


@contextmanager
def comparison(engine: Engine, root: Path) -> Iterator[Callable[[Example], Compared]]:
    """Gives both sides of an example, Compose's first. They are brought up two examples at a time, the slowest ones first."""

    def compare(example: Example) -> Compared:
        folder = root / example.name
        folder.mkdir()
        with ground(engine, f"t-{secrets.token_hex(4)}", folder) as where:
            return where.by_compose(example), where.by_devstack(example)

    with ThreadPoolExecutor(2) as threads:
        running = {example: threads.submit(compare, example) for example in CORPUS}
        try:
            yield lambda example: running[example].result(timeout=300)
        finally:
            for future in running.values():
                future.cancel()

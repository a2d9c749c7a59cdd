"""What a recipe is: layers that know how to make themselves, and images that name a layer and a configuration."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.images.host import Host
from tests.images.rootfs import Tree

FILES = Path(__file__).resolve().parent / "files"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Fetch:
    """A place for what a layer downloads, kept from build to build."""

    cache: Path
    host: Host


Make = Callable[[Tree, Fetch], None]


@dataclass(frozen=True, slots=True)
class Layer:
    name: str
    make: Make
    parent: Layer | None = None
    files: tuple[str, ...] = ()  # folders and files under files/ that go into it
    tool: Layer | None = None  # a layer whose programs `prepare` needs, no part of the result
    prepare: Make | None = None  # run in the tool's tree before `make` is run in this layer's

    def chain(self) -> tuple[Layer, ...]:
        return (*(self.parent.chain() if self.parent else ()), self)

    def digest(self, host: Host) -> str:
        """Changes when the recipe does: its code, its files, what it stands on, the host's settings."""
        sha = hashlib.sha256(repr((self.name, host)).encode())
        for source in sorted(_sources(self.make) | (_sources(self.prepare) if self.prepare else set())):
            sha.update(source.encode())
        for name in self.files:
            top = FILES / name
            for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
                if path.is_file():
                    sha.update(str(path.relative_to(FILES)).encode() + b"\0" + path.read_bytes())
        if self.parent:
            sha.update(self.parent.digest(host).encode())
        return sha.hexdigest()[:16]


def _sources(function: Callable[..., object]) -> set[str]:
    """The source of a recipe's function, of those it calls in the recipes' files, and the constants they name."""
    found = {inspect.getsource(function)}
    names = inspect.unwrap(function).__globals__
    for name in function.__code__.co_names:
        value = names.get(name)
        if inspect.isfunction(value) and ".recipes_" in value.__module__:
            found |= _sources(value)
        elif isinstance(value, str):
            found.add(value)
    return found


@dataclass(frozen=True, slots=True)
class Image:
    tag: str
    layer: Layer
    stand_in: str  # one line: "stand-in for X, built from Y"
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    user: str = ""
    folder: str = ""
    volumes: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    stop_signal: str = ""
    health: dict[str, object] = field(default_factory=dict)  # a HEALTHCHECK in the image, as the engine keeps it

    def config(self, host: Host) -> dict[str, object]:
        """The image's configuration as the engine keeps it, labels included."""
        plain: dict[str, object] = {
            "Env": [f"{key}={value}" for key, value in {"PATH": PATH, **self.env}.items()],
            "Entrypoint": list(self.entrypoint) or None,
            "Cmd": list(self.command) or None,
            "User": self.user,
            "WorkingDir": self.folder,
            "Volumes": {path: {} for path in self.volumes} or None,
            "ExposedPorts": {f"{port}/tcp": {} for port in self.ports} or None,
        }
        if self.stop_signal:
            plain["StopSignal"] = self.stop_signal
        if self.health:
            plain["Healthcheck"] = self.health
        recipe = hashlib.sha256(json.dumps([self.layer.digest(host), plain, self.stand_in]).encode()).hexdigest()
        plain["Labels"] = {LABEL: self.stand_in, RECIPE: f"sha256:{recipe}"}
        return plain

    def recipe(self, host: Host) -> str:
        labels = self.config(host)["Labels"]
        assert isinstance(labels, dict)
        return str(labels[RECIPE])


LABEL = "io.devstack.stand-in"
RECIPE = "io.devstack.stand-in.recipe"

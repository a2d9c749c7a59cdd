"""The `native:` section of a kind: how its services run as processes of the machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from devstack.document import Node, ScalarNode
from devstack.spec.faults import Faults

_KEYS = (
    "toolchain", "images", "programs", "folders", "wheels", "command", "entrypoint", "arguments", "environment", "health", "ports",
    "unprivileged",
)  # fmt: skip
TOOLCHAINS = ("python", "node", "programs")


@dataclass(frozen=True, slots=True)
class Wheel:
    """A Python package that holds programs: `major` is theirs ("" for any; then `package` may say {major}), `bin` their folder in it."""

    major: str
    package: str
    bin: str
    links: tuple[tuple[str, str], ...] = ()
    """Programs that a wheel cannot hold as the links they are: (name in `bin`, where it leads in the package)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Native:
    """How a kind runs as a process of the machine. In texts {port:5432} is the port that stands for the target 5432, {data} the
    folder of its first volume, {run} a short private folder, {cache} one that all containers of a user share, {python} the Python
    that runs devstack."""

    toolchain: str
    """"python" and "node": the service's own packages; "programs": the ones named here."""
    images: tuple[str, ...]
    """Last parts of the names of images that run this way."""
    programs: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    """Where programs may be besides PATH; {major} is filled in."""
    wheels: tuple[Wheel, ...] = ()
    command: tuple[str, ...] = ()
    """The image's own command."""
    entrypoint: Path | None = None
    """A shell script in the kind's folder that gets the command as its arguments."""
    arguments: tuple[str, ...] = ()
    """Added to every command."""
    environment: Mapping[str, str] = field(default_factory=dict)
    health: tuple[str, ...] = ()
    """The probe instead of the image's."""
    ports: tuple[int, ...] = ()
    """Targets the image listens on, published or not."""
    unprivileged: bool = False
    """Refuses to run as root."""


def read_native(node: Node, folder: Path, faults: Faults) -> Native:
    """Read the section; problems go to `faults`. `folder` is the kind's."""
    found = _fields(node, "native", _KEYS, faults)
    toolchain = _text(found.get("toolchain")) or "programs"
    if toolchain not in TOOLCHAINS:
        faults.add(found["toolchain"], f'"{toolchain}" is no toolchain', "native.toolchain", "python, node or programs")
    environment = faults.mapping(found.get("environment"), "native.environment")
    return Native(
        toolchain=toolchain,
        images=_texts(found, "images"),
        programs=_texts(found, "programs"),
        folders=_texts(found, "folders"),
        wheels=tuple(_wheel(item, faults) for item in getattr(found.get("wheels"), "items", ())),
        command=_texts(found, "command"),
        entrypoint=folder / _text(found["entrypoint"]) if "entrypoint" in found else None,
        arguments=_texts(found, "arguments"),
        environment={entry.key: _text(entry.value) for entry in environment or ()},
        health=_texts(found, "health"),
        ports=tuple(int(text) for text in _texts(found, "ports") if text.isdigit()),
        unprivileged=faults.boolean(found.get("unprivileged"), "native.unprivileged"),
    )


def _wheel(node: Node, faults: Faults) -> Wheel:
    found = _fields(node, "native.wheels", ("major", "package", "bin", "links"), faults)
    links = faults.mapping(found.get("links"), "native.wheels.links")
    pairs = tuple((entry.key, _text(entry.value)) for entry in links or ())
    return Wheel(_text(found.get("major")), _text(found.get("package")), _text(found.get("bin")), pairs)


def _fields(node: Node, path: str, known: tuple[str, ...], faults: Faults) -> dict[str, Node]:
    mapping = faults.mapping(node, path)
    return {entry.key: entry.value for entry in faults.unknown(mapping, known, path, "it")} if mapping else {}


def _texts(found: Mapping[str, Node], name: str) -> tuple[str, ...]:
    return tuple(_text(item) for item in getattr(found.get(name), "items", ()))


def _text(node: Node | None) -> str:
    if not isinstance(node, ScalarNode) or node.value is None:
        return ""
    return node.value if isinstance(node.value, str) else node.text

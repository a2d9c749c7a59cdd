"""The Spec: what the user wrote in devstack.yml, checked and typed, before anything is rendered.

Values are not interpolated yet where Compose would interpolate them later; paths are absolute. `overlay` holds the Compose keys a
service carries beside its kind's options, as the YAML nodes they were, so that every later error can name their place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from devstack.compose.model import EMPTY, Json
from devstack.errors import Where

if TYPE_CHECKING:
    from devstack.document import MappingNode, Node


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSpec:
    """One service. `kind` "" is a plain Compose service. `options` are the kind's own, with variables filled in, `overlay` the Compose keys."""

    name: str
    where: Where
    kind: str = ""
    options: Mapping[str, Node] = EMPTY
    overlay: MappingNode


@dataclass(frozen=True, slots=True)
class Policy:
    """What is to be done about something: on a developer's machine, and where `CI` is set."""

    dev: str
    ci: str

    def here(self, environment: Mapping[str, str]) -> str:
        """The one that holds in this environment."""
        return self.ci if environment.get("CI") else self.dev


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec:
    """The project's own migration tool. It runs in the service `run`, in `directory` there ("" is the service's own).

    Empty `command`, `status` and `drift` are the tool's usual ones (devstack.spec.tools).
    """

    where: Where
    name: str
    run: str = ""
    directory: str = ""
    command: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    drift: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaSpec:
    """One database and what makes its schema; patterns are kept as written.

    `files` are run once each, in order; with a `tool` they are the files which the tool reads. `lock` "" is the usual place of the
    schema's fingerprint.
    """

    where: Where
    service: str = ""
    database: str = ""
    files: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    repeatable: tuple[str, ...] = ()
    seeds: tuple[str, ...] = ()
    reseed: bool = False
    variables: Mapping[str, str] = EMPTY
    out_of_order: Policy = Policy("apply", "apply")
    edited: Policy = Policy("error", "error")
    transaction: Literal["file", "none"] = "file"
    lock: str = ""
    tool: ToolSpec | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeSpec:
    """One thing to look at: a built-in check or a part of it, one of the project's own checks, or a kind of probe with its parameters."""

    check: str
    where: Where
    options: Mapping[str, Json] = EMPTY
    id: str = ""
    title: str = ""
    severity: str = "error"

    def text(self, name: str) -> str:
        """A parameter as text; "" when it is not given."""
        value = self.options.get(name)
        return "" if value is None else str(value)

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts; () when it is not given."""
        value = self.options.get(name)
        return tuple(str(item) for item in value) if isinstance(value, list) else ()

    def number(self, name: str) -> float | None:
        value = self.options.get(name)
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None

    def flag(self, name: str, default: bool) -> bool:
        value = self.options.get(name)
        return value if isinstance(value, bool) else default

    def mapping(self, name: str) -> Mapping[str, Json]:
        value = self.options.get(name)
        return value if isinstance(value, dict) else EMPTY


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionSpec:
    """One line of the team's acceptance list, and the checks that show whether it is met."""

    id: str
    text: str
    probes: tuple[ProbeSpec, ...]
    where: Where


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowSpec:
    """What would be a failure and is meant, by name: variables, services, images, mount targets, patterns of log lines, folders."""

    secrets: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    docker_socket: tuple[str, ...] = ()
    privileged: tuple[str, ...] = ()
    host_network: tuple[str, ...] = ()
    mounts: tuple[str, ...] = ()
    logs: tuple[str, ...] = ()
    dockerignore: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadSpec:
    """An edit on the host that a service must serve: `replace` in `file` becomes `replacement`. `within` in seconds."""

    service: str
    file: str
    replace: str
    replacement: str
    port: int | None = None
    path: str = "/"
    within: float = 10.0
    where: Where


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifySpec:
    """What `devstack verify` holds the stack to. `startup` and `window` (how long everything must stay healthy) in seconds."""

    startup: float = 60.0
    window: float = 3.0
    criteria: tuple[CriterionSpec, ...] = ()
    checks: tuple[ProbeSpec, ...] = ()
    allow: AllowSpec = AllowSpec()
    reload: tuple[ReloadSpec, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateSpec:
    """A file of the project's own, rendered from a template of its own. Paths are absolute."""

    target: Path
    source: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderSpec:
    """Which files are rendered and where; None: not rendered. Paths are absolute."""

    compose: Path
    env: Path
    env_example: Path | None = None
    dockerignore: tuple[Path, ...] = ()
    makefile: Path | None = None
    package_json: Path | None = None
    secrets: tuple[str, ...] = ()
    """Variables of `env` that are made up once, as passwords are."""
    templates: tuple[TemplateSpec, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """A whole devstack.yml, devstack.local.yml merged in. `root` is its folder, `name` the project name it asks for."""

    root: Path
    files: tuple[Path, ...]
    name: str
    compose: tuple[Path, ...] = ()
    services: Mapping[str, ServiceSpec] = EMPTY
    schema: tuple[SchemaSpec, ...] = ()
    verify: VerifySpec = VerifySpec()
    render: RenderSpec
    engine: str = "auto"
    """"auto", "docker" or "native": what runs the services where the command line does not say."""
    profiles: tuple[str, ...] = ()
    top: Mapping[str, Node] = EMPTY
    """Top-level Compose keys beside `services`: volumes, networks, secrets, configs, x-*."""
    notes: tuple[str, ...] = ()
    """What a person should know and no error says, for example that devstack.yaml stands unread beside devstack.yml."""

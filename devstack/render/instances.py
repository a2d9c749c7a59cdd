"""A service of a kind with everything about it settled: its options, the variables it has in `.env`, its ports."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from devstack.document import MappingNode, Node, ScalarNode, SequenceNode
from devstack.errors import Problem, SpecError, Where
from devstack.render.ports import ports_of
from devstack.render.templating import Ref, Templates, reference
from devstack.spec.find import shown
from devstack.spec.kinds import EnvVariable, Kind
from devstack.spec.model import ServiceSpec
from devstack.spec.options import Option, Wrong, value_of
from devstack.spec.services import variable_prefix

if TYPE_CHECKING:
    from devstack.compose.model import Json

HINT = "run devstack render"
_FALSE = frozenset(("", "false", "0", "none", "no"))


@dataclass(frozen=True, slots=True)
class PortVariable:
    """A published port that `.env` can change: `variable` holds the host port of `service`'s `target`, `default` where it is unset."""

    service: str
    target: int
    default: int
    variable: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """`env` and `ports` are by the kind's own short name: {"PASSWORD": "DB_PASSWORD"}, {"PORT": PortVariable(...)}."""

    spec: ServiceSpec
    kind: Kind
    project: str
    prefix: str
    options: Mapping[str, Json]
    build: str
    major: int | None
    templates: Templates
    targets: Mapping[str, int] = field(default_factory=dict)
    ports: Mapping[str, PortVariable] = field(default_factory=dict)
    env: Mapping[str, tuple[str, EnvVariable]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.spec.name

    def context(self) -> dict[str, object]:
        """What the kind's templates see, their dependencies left out."""
        return {
            "service": self.name,
            "project": self.project,
            "prefix": self.prefix,
            "options": self.options,
            "build": self.build,
            "major": self.major,
            "env": self.env_refs(),
            "published": self.port_refs(),
            "ports": self.targets,
        }

    def env_refs(self) -> dict[str, Ref]:
        return {suffix: reference(name) for suffix, (name, _) in self.env.items()}

    def port_refs(self) -> dict[str, Ref]:
        return {suffix: reference(port.variable) for suffix, port in self.ports.items()}

    def text(self, source: str, context: Mapping[str, object]) -> str:
        """A template of `kind.yml`."""
        return self.templates.text(source, context, shown(self.kind.folder / "kind.yml"))

    def true(self, source: str, context: Mapping[str, object]) -> bool:
        """Does a condition of `kind.yml` hold? An empty one does."""
        return not source or self.text(source, context).strip().lower() not in _FALSE

    def expressions(self) -> dict[str, str]:
        """The variables of this service as Compose writes them: {"DB_PORT": "${DB_PORT:-5432}"}."""
        found = {port.variable: f"${{{port.variable}:-{port.default}}}" for port in self.ports.values()}
        for name, variable in self.env.values():
            found[name] = f"${{{name}:?{HINT}}}" if variable.secret else f"${{{name}:-{variable.default}}}"
        return found


def instance_of(spec: ServiceSpec, kind: Kind, project: str, templates: Templates) -> Instance:
    """Settle a service: options that are not given get their defaults. Raises `SpecError`."""
    build = build_context(spec.overlay)
    prefix = variable_prefix(spec.name)
    base: dict[str, object] = {"service": spec.name, "project": project, "prefix": prefix, "build": build}
    options: dict[str, Json] = {}
    where = shown(kind.folder / "kind.yml")
    for option in kind.options.values():
        options[option.name] = _option(option, spec.options.get(option.name), templates, {**base, "options": options}, where)
    instance = Instance(
        spec=spec,
        kind=kind,
        project=project,
        prefix=prefix,
        options=MappingProxyType(options),
        build=build,
        major=_major(spec.overlay, options.get("version")),
        templates=templates,
    )
    return _with_variables(instance)


def _option(option: Option, node: Node | None, templates: Templates, context: Mapping[str, object], where: str) -> Json:
    if node is not None:
        try:
            return value_of(option, node)
        except Wrong:
            raise AssertionError(f"{option.name} was not checked") from None
    return templates.text(option.default, context, where) if isinstance(option.default, str) else option.default


def _with_variables(instance: Instance) -> Instance:
    context = instance.context()
    env = {}
    for variable in instance.kind.env:
        if instance.true(variable.when, context):
            described = replace(variable, help=instance.text(variable.help, context))
            env[variable.suffix] = (f"{instance.prefix}_{variable.suffix}", described)
    targets, ports = {}, {}
    own = {port.target: port for port in ports_of(instance.spec.overlay)}
    for port in instance.kind.ports:
        target = int(instance.text(port.target, context))
        targets[port.variable] = target
        mine = own.get(target)
        default = mine.published if mine and mine.published else int(instance.text(port.published, context))
        if instance.options.get("publish", True) and (mine is None or mine.plain):
            ports[port.variable] = PortVariable(instance.name, target, default, f"{instance.prefix}_{port.variable}")
    return replace(instance, env=env, targets=targets, ports=ports)


def build_context(overlay: MappingNode) -> str:
    """The folder an image is built from, as written; "" where none is."""
    build = overlay.get("build")
    if isinstance(build, MappingNode):
        build = build.get("context") or ScalarNode(".", ".", build.where)
    return build.value if isinstance(build, ScalarNode) and isinstance(build.value, str) else ""


def _major(overlay: MappingNode, version: Json) -> int | None:
    """The major version, from the image that the service names itself or from the option: "pg17" and "17.2-alpine" give 17."""
    image = overlay.get("image")
    tag = str(version or "")
    if isinstance(image, ScalarNode) and isinstance(image.value, str):
        tag = image.value.partition("@")[0].rpartition("/")[2].partition(":")[2]
    found = re.match(r"(?:pg|v)?(\d+)", tag)
    return int(found[1]) if found else None


def check_mounts(instance: Instance) -> None:
    """Refuse a mount at a place where the image keeps nothing. Raises `SpecError`."""
    context = instance.context()
    problems = []
    for target, where in mount_targets(instance.spec.overlay):
        for wrong in instance.kind.wrong_mounts:
            if target.rstrip("/") == wrong.target and instance.true(wrong.when, context):
                message = f"a volume at {target} does not hold the data of {instance.kind.title} {instance.major or ''}".rstrip()
                problems.append(Problem(where, message, f"services.{instance.name}.volumes", wrong.advice))
    if problems:
        raise SpecError(problems)


def mount_targets(overlay: MappingNode) -> tuple[tuple[str, Where], ...]:
    """Where `volumes:` mounts, with places."""
    node = overlay.get("volumes")
    found: list[tuple[str, Where]] = []
    for item in node.items if isinstance(node, SequenceNode) else ():
        if isinstance(item, ScalarNode) and isinstance(item.value, str):
            parts = [part for part in item.value.split(":") if part.startswith("/")]
            found.extend((part, item.where) for part in parts[-1:])
        elif isinstance(item, MappingNode):
            target = item.get("target")
            if isinstance(target, ScalarNode):
                found.append((str(target.value), target.where))
    return tuple(found)

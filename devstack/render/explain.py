"""Where the value of a variable comes from: every source in order, and the one that won."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from devstack.compose.dotenv import EnvFile
from devstack.document import MappingNode, Node, ScalarNode, SequenceNode, read_text
from devstack.render.bodies import expressions_of
from devstack.render.connections import Connection
from devstack.render.instances import Instance
from devstack.render.templating import expand
from devstack.render.whole import instances_of
from devstack.render.wiring import connections_of, dependencies, network_view, wired
from devstack.spec.find import shown
from devstack.spec.kinds import Kind
from devstack.spec.model import ServiceSpec, Spec
from devstack.spec.services import environment_names


@dataclass(frozen=True, slots=True)
class Source:
    """One place that a variable could come from. `value` None: it says nothing there. `place` is file:line where it has one."""

    name: str
    value: str | None
    place: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """The sources of one variable, the strongest first. `where` is who reads it: "compose.yaml" or "service api".

    `winner` is the index of the source that decides, None when nothing sets the variable. `secret`: values are for masking.
    """

    variable: str
    where: str
    sources: tuple[Source, ...]
    winner: int | None
    secret: bool

    @property
    def value(self) -> str | None:
        return None if self.winner is None else self.sources[self.winner].value


def explain(
    spec: Spec, kinds: Mapping[str, Kind], variable: str, *, shell: Mapping[str, str], env_files: tuple[Path, ...] | None = None
) -> tuple[Explanation, ...]:
    """How `variable` gets its value where the Compose file names it, and in each service that has it. () when nobody knows it.

    `env_files` are those of `--env-file`, the last one strongest; `.env` when not given. Raises `SpecError`.
    """
    files = (spec.render.env,) if env_files is None else env_files
    instances = instances_of(spec, kinds)
    found = [_named_in_compose(spec, instances, variable, shell, files)]
    found += [_in_service(spec, service, instances, variable, files) for service in spec.services.values()]
    return tuple(item for item in found if item is not None)


def for_programs(spec: Spec, connection: Connection) -> Explanation:
    """Where a variable that `devstack env` prints for programs on this machine comes from."""
    service = spec.services.get(connection.service)
    source = Source(f"address of {connection.service}", connection.value, str(service.where) if service else "")
    return Explanation(connection.variable, "devstack env", (source,), 0, connection.secret)


def _named_in_compose(
    spec: Spec, instances: Mapping[str, Instance], variable: str, shell: Mapping[str, str], files: tuple[Path, ...]
) -> Explanation | None:
    defaults: dict[str, str | None] = {}
    secret = False
    for instance in instances.values():
        defaults |= {port.variable: str(port.default) for port in instance.ports.values()}
        for name, item in instance.env.values():
            defaults[name] = item.default or None
            secret = secret or (item.secret and name == variable)
    sources = [Source("the shell", shell.get(variable))]
    for path in reversed(files):
        value, line = _in_file(path, variable)
        sources.append(Source(shown(path), value, f"{shown(path)}:{line}" if line else ""))
    sources.append(Source("its default", defaults.get(variable)))
    if variable not in defaults and all(source.value is None for source in sources):
        return None
    return _explained(variable, shown(spec.render.compose), sources, secret)


def _in_service(
    spec: Spec, service: ServiceSpec, instances: Mapping[str, Instance], variable: str, files: tuple[Path, ...]
) -> Explanation | None:
    sources = [_written(service, variable)]
    for path, place in _env_files(service.overlay, spec.root):
        value, line = _in_file(path, variable)
        sources.append(Source(f"env_file {shown(path)}", value, f"{shown(path)}:{line}" if line else str(place.where)))
    secret = False
    if service.name in instances:
        instance = instances[service.name]
        given = wired(instance, instances)
        wiring = expand(given[variable], expressions_of(instance, instances)) if variable in given else None
        providers = ", ".join(item for item in (_provider(instance, instances, variable),) if item)
        sources.insert(1, Source(f"wired to {providers}" if providers else "wiring", None if wiring is None else str(wiring)))
        secret = "_PASSWORD:" in str(wiring)
    return (
        _explained(variable, f"service {service.name}", sources, secret)
        if any(item.value is not None for item in sources)
        else None
    )


def _provider(instance: Instance, instances: Mapping[str, Instance], variable: str) -> str:
    found = connections_of(dependencies(instance, instances), network_view, "")
    return next((item.service for item in found if variable in (item.name, instance.kind.browser + item.name)), "")


def _written(service: ServiceSpec, variable: str) -> Source:
    """What `environment:` of the service says in devstack.yml."""
    node = service.overlay.get("environment")
    for name, place in environment_names(service.overlay):
        if name == variable:
            where = place.where
            if isinstance(node, MappingNode):
                value: Node | None = node.get(variable)
                text = str(value.value) if isinstance(value, ScalarNode) and value.value is not None else ""
            else:
                text = str(place.value).partition("=")[2] if isinstance(place, ScalarNode) else ""
            return Source(f"environment of {service.name}", text, str(where))
    return Source(f"environment of {service.name}", None)


def _env_files(overlay: MappingNode, root: Path) -> tuple[tuple[Path, Node], ...]:
    """The files of `env_file:`, the strongest (last) first."""
    node = overlay.get("env_file")
    items = node.items if isinstance(node, SequenceNode) else () if node is None else (node,)
    found = []
    for item in items:
        name = item.get("path") if isinstance(item, MappingNode) else item
        if isinstance(name, ScalarNode) and isinstance(name.value, str):
            found.append((root / name.value, item))
    return tuple(reversed(found))


def _explained(variable: str, where: str, sources: list[Source], secret: bool) -> Explanation:
    winner = next((index for index, source in enumerate(sources) if source.value is not None), None)
    return Explanation(variable, where, tuple(sources), winner, secret or _sounds_secret(variable))


def _sounds_secret(variable: str) -> bool:
    return any(word in variable.upper() for word in ("PASSWORD", "SECRET", "TOKEN", "API_KEY", "PRIVATE_KEY"))


def _in_file(path: Path, variable: str) -> tuple[str | None, int]:
    """The variable's value in an env file and its line; (None, 0) when it is not there."""
    if not path.is_file():
        return None, 0
    text = read_text(path, shown(path))
    value = EnvFile(text, shown(path)).get(variable)
    lines = [
        number
        for number, line in enumerate(text.splitlines(), 1)
        if line.lstrip().removeprefix("export ").lstrip().startswith(f"{variable}=")
    ]
    return value, lines[-1] if lines else 0

"""One service of the rendered Compose file: the kind's fragment, its wiring and its ports, with the user's own keys merged over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from devstack.compose.merge import merge_service
from devstack.document import Entry, MappingNode, Node, ScalarNode, SequenceNode, load, node_of, plain
from devstack.errors import Problem, SpecError, Where
from devstack.render.instances import Instance, PortVariable, check_mounts, mount_targets
from devstack.render.ports import LOCAL, WrittenPort, ports_of, rewritten, variable_of
from devstack.render.templating import expand
from devstack.render.wiring import dependencies, described, wired
from devstack.spec.find import shown
from devstack.spec.model import ServiceSpec
from devstack.spec.services import dependency_names, variable_prefix

if TYPE_CHECKING:
    from devstack.compose.model import Json

# The order in which a person reads a service.
_ORDER = (
    "image", "build", "pull_policy", "platform", "profiles", "depends_on", "init", "command", "entrypoint", "user", "working_dir",
    "environment", "env_file", "ports", "volumes", "tmpfs", "configs", "secrets", "networks", "healthcheck", "restart",
    "stop_signal", "stop_grace_period", "shm_size", "security_opt",
)  # fmt: skip


@dataclass(slots=True)
class Body:
    """A finished service, and what it needs at the top of the file."""

    node: MappingNode
    volumes: tuple[str, ...] = ()
    caches: tuple[str, ...] = ()
    configs: dict[str, Json] = field(default_factory=dict)
    ports: tuple[PortVariable, ...] = ()


@dataclass(frozen=True, slots=True)
class Neighbour:
    """What a service's dependents must know of it."""

    healthy: bool = False
    profiles: frozenset[str] = frozenset()


def kind_body(
    instance: Instance,
    instances: Mapping[str, Instance],
    base: dict[str, Json],
    others: Mapping[str, Neighbour],
    overlay: MappingNode,
) -> Body:
    """The service of a kind. `base` is its fragment, `others` are all services, `overlay` is the user's, its paths adjusted."""
    check_mounts(instance)
    expressions = expressions_of(instance, instances)
    configs = _configs(instance, instances, expressions)
    base = {**base, "environment": {**_object(base.get("environment")), **_expanded(wired(instance, instances), expressions)}}
    if not base["environment"]:
        del base["environment"]
    if instance.ports:
        base["ports"] = [f"{LOCAL}:{instance.expressions()[port.variable]}:{port.target}" for port in instance.ports.values()]
    _yield_mounts(base, {target.rstrip("/") for target, _ in mount_targets(overlay)})
    if configs:
        base["configs"] = [{"source": name, "target": target} for name, (target, _) in configs.items()]
    own = ports_of(overlay)
    replaced = tuple(port for port in own if port.plain and port.target in {item.target for item in instance.ports.values()})
    over, variables = _with_port_variables(overlay, instance.name, own, replaced, several=True)
    over = _with_conditions(over, others)
    where = Where(shown(instance.kind.folder / "service.yaml.j2"))
    merged = merge_service(_mapping(node_of(base, where)), over)
    return Body(
        _ordered(merged),
        volumes=_named_volumes(base, merged),
        caches=tuple(f"{instance.name}-{suffix}" for suffix in instance.kind.caches),
        configs={name: {"content": content} for name, (_, content) in configs.items()},
        ports=(*instance.ports.values(), *variables),
    )


def plain_body(service: ServiceSpec, overlay: MappingNode) -> Body:
    """A service without a kind: as written, but for its published ports."""
    own = ports_of(overlay)
    over, variables = _with_port_variables(overlay, service.name, own, (), several=sum(port.plain for port in own) > 1)
    return Body(over, ports=variables)


def fragment(instance: Instance, instances: Mapping[str, Instance], expressions: Mapping[str, str]) -> dict[str, Json]:
    """What the kind's template says, as data."""
    node = _rendered(instance, "service.yaml.j2", _context(instance, instances))
    value = expand(plain(node), expressions) if node is not None else {}
    return _object(value)


def has_healthcheck(base: Mapping[str, Json], overlay: MappingNode) -> bool:
    """Will the service be healthy or unhealthy, as far as its own keys say?"""
    own = overlay.get("healthcheck")
    if not isinstance(own, MappingNode):
        return "healthcheck" in base
    disabled, test = own.get("disable"), own.get("test")
    if isinstance(disabled, ScalarNode) and disabled.value is True:
        return False
    first = test.items[0] if isinstance(test, SequenceNode) and test.items else test
    return not (isinstance(first, ScalarNode) and first.value == "NONE") and (test is not None or "healthcheck" in base)


def _yield_mounts(base: dict[str, Json], taken: set[str]) -> None:
    """Where the user mounts something, the kind mounts nothing."""
    volumes = base.get("volumes")
    if isinstance(volumes, list):
        kept = [item for item in volumes if _target(item).rstrip("/") not in taken]
        base["volumes"] = kept
        if not kept:
            del base["volumes"]


def _target(volume: Json) -> str:
    return str(volume.get("target")) if isinstance(volume, dict) else str(volume).split(":")[1]


def profiles_of(overlay: MappingNode) -> frozenset[str]:
    node = overlay.get("profiles")
    return frozenset(str(plain(item)) for item in node.items) if isinstance(node, SequenceNode) else frozenset()


def _context(instance: Instance, instances: Mapping[str, Instance]) -> dict[str, object]:
    return {**instance.context(), "dependencies": [described(item) for item in dependencies(instance, instances)]}


def expressions_of(instance: Instance, instances: Mapping[str, Instance]) -> dict[str, str]:
    found = instance.expressions()
    for other in dependencies(instance, instances):
        found |= other.expressions()
    return found


def _configs(instance: Instance, instances: Mapping[str, Instance], expressions: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """{key of the top-level `configs`: (path in the container, content)}."""
    context = _context(instance, instances)
    found = {}
    for config in instance.kind.configs:
        if not instance.true(config.when, context):
            continue
        template = f"configs/{config.name}.j2"
        if (instance.kind.folder / template).is_file():
            text = instance.templates.render(template, context)
        else:
            text = (instance.kind.folder / "configs" / config.name).read_text(encoding="utf-8")
        content = expand(text, expressions)
        found[f"{instance.name}-{config.name}"] = (config.target, str(content))
    return found


def _rendered(instance: Instance, template: str, context: Mapping[str, object]) -> Node | None:
    """A template's text read as YAML; what is wrong with it is told at the template's own line, as near as that can be said."""
    path = instance.kind.folder / template
    text = instance.templates.render(template, context)
    try:
        return load(text, shown(path))
    except SpecError as error:
        source, lines = path.read_text(encoding="utf-8"), text.splitlines()
        raise SpecError([_traced(problem, source, lines) for problem in error.problems]) from None


def _traced(problem: Problem, source: str, lines: list[str]) -> Problem:
    from difflib import get_close_matches

    number = problem.where.line or 1
    rendered = lines[number - 1] if number <= len(lines) else ""
    written = source.splitlines()
    near = get_close_matches(rendered, written, 1, 0.0)
    place = Where(problem.where.file, written.index(near[0]) + 1 if near else None)
    return Problem(
        place, f"gives wrong YAML: {problem.message}", hint=problem.hint, excerpt=(f"rendered line {number}: {rendered}",)
    )


def _with_port_variables(
    overlay: MappingNode, service: str, own: tuple[WrittenPort, ...], gone: tuple[WrittenPort, ...], *, several: bool
) -> tuple[MappingNode, tuple[PortVariable, ...]]:
    variables, found = {}, []
    for port in own:
        if port.plain and port not in gone:
            name = variable_of(variable_prefix(service), port, several)
            variables[id(port.node)] = name
            found.append(PortVariable(service, port.target, port.published, name))
    return rewritten(overlay, gone, variables), tuple(found)


def _with_conditions(overlay: MappingNode, others: Mapping[str, Neighbour]) -> MappingNode:
    """`depends_on: [db]` waits until db is healthy, where db has a health check; one whose profile is off is not waited for."""
    entry = overlay.entry("depends_on")
    if entry is None or not isinstance(entry.value, SequenceNode):
        return overlay
    where = entry.where
    mine = profiles_of(overlay)
    entries = []
    for name, _ in dependency_names(overlay):
        other = others.get(name, Neighbour())
        value: dict[str, Json] = {"condition": "service_healthy" if other.healthy else "service_started"}
        if other.profiles and not (mine and mine <= other.profiles):
            value["required"] = False
        entries.append(Entry(name, where, node_of(value, where)))
    conditions = MappingNode(tuple(entries), where, entry.value.tag)
    return MappingNode(
        tuple(Entry("depends_on", where, conditions) if item is entry else item for item in overlay), overlay.where, overlay.tag
    )


def _named_volumes(base: Mapping[str, Json], merged: MappingNode) -> tuple[str, ...]:
    """The kind's named volumes that the merged service still mounts."""
    volumes = base.get("volumes")
    names = [item.partition(":")[0] for item in (volumes if isinstance(volumes, list) else []) if isinstance(item, str)]
    still = plain(merged.get("volumes") or SequenceNode((), merged.where))
    used = {
        str(item.get("source")) if isinstance(item, dict) else str(item).partition(":")[0]
        for item in (still if isinstance(still, list) else [])
    }
    return tuple(name for name in names if name in used and not name.startswith((".", "/")))


def _ordered(node: MappingNode) -> MappingNode:
    place = {name: index for index, name in enumerate(_ORDER)}
    return MappingNode(tuple(sorted(node.entries, key=lambda entry: place.get(entry.key, len(_ORDER)))), node.where, node.tag)


def _expanded(values: Mapping[str, str], expressions: Mapping[str, str]) -> dict[str, Json]:
    return {name: expand(value, expressions) for name, value in values.items()}


def _object(value: Json) -> dict[str, Json]:
    return dict(value) if isinstance(value, dict) else {}


def _mapping(node: Node) -> MappingNode:
    assert isinstance(node, MappingNode)
    return node

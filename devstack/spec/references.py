"""Names in a spec that must mean something: services that are depended on, databases of the schema, volumes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from devstack.document import Entry, MappingNode, Node, ScalarNode, SequenceNode, did_you_mean, read
from devstack.errors import SpecError
from devstack.spec.faults import Faults
from devstack.spec.model import SchemaSpec, ServiceSpec
from devstack.spec.services import dependency_names


def adopted_services(files: Iterable[Path]) -> frozenset[str] | None:
    """The services of adopted Compose files. None when that cannot be told without loading them wholly (include, extends, errors)."""
    names: set[str] = set()
    for path in files:
        try:
            node = read(path) if path.is_file() else None
        except SpecError:
            return None  # told, with its place, when the Compose files are loaded
        services = node.get("services") if isinstance(node, MappingNode) else None
        if isinstance(node, MappingNode) and node.get("include") is not None:
            return None
        names.update(services.keys() if isinstance(services, MappingNode) else ())
    return frozenset(names)


def check_references(
    services: Mapping[str, ServiceSpec],
    schema: tuple[SchemaSpec, ...],
    top: Mapping[str, Node],
    adopted: frozenset[str] | None,
    faults: Faults,
) -> None:
    """Tell every name that nothing bears."""
    known = None if adopted is None else (*services, *sorted(adopted))
    for name, service in services.items():
        for other, place in dependency_names(service.overlay):
            path = f"services.{name}.depends_on"
            if other == name:
                faults.add(place, f'"{name}" depends on itself', path)
            elif known is not None and other not in known:
                faults.add(place, f'there is no service "{other}"', path, did_you_mean(other, known) or _list("services", known))
        _check_volumes(service, top, known_volumes=adopted is not None and not adopted, faults=faults)
    _check_cycles(services, faults)
    for index, item in enumerate(schema):
        path = "schema" if len(schema) == 1 else f"schema[{index}]"
        named = [(item.service, item.where, f"{path}.service")]
        named += [(item.tool.run, item.tool.where, f"{path}.run")] if item.tool else []
        for service_name, where, key in named:
            if service_name and known is not None and service_name not in known:
                hint = did_you_mean(service_name, known) or _list("services", known)
                faults.add(where, f'there is no service "{service_name}"', key, hint)


def _list(noun: str, names: Iterable[str]) -> str:
    return f"{noun}: {', '.join(names)}"


def _check_cycles(services: Mapping[str, ServiceSpec], faults: Faults) -> None:
    edges = {
        name: [other for other, _ in dependency_names(service.overlay) if other in services] for name, service in services.items()
    }
    done: set[str] = set()
    told: set[frozenset[str]] = set()

    def walk(name: str, trail: tuple[str, ...]) -> None:
        if name in trail:
            cycle = (*trail[trail.index(name) :], name)
            if frozenset(cycle) not in told and len(cycle) > 2:
                told.add(frozenset(cycle))
                place = next(place for other, place in dependency_names(services[cycle[0]].overlay) if other == cycle[1])
                faults.add(place, f"the services wait for each other: {' -> '.join(cycle)}", f"services.{cycle[0]}.depends_on")
            return
        if name not in done:
            for other in edges[name]:
                walk(other, (*trail, name))
            done.add(name)

    for name in edges:
        walk(name, ())


def _check_volumes(service: ServiceSpec, top: Mapping[str, Node], *, known_volumes: bool, faults: Faults) -> None:
    """A named volume must be declared. Adopted files may declare it, so nothing is said where there are any."""
    declared = top.get("volumes")
    names = declared.keys() if isinstance(declared, MappingNode) else ()
    if not known_volumes:
        return
    for source, place in volume_sources(service.overlay):
        made_by_kinds = (f"{service.name}-data", f"{service.name}-node-modules")
        if source and source[0] not in "./~$\\" and "/" not in source and source not in (*names, *made_by_kinds):
            hint = did_you_mean(source, names) or f"declare it:  volumes: {{{source}: {{}}}}"
            faults.add(place, f'the volume "{source}" is not declared', f"services.{service.name}.volumes", hint)


def volume_sources(overlay: MappingNode) -> tuple[tuple[str, Node | Entry], ...]:
    """What `volumes:` mounts (the part before the colon, or `source`), with places; anonymous ones are left out."""
    node = overlay.get("volumes")
    found: list[tuple[str, Node | Entry]] = []
    for item in node.items if isinstance(node, SequenceNode) else ():
        if isinstance(item, ScalarNode) and isinstance(item.value, str) and ":" in item.value:
            found.append((item.value.partition(":")[0], item))
        elif isinstance(item, MappingNode):
            kind, source = item.get("type"), item.get("source")
            if isinstance(source, ScalarNode) and isinstance(kind, ScalarNode) and kind.value == "volume":
                found.append((str(source.value), source))
    return tuple(found)

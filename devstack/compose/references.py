"""What services say of each other and of the rest of the file: implied dependencies, undefined names, circles, clashes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from devstack.compose.model import Json
from devstack.compose.shapes import Faults
from devstack.document import MappingNode, Node, ScalarNode, SequenceNode, did_you_mean
from devstack.errors import Where

Services = Mapping[str, dict[str, Json]]


def locate(node: Node, *keys: str) -> Where:
    """The place of the deepest of the keys that is there; a key may also be an item of a list."""
    where = node.where
    for key in keys:
        if isinstance(node, MappingNode) and (entry := node.entry(key)) is not None:
            node, where = entry.value, entry.where
        elif isinstance(node, SequenceNode):
            for item in node.items:
                if isinstance(item, ScalarNode) and (item.value == key or str(item.value).startswith(f"{key}:")):
                    return item.where
                if isinstance(item, MappingNode) and any(
                    isinstance(e.value, ScalarNode) and e.value.value == key for e in item.entries
                ):
                    return item.where
            return where
        else:
            return where
    return where


def imply(service: dict[str, Json]) -> None:
    """Dependencies that follow from sharing namespaces, links and volumes, and the default network."""
    edges = service.get("depends_on")
    known: dict[str, Json] = edges if isinstance(edges, dict) else {}
    for target, restart in _implied(service):
        if target not in known:
            edge: dict[str, Json] = {"condition": "service_started", "required": True}
            known[target] = {**edge, "restart": True} if restart else edge
    if known:
        service["depends_on"] = known
    if not service.get("network_mode") and not service.get("networks") and "provider" not in service:
        service["networks"] = {"default": None}


def _implied(service: Mapping[str, Json]) -> Iterator[tuple[str, bool]]:
    links = service.get("links")
    for link in links if isinstance(links, list) else []:
        yield str(link).partition(":")[0], True
    for key in ("network_mode", "ipc", "pid", "uts", "cgroup"):
        value = service.get(key)
        if isinstance(value, str) and value.startswith("service:"):
            yield value.removeprefix("service:"), True
    sources = service.get("volumes_from")
    for source in sources if isinstance(sources, list) else []:
        if not str(source).startswith("container:"):
            yield str(source).partition(":")[0], False


def names_of(value: Json, key: str = "source") -> list[str]:
    """The names used in a list of uses, or the keys of a mapping."""
    if isinstance(value, dict):
        return list(value)
    return [str(item[key]) for item in value if isinstance(item, dict) and item.get(key)] if isinstance(value, list) else []


def volumes_of(service: Mapping[str, Json]) -> list[str]:
    """The named volumes a service mounts."""
    mounts = service.get("volumes")
    found = [item for item in mounts if isinstance(item, dict)] if isinstance(mounts, list) else []
    return [str(item["source"]) for item in found if item.get("type") == "volume" and item.get("source")]


def secrets_of(service: Mapping[str, Json]) -> list[str]:
    """The secrets a service or its build uses."""
    build = service.get("build")
    return names_of(service.get("secrets")) + (names_of(build.get("secrets")) if isinstance(build, dict) else [])


def check(
    services: Services, everything: Services, document: MappingNode, defined: Mapping[str, Collection[str]], faults: Faults
) -> None:
    """Every name a service uses is defined. `everything` holds disabled services too, `defined` the names of each section."""
    for name, service in services.items():
        uses = {
            "networks": (names_of(service.get("networks")), "network"),
            "volumes": (volumes_of(service), "volume"),
            "secrets": (secrets_of(service), "secret"),
            "configs": (names_of(service.get("configs")), "config"),
            "models": (names_of(service.get("models")), "model"),
        }
        for section, (used, word) in uses.items():
            known = {*defined[section], "default"} if section == "networks" else defined[section]
            for target in dict.fromkeys(used):
                if target not in known:
                    where = locate(document, "services", name, section, target)
                    hint = did_you_mean(target, known) or f'declare it under "{section}:" at the top'
                    faults.add(where, f"services.{name}.{section}", f'refers to an undefined {word} "{target}"', hint)
        _check_service(name, service, services, everything, document, faults)
    _check_circles(services, document, faults)
    _check_names(services, document, faults)


def _check_service(
    name: str, service: dict[str, Json], services: Services, everything: Services, document: MappingNode, faults: Faults
) -> None:
    path = f"services.{name}"
    where = locate(document, "services", name)
    if not service.get("image") and not service.get("build") and not service.get("provider"):
        faults.add(where, path, "has neither an image nor a build", 'write "image: ..." or "build: ..."')
    if service.get("network_mode") and service.get("networks"):
        place = locate(document, "services", name, "network_mode")
        faults.add(place, path, '"network_mode" and "networks" exclude each other')
    edges = service.get("depends_on")
    for target, edge in edges.items() if isinstance(edges, dict) else ():
        optional = isinstance(edge, dict) and edge.get("required") is False
        if target in services or (optional and target in everything):
            continue
        place = locate(document, "services", name, "depends_on", target)
        if target in everything:
            message = f'depends on the service "{target}", which no active profile enables'
            faults.add(place, f"{path}.depends_on", message, f"activate one of its profiles: {_profiles(everything[target])}")
        else:
            hint = did_you_mean(target, everything)
            faults.add(place, f"{path}.depends_on", f'depends on an undefined service "{target}"', hint)
    _check_contexts(name, service, everything, document, faults)
    _check_limits(name, service, document, faults)


def _profiles(service: dict[str, Json]) -> str:
    value = service.get("profiles")
    return ", ".join(str(item) for item in value) if isinstance(value, list) else ""


def _check_contexts(name: str, service: dict[str, Json], everything: Services, document: MappingNode, faults: Faults) -> None:
    """A build may use the image of another service only when that one is built too."""
    build = service.get("build")
    contexts = build.get("additional_contexts") if isinstance(build, dict) else None
    for key, context in contexts.items() if isinstance(contexts, dict) else ():
        target = str(context).removeprefix("service:")
        if target != context and not everything.get(target, {}).get("build"):
            place = locate(document, "services", name, "build", "additional_contexts", key)
            faults.add(place, f"services.{name}.build.additional_contexts", f'the service "{target}" of "{key}" is not built here')


_LIMITS = (
    ("scale", ("replicas",)),
    ("mem_limit", ("resources", "limits", "memory")),
    ("mem_reservation", ("resources", "reservations", "memory")),
    ("cpus", ("resources", "limits", "cpus")),
    ("pids_limit", ("resources", "limits", "pids")),
)


def _check_limits(name: str, service: dict[str, Json], document: MappingNode, faults: Faults) -> None:
    path = f"services.{name}"
    deploy = service.get("deploy")
    for key, inside in _LIMITS:
        section: Json = deploy
        for step in inside[:-1]:
            section = section.get(step) if isinstance(section, dict) else None
        theirs = section.get(inside[-1]) if isinstance(section, dict) else None
        ours = service.get(key)
        # Limits in deploy without this one say "no limit", which differs too; a missing number of replicas says nothing.
        if isinstance(section, dict) and ours is not None and ours != theirs and (theirs is not None or key != "scale"):
            place = locate(document, "services", name, key)
            said = f"{theirs}" if theirs is not None else "unset"
            faults.add(place, f"{path}.{key}", f"{ours} differs from deploy.{'.'.join(inside)}: {said}", "keep one of the two")
    scale = service.get("scale", deploy.get("replicas", 1) if isinstance(deploy, dict) else 1)
    if service.get("container_name") and isinstance(scale, int) and scale > 1:
        place = locate(document, "services", name, "container_name")
        faults.add(place, f"{path}.container_name", f"{scale} containers cannot have one name", "remove container_name or scale")


def _check_circles(services: Services, document: MappingNode, faults: Faults) -> None:
    done: set[str] = set()
    for start in services:
        circle = _circle(start, services, (), done)
        if circle:
            where = locate(document, "services", circle[0], "depends_on", circle[1])
            faults.add(where, f"services.{circle[0]}.depends_on", f"services wait for each other: {' -> '.join(circle)}")
            return


def _circle(name: str, services: Services, trail: tuple[str, ...], done: set[str]) -> tuple[str, ...]:
    if name in trail:
        return (*trail[trail.index(name) :], name)
    if name in done or name not in services:
        return ()
    for target in names_of(services[name].get("depends_on")):
        if circle := _circle(target, services, (*trail, name), done):
            return circle
    done.add(name)
    return ()


def _check_names(services: Services, document: MappingNode, faults: Faults) -> None:
    owners: dict[str, str] = {}
    for name, service in services.items():
        own = service.get("container_name")
        if not isinstance(own, str):
            continue
        if own in owners:
            place = locate(document, "services", name, "container_name")
            other = locate(document, "services", owners[own], "container_name")
            faults.add(place, f"services.{name}.container_name", f'"{own}" is also the name of service "{owners[own]}" ({other})')
        owners[own] = name

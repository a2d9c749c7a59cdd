"""The whole Compose file as data: every service, and the volumes, configs and other sections they need."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from devstack.document import MappingNode, Node, ScalarNode, plain, read
from devstack.errors import SpecError
from devstack.labels import CACHE
from devstack.render.bodies import Body, Neighbour, fragment, has_healthcheck, kind_body, plain_body, profiles_of
from devstack.render.instances import Instance, PortVariable, instance_of
from devstack.render.model import MARK
from devstack.render.rebase import beside, rebased, rebased_file
from devstack.render.tags import dump_tagged, tagged
from devstack.render.templating import Templates
from devstack.spec.faults import Faults
from devstack.spec.find import shown
from devstack.spec.kinds import Kind
from devstack.spec.model import Spec

if TYPE_CHECKING:
    from devstack.compose.model import Json

HEADER = f"# {MARK} from {{source}}; edit that instead. It holds no secret and can be committed.\n"


@dataclass(frozen=True, slots=True)
class Whole:
    """The rendered Compose file. `text` is "" when there is nothing to render (adopted files and nothing added)."""

    text: str
    instances: Mapping[str, Instance]
    ports: tuple[PortVariable, ...]


def instances_of(spec: Spec, kinds: Mapping[str, Kind]) -> dict[str, Instance]:
    """Every service that has a kind, settled. Raises `SpecError` for a template that fails."""
    change = beside(spec.root, project_directory(spec))
    folders: dict[Path, Templates] = {}
    found = {}
    for name, service in spec.services.items():
        if not service.kind:
            continue
        kind = kinds[service.kind]
        templates = folders.get(kind.folder) or Templates(kind.folder, change, trusted=kind.builtin)
        folders[kind.folder] = templates
        found[name] = instance_of(service, kind, spec.name, templates)
    return found


def project_directory(spec: Spec) -> Path:
    """The folder that relative paths of the Compose files start from: that of the first one."""
    return (spec.compose[0] if spec.compose else spec.render.compose).parent


def whole(spec: Spec, kinds: Mapping[str, Kind], values: Mapping[str, str]) -> Whole:
    """Render the Compose file. `values` are those of `.env`, which may move ports. Raises `SpecError` with every problem of every service."""
    instances = instances_of(spec, kinds)
    change = beside(spec.root, project_directory(spec))
    overlays = {name: rebased(service.overlay, change) for name, service in spec.services.items()}
    everything = {key: text for other in instances.values() for key, text in other.expressions().items()}
    bases = {name: fragment(instance, instances, everything) for name, instance in instances.items()}
    others = _neighbours(spec, bases)
    faults = Faults({shown(path): path.read_text(encoding="utf-8", errors="replace") for path in spec.files})
    bodies: dict[str, Body] = {}
    for name, service in spec.services.items():
        try:
            if name in instances:
                bodies[name] = kind_body(instances[name], instances, bases[name], others, overlays[name])
            else:
                bodies[name] = plain_body(service, overlays[name])
        except SpecError as error:
            faults.merge(error)
    ports = tuple(port for body in bodies.values() for port in body.ports)
    _check_variables(spec, instances, ports, faults)
    _check_ports(spec, ports, values, faults)
    faults.raise_all()
    document = _document(spec, bodies, change)
    if not document and spec.render.compose.is_file():
        # An overlay of earlier days would still be read by everybody: it is emptied, not left.
        document = {"services": {}}
    text = HEADER.format(source=spec.files[0].name) + dump_tagged(document) if document else ""
    return Whole(text, instances, ports)


def _neighbours(spec: Spec, bases: Mapping[str, dict[str, Json]]) -> dict[str, Neighbour]:
    """Every service as its dependents see it, adopted ones included."""
    found: dict[str, Neighbour] = {}
    for path in spec.compose:
        try:
            node = read(path)
        except SpecError:
            continue  # told when the Compose files are loaded
        services = node.get("services") if isinstance(node, MappingNode) else None
        for entry in services if isinstance(services, MappingNode) else ():
            if isinstance(entry.value, MappingNode):
                found[entry.key] = Neighbour(has_healthcheck({}, entry.value), profiles_of(entry.value))
    for name, service in spec.services.items():
        known = found.get(name, Neighbour())
        healthy = has_healthcheck(bases.get(name, {}), service.overlay) or (
            known.healthy and service.overlay.get("healthcheck") is None
        )
        found[name] = Neighbour(healthy, known.profiles | profiles_of(service.overlay))
    return found


def _check_variables(spec: Spec, instances: Mapping[str, Instance], ports: tuple[PortVariable, ...], faults: Faults) -> None:
    """Two services whose names differ only in punctuation would share their variables."""
    owners: dict[str, str] = {}
    named = [(port.variable, port.service) for port in ports]
    named += [(name, instance.name) for instance in instances.values() for name, _ in instance.env.values()]
    for variable, service in named:
        other = owners.setdefault(variable, service)
        if other != service:
            where = spec.services[service].where
            faults.add(
                where, f'the services "{other}" and "{service}" would both use the variable {variable}', "services", "rename one"
            )


def _check_ports(spec: Spec, ports: tuple[PortVariable, ...], values: Mapping[str, str], faults: Faults) -> None:
    """Two services that can run at the same time cannot have the same port of the host."""
    owners: dict[str, PortVariable] = {}
    for port in ports:
        number = values.get(port.variable) or str(port.default)
        other = owners.setdefault(number + ("/udp" if port.variable.endswith("_UDP") else ""), port)
        if other is port or _apart(spec, port.service, other.service):
            continue
        first, second = spec.services[other.service], spec.services[port.service]
        message = f'port {number} of the host is published by "{first.name}" ({first.where}) and by "{second.name}"'
        hint = "give one of them another `port:`" if port.variable not in values else f"change {port.variable} in .env"
        faults.add(second.where, message, f"services.{second.name}", hint)


def _apart(spec: Spec, one: str, other: str) -> bool:
    """Do the services belong to different profiles?"""
    mine, theirs = profiles_of(spec.services[one].overlay), profiles_of(spec.services[other].overlay)
    return bool(mine and theirs and not mine & theirs)


def _document(spec: Spec, bodies: Mapping[str, Body], change: Callable[[str], str]) -> dict[str, Json]:
    document: dict[str, Json] = {} if spec.compose else {"name": spec.name}
    extensions = {key: plain(node) for key, node in spec.top.items() if key.startswith("x-")}
    document.update(extensions)
    if bodies:
        document["services"] = {name: _service(body) for name, body in bodies.items()}
    volumes = _section(spec.top.get("volumes"))
    for body in bodies.values():
        for name in body.volumes:
            volumes.setdefault(name, {"labels": {CACHE: "true"}} if name in body.caches else None)
    configs = _section(_files(spec.top.get("configs"), change))
    for body in bodies.values():
        configs.update(body.configs)
    for key, value in (
        ("networks", _section(spec.top.get("networks"))),
        ("volumes", volumes),
        ("configs", configs),
        ("secrets", _section(_files(spec.top.get("secrets"), change))),
    ):
        if value:
            document[key] = value
    return document if set(document) - {"name"} else {}


def _service(body: Body) -> Json:
    value = tagged(body.node)
    if isinstance(value, dict) and "ports" in value and not value["ports"]:
        del value["ports"]
    return value


def _files(node: Node | None, change: Callable[[str], str]) -> Node | None:
    return None if node is None else rebased_file(node, change)


def _section(node: Node | None) -> dict[str, Json]:
    if node is None or isinstance(node, ScalarNode):
        return {}
    value = plain(node)
    return dict(value) if isinstance(value, dict) else {}

"""Compose files and an environment to a `Stack`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from devstack.compose import references, resources
from devstack.compose.decode import decode_service
from devstack.compose.decode_resources import decode_network, decode_volume, file_objects
from devstack.compose.documents import Documents, Scope
from devstack.compose.envfiles import fill
from devstack.compose.merge import as_list
from devstack.compose.model import Json, JsonObject, Stack
from devstack.compose.normalise import service as canonical_service
from devstack.compose.profiles import enabled
from devstack.compose.projectname import project_name
from devstack.compose.shapes import Faults
from devstack.compose.sources import Sources, Texts, discover, project_environment, with_directory
from devstack.compose.without import without
from devstack.document import MappingNode, Node, ScalarNode, SequenceNode, plain, with_excerpts
from devstack.errors import SpecError

__all__ = ["Sources", "discover", "load"]

Canonical = dict[str, Json]


@dataclass(slots=True)
class _Read:
    """A merged document and what it was read with."""

    document: MappingNode
    name: str
    environment: dict[str, str]
    env_files: tuple[Path, ...]


def load(sources: Sources) -> Stack:
    """The stack that the files describe. Raises `SpecError` with every problem of every file, each with its line."""
    faults = Faults()
    texts = Texts(sources)
    try:
        stack = _load(with_directory(sources), texts, faults)
    except SpecError as error:
        faults.problems.extend(error.problems)
        stack = None
    if faults.problems or stack is None:
        raise SpecError(with_excerpts(faults.problems, texts.by_name))
    return without(stack, sources.without) if sources.without else stack


def _load(sources: Sources, texts: Texts, faults: Faults) -> Stack:
    read = _read(sources, texts, faults)
    faults.settle()
    services = _services(read, sources.directory, texts, faults)
    if faults.problems:
        raise SpecError(faults.problems)
    active = _active(sources, read.environment)
    chosen = enabled(services, active, sources.services)
    on = {name: service for name, service in services.items() if name in chosen}
    off = {name: service for name, service in services.items() if name not in chosen}
    sections = _sections(read, sources.directory, on, faults)
    references.check(on, services, read.document, sections.defined, faults)
    if faults.problems:
        raise SpecError(faults.problems)
    return _stack(sources, read, on, off, sections, faults)


def _read(sources: Sources, texts: Texts, faults: Faults) -> _Read:
    environment, env_files = project_environment(sources, texts, faults)
    documents = Documents(texts, faults, environment.get("HOME") or str(Path.home()))
    names: list[Node] = []
    for path in sources.files:
        raw = documents.raw(path)
        name = raw.get("name") if raw is not None else None
        if name is not None:
            names.append(name)
            if not (isinstance(name, ScalarNode) and isinstance(name.value, str)):
                faults.add(name, "name", "expected text", "quote it")
    name_text = project_name(sources.name, environment, names, sources.directory, faults)
    environment = {**environment, "COMPOSE_PROJECT_NAME": name_text}
    document = documents.model(sources.files, Scope(sources.directory, environment))
    return _Read(document, name_text, environment, env_files)


def _active(sources: Sources, environment: dict[str, str]) -> tuple[str, ...]:
    if sources.profiles:
        return sources.profiles
    return tuple(name.strip() for name in environment.get("COMPOSE_PROFILES", "").split(",") if name.strip())


def _services(read: _Read, directory: Path, texts: Texts, faults: Faults) -> dict[str, Canonical]:
    section = read.document.get("services")
    found: dict[str, Canonical] = {}
    for entry in section.entries if isinstance(section, MappingNode) else ():
        if not isinstance(entry.value, MappingNode):
            continue
        path = f"services.{entry.key}"
        service = canonical_service(entry.value, path, faults)
        build = service.get("build")
        if isinstance(build, dict) and isinstance(entry.value.get("build"), MappingNode):
            build.setdefault("context", str(directory))
        fill(service, entry.value, path, read.environment, texts, faults)
        references.imply(service)
        found[entry.key] = dict(sorted(service.items()))
    if not found and not faults.problems:
        faults.note(f"{read.document.where.file}: no service is defined")
    return dict(sorted(found.items()))


@dataclass(slots=True)
class _Sections:
    """The canonical top-level sections that enabled services use, and all names that are defined."""

    used: dict[str, dict[str, Canonical]]
    defined: dict[str, tuple[str, ...]]


def _sections(read: _Read, directory: Path, on: dict[str, Canonical], faults: Faults) -> _Sections:
    used_names = {
        "networks": {name for service in on.values() for name in references.names_of(service.get("networks"))},
        "volumes": {name for service in on.values() for name in references.volumes_of(service)},
        "secrets": {name for service in on.values() for name in references.secrets_of(service)},
        "configs": {name for service in on.values() for name in references.names_of(service.get("configs"))},
        "models": {name for service in on.values() for name in references.names_of(service.get("models"))},
    }
    used: dict[str, dict[str, Canonical]] = {}
    defined: dict[str, tuple[str, ...]] = {}
    for section, names in used_names.items():
        node = read.document.get(section)
        entries = {entry.key: entry.value for entry in node.entries} if isinstance(node, MappingNode) else {}
        if section == "networks" and "default" in names:
            entries.setdefault("default", ScalarNode(None, "", read.document.where))
        defined[section] = tuple(entries)
        made = {key: _resource(section, key, value, read.name, directory, faults) for key, value in sorted(entries.items())}
        used[section] = {key: value for key, value in made.items() if key in names}
    return _Sections(used, defined)


def _resource(section: str, key: str, node: Node, project: str, directory: Path, faults: Faults) -> Canonical:
    path = f"{section}.{key}"
    match section:
        case "networks":
            return resources.network(key, node, project, path, faults)
        case "volumes":
            return resources.volume(key, node, project, path, faults, directory)
        case "models":
            return resources.model(key, node, project, path, faults)
        case _:
            return resources.file_object(key, node, project, path, faults)


def _stack(
    sources: Sources, read: _Read, on: dict[str, Canonical], off: dict[str, Canonical], sections: _Sections, faults: Faults
) -> Stack:
    used = sections.used
    labelled = _label_files(read.document)
    services = {name: replace(decode_service(name, service, on), label_files=labelled[name]) for name, service in on.items()}
    for service in services.values():
        for line in service.ignored:
            faults.note(f"services.{service.name}.{line}")
    return Stack(
        name=read.name,
        directory=sources.directory,
        files=sources.files,
        env_files=read.env_files,
        services=services,
        disabled={name: decode_service(name, service, {**on, **off}) for name, service in off.items()},
        networks={key: decode_network(key, value) for key, value in used["networks"].items()},
        volumes={key: decode_volume(key, value) for key, value in used["volumes"].items()},
        secrets=file_objects(used["secrets"], read.environment, faults),
        configs=file_objects(used["configs"], read.environment, faults),
        canonical=_canonical(read, on, used),
        notes=tuple(faults.notes),
    )


def _label_files(document: MappingNode) -> dict[str, tuple[str, ...]]:
    """Service -> its `label_file` paths, which are no part of the canonical service."""
    section = document.get("services")
    found: dict[str, tuple[str, ...]] = {}
    for entry in section.entries if isinstance(section, MappingNode) else ():
        node = entry.value.get("label_file") if isinstance(entry.value, MappingNode) else None
        listed = as_list(node) if node is not None else None
        items = listed.items if isinstance(listed, SequenceNode) else ()
        found[entry.key] = tuple(str(item.value) for item in items if isinstance(item, ScalarNode))
    return found


def _canonical(read: _Read, on: dict[str, Canonical], used: dict[str, dict[str, Canonical]]) -> JsonObject:
    found: Canonical = {"name": read.name, "services": dict(on)}
    for section, body in used.items():
        # Compose leaves models out of what it prints.
        if body and section != "models":
            found[section] = dict(body)
    for entry in read.document.entries:
        if entry.key.startswith("x-"):
            found[entry.key] = plain(entry.value)
    return found

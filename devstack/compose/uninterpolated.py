"""The model with its variables left standing, as `docker compose config --no-interpolate` prints it.

Long forms take the place of short ones where no variable is in the way; values stay as they are written, and nothing is checked
that a variable could still change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from devstack.compose import references, resources
from devstack.compose.model import Json
from devstack.compose.mounts import clean, short_mount
from devstack.compose.normalise_host import devices
from devstack.compose.ports import NoPort, short_ports
from devstack.compose.raw import Lenient, Raw
from devstack.compose.shapes import Faults
from devstack.document import MappingNode, Node, SequenceNode, plain, with_excerpts
from devstack.errors import SpecError

Body = dict[str, Json]

_SECTIONS = ("networks", "volumes", "secrets", "configs")
_LISTED = ("dns", "label_file")
_KEYED = ("environment", "labels", "annotations", "sysctls")
_UNIQUE = ("cap_add", "cap_drop", "dns", "dns_search", "dns_opt", "expose", "profiles", "security_opt", "tmpfs")


def uninterpolated(raw: Raw) -> Json:
    """The whole model as plain data, keys sorted. Raises `SpecError` for what no variable can make right."""
    faults = Lenient()
    services = raw.document.get("services")
    entries = services.entries if isinstance(services, MappingNode) else ()
    bodies = {entry.key: _service(entry.value, f"services.{entry.key}", raw, faults) for entry in entries}
    found: Body = {"name": raw.name}
    if services is not None:
        found["services"] = dict(sorted(bodies.items()))
    for section in _SECTIONS:
        named = _section(raw, section, faults)
        if section == "networks" and any(_is_on_default(body) for body in bodies.values()):
            named.setdefault("default", {"name": f"{raw.name}_default"})
        if named:
            found[section] = dict(sorted(named.items()))
    if (models := raw.document.get("models")) is not None:
        found["models"] = plain(models)
    found |= {entry.key: plain(entry.value) for entry in raw.document.entries if entry.key.startswith("x-")}
    if faults.problems:
        raise SpecError(with_excerpts(faults.problems, raw.texts))
    return dict(sorted(found.items()))


def _is_on_default(body: Json) -> bool:
    networks = body.get("networks") if isinstance(body, dict) else None
    return isinstance(networks, dict) and "default" in networks


def _section(raw: Raw, section: str, faults: Faults) -> Body:
    node = raw.document.get(section)
    found: Body = {}
    for entry in node.entries if isinstance(node, MappingNode) else ():
        path, body = f"{section}.{entry.key}", _object(plain(entry.value))
        if section in ("secrets", "configs"):
            resources.file_object(entry.key, entry.value, raw.name, path, faults)
        elif section == "volumes":
            made = resources.volume(entry.key, entry.value, raw.name, path, faults, raw.directory)
            _bound(body, made)
        external = body.get("external")
        if isinstance(external, dict):
            body |= {"external": True, "name": body.get("name") or external.get("name")}
        found[entry.key] = {"name": entry.key if external else f"{raw.name}_{entry.key}", **body}
    return found


def _bound(body: Body, made: Body) -> None:
    """The host folder of a bound volume, absolute in both."""
    options, canonical = body.get("driver_opts"), made.get("driver_opts")
    if isinstance(options, dict) and isinstance(canonical, dict) and isinstance(options.get("device"), str):
        options["device"] = canonical["device"]


def _service(node: Node, path: str, raw: Raw, faults: Faults) -> Json:
    if not isinstance(node, MappingNode):
        return plain(node)
    found = {entry.key: _value(entry.key, entry.value, f"{path}.{entry.key}", faults) for entry in node.entries}
    if "build" in found:
        found["build"] = _build(found["build"], raw)
    if not found.get("networks") and not found.get("network_mode") and "provider" not in found:
        found["networks"] = {"default": None}
    _imply(found)
    return dict(sorted(found.items()))


def _imply(service: Body) -> None:
    """Implied dependencies say of themselves whether they restart, written ones only where somebody wrote it."""
    written = set(references.names_of(service.get("depends_on")))
    references.imply(service)
    edges = service.get("depends_on")
    for target, edge in edges.items() if isinstance(edges, dict) else ():
        if target not in written and isinstance(edge, dict):
            edge.setdefault("restart", False)


def _value(key: str, node: Node, path: str, faults: Faults) -> Json:
    match key:
        case "ports":
            return _ports(node, path, faults)
        case "volumes":
            return _mounts(node, path, faults)
        case "devices":
            inner = Faults()
            made = devices(node, path, inner)
            return plain(node) if inner.problems else made
        case "depends_on":
            return _dependencies(plain(node))
        case "networks" | "models" if isinstance(node, SequenceNode):
            return {str(plain(item)): None for item in node.items}
        case "networks":
            return {name: _attachment(body) for name, body in _object(plain(node)).items()}
        case "develop":
            return _develop(plain(node))
        case _:
            return _lengthened(key, plain(node))


def _lengthened(key: str, value: Json) -> Json:
    """A value in its long form, where that is the same whatever the variables in it become."""
    items: list[Json] = value if isinstance(value, list) else [value]
    match key:
        case "env_file":
            files = ({"path": item} if isinstance(item, str) else _object(item) for item in items)
            return _unique(({"required": True, **file} for file in files), lambda file: _object(file).get("path"))
        case "secrets":
            used: list[Json] = [
                {"source": item, "target": f"/run/secrets/{item}"} if isinstance(item, str) else item for item in items
            ]
            return _unique(used, lambda use: _object(use).get("target") or f"/run/secrets/{_object(use).get('source')}")
        case "configs":
            used = [{"source": item} if isinstance(item, str) else item for item in items]
            return _unique(used, lambda use: _object(use).get("target") or f"/{_object(use).get('source')}")
        case "gpus" if value == "all":
            return [{"count": "all"}]
        case "pull_policy" if value == "if_not_present":
            return "missing"
        case "command" | "entrypoint" | "gpus" | "label_file" if value == []:
            return None
        case "healthcheck" if isinstance(value, dict) and value.get("test") == []:
            return {**value, "test": None}
        case _ if key in _UNIQUE and (isinstance(value, list) or key in _LISTED):
            return _unique(items, _text)
        case _ if key in _KEYED and isinstance(value, list):
            return _unique(items, lambda item: str(item).partition("=")[0])
        case _:
            return items if key in _LISTED else value


def _dependencies(value: Json) -> Json:
    if isinstance(value, list):
        return {str(name): {"condition": "service_started", "required": True} for name in value}
    return {name: {"required": True, **_object(edge)} for name, edge in _object(value).items()}


def _develop(value: Json) -> Json:
    rules = _object(value).get("watch")
    for rule in rules if isinstance(rules, list) else ():
        for key in ("include", "ignore"):
            if isinstance(rule, dict) and isinstance(rule.get(key), str):
                rule[key] = [rule[key]]
    return value


def _attachment(value: Json) -> Json:
    if not isinstance(value, dict):
        return value
    texts = ("aliases", "link_local_ips")
    return {key: _unique(given, _text) if key in texts and isinstance(given, list) else given for key, given in value.items()}


def _ports(node: Node, path: str, faults: Faults) -> Json:
    found: list[Json] = []
    items = node.items if isinstance(node, SequenceNode) else ()
    # Where one may still become a port, when a variable gets its value, all short forms stay as they are written.
    stay = any(not isinstance(item, MappingNode) and not _is_port(item) for item in items)
    for index, item in enumerate(items):
        if isinstance(item, MappingNode):
            body = _object(plain(item))
            if body.get("target") in (None, "", 0):
                faults.add(item, f"{path}[{index}]", 'the key "target", the container port, is missing')
            found.append({"mode": "ingress", "protocol": "tcp", **body})
        elif stay:
            found.append(plain(item))
        else:
            try:
                found += short_ports(item)
            except NoPort as error:
                faults.add(item, f"{path}[{index}]", str(error))
    return _unique(found, _port)


def _is_port(item: Node) -> bool:
    """Whether it is a short form, right or wrong, that no variable can change."""
    try:
        short_ports(item)
    except NoPort:
        return True
    except ValueError:
        return False
    return True


def _port(entry: Json) -> tuple[str, ...]:
    body = _object(entry)
    form = "number" if isinstance(body.get("published"), int) else ""
    return (*(str(body.get(key, "")) for key in ("host_ip", "published", "target", "protocol")), form) if body else (_text(entry),)


def _mounts(node: Node, path: str, faults: Faults) -> Json:
    found: list[Json] = []
    for index, item in enumerate(node.items if isinstance(node, SequenceNode) else ()):
        inner = f"{path}[{index}]"
        if isinstance(item, MappingNode):
            body = _object(plain(item))
            if not body.get("target"):
                faults.add(item, inner, 'the key "target" is missing in a mount')
            elif body.get("type") in ("bind", "image") and not body.get("source"):
                faults.add(item, inner, f'the key "source" is missing in a mount of type {body["type"]}')
            found.append({**body, "target": clean(str(body.get("target")))})
            continue
        try:
            found.append(short_mount(item, inner, faults))
        except ValueError as error:
            faults.add(item, inner, str(error))
            found.append(plain(item))
    return _unique(found, lambda entry: str(_object(entry).get("target", entry)))


def _build(build: Json, raw: Raw) -> Json:
    if not isinstance(build, dict):
        return {"context": build, "dockerfile": "Dockerfile"}
    made: Body = {"context": str(raw.directory), "dockerfile": "Dockerfile", **build}
    if "dockerfile_inline" in build:
        made.pop("dockerfile")
    for key, change in _BUILD.items():
        if key in made:
            made[key] = change(made[key])
    return made


def _arguments(value: Json) -> Json:
    """An argument without a value is left out: Compose has looked for it and found none."""
    if isinstance(value, list):
        return [item for item in value if "=" in str(item)]
    return {name: given for name, given in _object(value).items() if given is not None}


def _mapping(value: Json) -> Json:
    if not isinstance(value, list):
        return value
    pairs = (str(item).partition("=") for item in value)
    return {name: text if equals else None for name, equals, text in pairs}


_BUILD: dict[str, Callable[[Json], Json]] = {
    "args": _arguments,
    "provenance": lambda value: str(value).lower() if isinstance(value, bool) else value,
    "sbom": lambda value: str(value).lower() if isinstance(value, bool) else value,
    "additional_contexts": _mapping,
    "ssh": _mapping,
    "secrets": lambda used: (
        [{"source": item} if isinstance(item, str) else item for item in used] if isinstance(used, list) else used
    ),
    "tags": lambda tags: _unique(tags, _text) if isinstance(tags, list) else tags,
}


def _unique(items: Iterable[Json], key: Callable[[Json], object]) -> list[Json]:
    """Of equal items the last one stays, where the first one stood."""
    return list({key(item): item for item in items}.values())


def _text(value: Json) -> str:
    return str(value)


def _object(value: Json) -> Body:
    return value if isinstance(value, dict) else {}

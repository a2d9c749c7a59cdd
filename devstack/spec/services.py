"""The `services` section: a kind's options apart from the Compose keys beside them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from devstack.compose import shapes
from devstack.compose.merge import without_tags
from devstack.compose.normalise import service as canonical_service
from devstack.compose.schema import SERVICE_KEYS
from devstack.document import Entry, MappingNode, Node, ScalarNode, SequenceNode, did_you_mean
from devstack.spec.faults import Faults
from devstack.spec.kinds import Kind
from devstack.spec.model import ServiceSpec
from devstack.spec.options import Option, Wrong, value_of
from devstack.spec.variables import Variables

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]*\Z")
# What people write from other tools, or from memory.
_SYNONYMS = {
    "restart_policy": "restart", "env": "environment", "envs": "environment", "env_vars": "environment", "cmd": "command", "args": "command",
    "dependencies": "depends_on", "needs": "depends_on", "requires": "depends_on", "dockerfile": "build", "mounts": "volumes",
    "expose_port": "ports", "tag": "version", "type": "kind", "template": "kind", "db": "database", "dbname": "database", "username": "user",
    "host_port": "port", "health_check": "healthcheck", "name": "container_name", "workdir": "working_dir", "path": "source",
}  # fmt: skip


def read_services(
    node: MappingNode | None, kinds: Mapping[str, Kind], root: Path, variables: Variables, faults: Faults
) -> Mapping[str, ServiceSpec]:
    """Every service by name, in the order written."""
    services = {}
    for entry in node or ():
        if not _NAME.match(entry.key):
            slug = re.sub(r"[^a-zA-Z0-9._-]+", "-", entry.key).strip("-._").lower()
            message = f'"{entry.key}" is no service name: letters, digits, ".", "_" and "-", starting with one of the first two'
            faults.add(entry, message, "services", f'for example "{slug}"' if slug else "")
        body = faults.mapping(entry.value, f"services.{entry.key}")
        if body is None:
            if isinstance(entry.value, ScalarNode) and entry.value.value is None:
                faults.add(entry, "describes nothing", f"services.{entry.key}", "add `kind`, `image` or `build`")
            continue
        services[entry.key] = _Service(entry, body, kinds, root, variables, faults).read()
    return MappingProxyType(services)


@dataclass(slots=True)
class _Service:
    entry: Entry
    body: MappingNode
    kinds: Mapping[str, Kind]
    root: Path
    variables: Variables
    faults: Faults

    def read(self) -> ServiceSpec:
        path = f"services.{self.entry.key}"
        kind = self._kind(path)
        known = set(kind.options) if kind else set()
        options: dict[str, Node] = {}
        overlay = []
        shaped = []
        for entry in self.body:
            if entry.key == "kind":
                continue
            if entry.key in known and kind:
                options[entry.key] = self._option(kind.options[entry.key], entry, path)
            elif entry.key in SERVICE_KEYS:
                overlay.append(entry)
                if entry.value.tag == "!reset":
                    continue
                value = self.variables.shaped(without_tags(entry.value), SERVICE_KEYS[entry.key], f"{path}.{entry.key}")
                shaped += [Entry(entry.key, entry.where, value)] if value is not None else []
            elif entry.key.startswith("x-"):
                overlay.append(entry)
            elif kind or self.body.entry("kind") is None:
                self._unknown(entry, kind, path)
        found = shapes.Faults()
        canonical_service(MappingNode(tuple(shaped), self.body.where), path, found)
        self.faults.found.extend(found.problems)
        spec = ServiceSpec(
            name=self.entry.key,
            where=self.entry.where,
            kind=kind.name if kind else "",
            options=MappingProxyType(options),
            overlay=MappingNode(tuple(overlay), self.body.where, self.body.tag),
        )
        if kind:
            self._check_kind(kind, spec, path)
        return spec

    def _kind(self, path: str) -> Kind | None:
        node = self.body.get("kind")
        name = self.faults.text(node, f"{path}.kind")
        if name is None or node is None:
            return None
        if name not in self.kinds:
            hint = did_you_mean(name, self.kinds)
            hint = f"{hint} " if hint else ""
            self.faults.add(node, f'there is no kind "{name}"', f"{path}.kind", f"{hint}kinds: {', '.join(self.kinds)}")
        return self.kinds.get(name)

    def _unknown(self, entry: Entry, kind: Kind | None, path: str) -> None:
        options = tuple(kind.options) if kind else ()
        known = ("kind", *options, *SERVICE_KEYS)
        synonym = _SYNONYMS.get(entry.key.lower(), "")
        hint = (
            f'did you mean "{synonym}"?'
            if synonym in known and (kind or synonym in SERVICE_KEYS)
            else did_you_mean(entry.key, known)
        )
        if not hint and options:
            hint = f"options of {kind.name if kind else ''}: {', '.join(options)}; any key of a Compose service may stand here too"
        elif not hint:
            hint = "any key of a Compose service may stand here, or a kind: " + ", ".join(self.kinds)
        owners = [name for name, other in self.kinds.items() if entry.key in other.options] if not kind else []
        if owners and not synonym:
            hint = f"an option of the kind{'s' if len(owners) > 1 else ''} {', '.join(owners)}; add `kind:`"
        self.faults.add(entry, f'unknown key "{entry.key}"', path, hint)

    def _option(self, option: Option, entry: Entry, path: str) -> Node:
        place = f"{path}.{option.name}"
        before = len(self.faults.found)
        node = self.variables.fill(entry.value, place)
        if len(self.faults.found) > before:
            return node
        try:
            value = value_of(option, node)
        except Wrong as wrong:
            self.faults.add(wrong.node or node, wrong.message, place, wrong.hint)
            return node
        if option.type == "path" and isinstance(value, str) and value:
            self._check_folder(value, node, place)
        return node

    def _check_folder(self, value: str, node: Node, place: str) -> None:
        folder = self.root / value
        if not folder.exists():
            self.faults.add(node, f"{value} does not exist", place, "devstack does not make it: Docker would, owned by root")
        elif not folder.is_dir():
            self.faults.add(node, f"{value} is not a folder", place)
        elif self.root.resolve() in folder.parents and not folder.resolve().is_relative_to(self.root.resolve()):
            self.faults.add(node, f"{value} leads out of the project, to {folder.resolve()}", place)

    def _check_kind(self, kind: Kind, spec: ServiceSpec, path: str) -> None:
        for option in kind.options.values():
            if option.required and option.name not in spec.options:
                self.faults.add(spec.where, f"`{option.name}` is missing", path, option.help)
        if kind.needs and not any(spec.overlay.get(key) is not None for key in kind.needs):
            wanted = " or ".join(f"`{key}`" for key in kind.needs)
            self.faults.add(spec.where, f"{kind.name} needs {wanted}", path, "for example build: apps/backend")
        prefix = variable_prefix(spec.name)
        for name, place in environment_names(spec.overlay):
            if name in kind.reserved:
                advice = kind.reserved[name].replace("{{ prefix }}", prefix)
                self.faults.add(place, f"{name} is set by the kind {kind.name}", f"{path}.environment", advice)


def variable_prefix(service: str) -> str:
    """What a service's variables in `.env` start with: "my-db" gives MY_DB."""
    prefix = re.sub(r"[^A-Z0-9]+", "_", service.upper())
    return f"_{prefix}" if prefix[:1].isdigit() else prefix


def environment_names(overlay: MappingNode) -> tuple[tuple[str, Entry | Node], ...]:
    """The variables that `environment:` sets, with their places, whether it is a mapping or a list."""
    node = overlay.get("environment")
    if isinstance(node, MappingNode):
        return tuple((entry.key, entry) for entry in node)
    if isinstance(node, SequenceNode):
        texts = ((str(item.value), item) for item in node.items if isinstance(item, ScalarNode))
        return tuple((text.partition("=")[0], item) for text, item in texts)
    return ()


def dependency_names(overlay: MappingNode) -> tuple[tuple[str, Entry | Node], ...]:
    """The services under `depends_on:`, with their places, in the order written."""
    node = overlay.get("depends_on")
    if isinstance(node, MappingNode):
        return tuple((entry.key, entry) for entry in node)
    if isinstance(node, SequenceNode):
        return tuple((str(item.value), item) for item in node.items if isinstance(item, ScalarNode))
    return ()

"""The `verify:` section of devstack.yml: what the stack is held to, the team's criteria, and the project's own checks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from devstack.document import Entry, MappingNode, Node, ScalarNode, SequenceNode, did_you_mean, kind_of, plain
from devstack.spec.faults import Faults
from devstack.spec.model import AllowSpec, CriterionSpec, ProbeSpec, ReloadSpec, VerifySpec
from devstack.spec.options import Option, Wrong, value_of
from devstack.spec.probes import BUILT_IN, PROBES, ProbeKind
from devstack.spec.shapes import READERS, seconds_of

if TYPE_CHECKING:
    from devstack.compose.model import Json

SECTION = ("startup", "window", "criteria", "checks", "allow", "reload")
ALLOW = ("secrets", "ports", "images", "docker_socket", "privileged", "host_network", "mounts", "logs", "dockerignore")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")
Fill = Callable[[Node, str], Node]


def read_verify(node: Node | None, services: frozenset[str] | None, fill: Fill, faults: Faults) -> VerifySpec:
    """The section; every problem is told to `faults`. `services` are those a check may name, None where they are not all known.

    `fill` puts in the variables of the two times; elsewhere a `$` is the command's, the query's or the pattern's own.
    """
    mapping = faults.mapping(node, "verify")
    if mapping is None:
        return VerifySpec()
    found = {entry.key: entry.value for entry in faults.unknown(mapping, SECTION, "verify", "verify")}
    for key in ("startup", "window"):
        if key in found:
            found[key] = fill(found[key], f"verify.{key}")
    reader = _Reader(services, faults)
    checks = tuple(reader.own_checks(found.get("checks")))
    reader.own = frozenset(probe.id for probe in checks)
    return VerifySpec(
        startup=reader.duration(found.get("startup"), "verify.startup", 60.0),
        window=reader.duration(found.get("window"), "verify.window", None),
        criteria=tuple(reader.criteria(found.get("criteria"))),
        checks=checks,
        allow=reader.allow(found.get("allow")),
        reload=tuple(reader.reloads(found.get("reload"))),
    )


class _Reader:
    def __init__(self, services: frozenset[str] | None, faults: Faults) -> None:
        self.services = services
        self.faults = faults
        self.own: frozenset[str] = frozenset()

    def duration(self, node: Node | None, path: str, default: float | None) -> float:
        if node is None:
            return default if default is not None else VerifySpec().window
        text = str(node.value) if isinstance(node, ScalarNode) else ""
        seconds = seconds_of(text)
        if not seconds:
            self.faults.add(node, f"a duration is expected, this is {kind_of(node)}", path, "for example 60s or 1m30s")
        return seconds or 60.0

    # Criteria and checks

    def criteria(self, node: Node | None) -> Iterator[CriterionSpec]:
        seen: set[str] = set()
        for item, path in self._items(node, "verify.criteria"):
            mapping = self.faults.mapping(item, path)
            if mapping is None:
                continue
            name = self._id(mapping, path, seen)
            text = self.faults.text(mapping.get("text"), f"{path}.text") or ""
            if mapping.get("text") is None:
                self.faults.add(mapping, "`text` is missing", path, "the criterion in the team's own words")
            probes = tuple(self._probes(mapping, path, name))
            yield CriterionSpec(id=name, text=text, probes=probes, where=mapping.where)

    def own_checks(self, node: Node | None) -> Iterator[ProbeSpec]:
        seen: set[str] = set(BUILT_IN) | set(PROBES)
        for item, path in self._items(node, "verify.checks"):
            mapping = self.faults.mapping(item, path)
            if mapping is None:
                continue
            name = self._id(mapping, path, seen)
            probe = self._probe(mapping, path, ("id", "title", "severity"), parametrised=True)
            if probe is None:
                continue
            title = self.faults.text(mapping.get("title"), f"{path}.title") if mapping.get("title") else ""
            yield replace(probe, id=name, title=title or "", severity=self._severity(mapping.get("severity"), path))

    def _severity(self, node: Node | None, path: str) -> str:
        text = self.faults.text(node, f"{path}.severity") if node is not None else "error"
        if text not in (None, "error", "warning", "info") and node is not None:
            self.faults.add(node, f'"{text}" is no severity', f"{path}.severity", "one of: error, warning, info")
        return text or "error"

    def _id(self, mapping: MappingNode, path: str, seen: set[str]) -> str:
        node = mapping.get("id")
        if node is None:
            self.faults.add(mapping, "`id` is missing", path, "for example id: AC1")
            return ""
        text = self.faults.text(node, f"{path}.id") or ""
        if text and not _ID.match(text):
            self.faults.add(node, f'"{text}" is no id', f"{path}.id", "letters, digits, dots, - and _")
        elif text in seen:
            taken = "is the name of a check that devstack has" if text in BUILT_IN or text in PROBES else "stands here twice"
            self.faults.add(node, f'"{text}" {taken}', f"{path}.id")
        seen.add(text)
        return text

    def _probes(self, mapping: MappingNode, path: str, name: str) -> Iterator[ProbeSpec]:
        """The check or checks a criterion rests on: `check: port` with its parameters beside it, or a list under `check`."""
        node = mapping.get("check")
        own = ("id", "text")
        if node is None:
            self.faults.add(mapping, "`check` is missing", path, f"one of: {', '.join((*BUILT_IN, *PROBES))}")
        elif isinstance(node, SequenceNode):
            list(self.faults.unknown(mapping, (*own, "check"), path, "a criterion with a list of checks"))
            for index, item in enumerate(node.items):
                place = f"{path}.check[{index}]"
                probe = self._named(item, place) if isinstance(item, ScalarNode) else None
                if not isinstance(item, ScalarNode):
                    inner = self.faults.mapping(item, place)
                    probe = self._probe(inner, place, ()) if inner is not None else None
                if probe is not None:
                    yield replace(probe, id=f"{name}.{index + 1}")
        else:
            probe = self._probe(mapping, path, own)
            if probe is not None:
                yield replace(probe, id=name)

    def _named(self, node: Node, path: str) -> ProbeSpec | None:
        """A check by its name alone: a built-in one, one of its parts, or one of the project's own."""
        text = self.faults.text(node, path)
        if text is None or not self._is_known(text, node, path):
            return None
        if text in PROBES and PROBES[text].name not in ("healthy", "persists"):
            self.faults.add(node, f'"{text}" needs parameters', path, f"for example {PROBES[text].example}")
            return None
        return ProbeSpec(check=text, where=node.where)

    def _is_known(self, text: str, node: Node, path: str) -> bool:
        base, _, part = text.partition(".")
        if text in PROBES or text in self.own or (base in BUILT_IN and (not part or part in BUILT_IN[base])):
            return True
        if base in BUILT_IN:
            parts = ", ".join(f"{base}.{name}" for name in BUILT_IN[base])
            self.faults.add(node, f'{base} has no part "{part}"', path, did_you_mean(part, BUILT_IN[base]) or parts)
            return False
        names = (*BUILT_IN, *PROBES, *self.own)
        self.faults.add(node, f'no check is called "{text}"', path, did_you_mean(text, names) or f"one of: {', '.join(names)}")
        return False

    def _probe(self, mapping: MappingNode, path: str, own: tuple[str, ...], *, parametrised: bool = False) -> ProbeSpec | None:
        entry = mapping.entry("check")
        name = self.faults.text(mapping.get("check"), f"{path}.check") if entry is not None else None
        if entry is None:
            self.faults.add(mapping, "`check` is missing", path, f"one of: {', '.join(PROBES)}")
        if name is None or entry is None or not self._is_known(name, entry.value, f"{path}.check"):
            return None
        kind = PROBES.get(name)
        if kind is None:
            if parametrised:
                self.faults.add(entry.value, f'"{name}" runs anyway', f"{path}.check", f"one of: {', '.join(PROBES)}")
            return self._built_in(mapping, path, own, name)
        options = self._options(mapping, path, own, kind)
        return ProbeSpec(check=name, where=mapping.where, options=MappingProxyType(options))

    def _built_in(self, mapping: MappingNode, path: str, own: tuple[str, ...], name: str) -> ProbeSpec:
        options: dict[str, Json] = {}
        for entry in self.faults.unknown(mapping, (*own, "check", "service"), path, f"a criterion on {name}"):
            if entry.key == "service":
                options["service"] = self._service(entry.value, f"{path}.service")
        return ProbeSpec(check=name, where=mapping.where, options=MappingProxyType(options))

    def _options(self, mapping: MappingNode, path: str, own: tuple[str, ...], kind: ProbeKind) -> dict[str, Json]:
        found: dict[str, Json] = {}
        names = [option.name for option in kind.options]
        for entry in self.faults.unknown(mapping, (*own, "check", *names), path, kind.name):
            option = kind.option(entry.key)
            if option is not None:
                self._value(option, entry, path, found)
        missing = [option.name for option in kind.options if option.required and mapping.get(option.name) is None]
        if missing:
            self.faults.add(mapping, f"`{missing[0]}` is missing", path, f"for example {kind.example}")
        if kind.one_of and not any(mapping.get(name) is not None for name in kind.one_of):
            self.faults.add(mapping, f"it must say one of: {', '.join(kind.one_of)}", path, f"for example {kind.example}")
        return found

    def _value(self, option: Option, entry: Entry, path: str, found: dict[str, Json]) -> None:
        place = f"{path}.{option.name}"
        try:
            reader = READERS.get(option.type)
            found[option.name] = reader(entry.value) if reader else value_of(option, entry.value)
        except Wrong as wrong:
            self.faults.add(wrong.node or entry.value, wrong.message, place, wrong.hint)
            return
        if option.name == "service" or (option.name in ("from", "depends_on") and self.services is not None):
            for name in found[option.name] if isinstance(found[option.name], list) else [found[option.name]]:  # type: ignore[union-attr]
                self._is_service(str(name), entry.value, place)
        if option.name == "match" and isinstance(found["match"], dict):
            for pattern in found["match"].values():
                self._pattern(str(pattern), entry.value, place)

    def _service(self, node: Node, path: str) -> Json:
        text = self.faults.text(node, path)
        if text is not None:
            self._is_service(text, node, path)
        return text

    def _is_service(self, name: str, node: Node, path: str) -> None:
        if self.services is not None and name not in self.services:
            hint = did_you_mean(name, self.services) or f"services: {', '.join(sorted(self.services))}"
            self.faults.add(node, f"no such service: {name}", path, hint)

    # What is allowed, what reloads

    def allow(self, node: Node | None) -> AllowSpec:
        mapping = self.faults.mapping(node, "verify.allow")
        if mapping is None:
            return AllowSpec()
        found: dict[str, tuple[str, ...]] = {}
        for entry in self.faults.unknown(mapping, ALLOW, "verify.allow", "verify.allow"):
            texts = self.faults.texts(entry.value, f"verify.allow.{entry.key}")
            found[entry.key] = tuple(text for text, _ in texts)
            if entry.key == "logs":
                for text, item in texts:
                    self._pattern(text, item, "verify.allow.logs")
        return AllowSpec(**found)

    def _pattern(self, text: str, node: Node, path: str) -> None:
        try:
            re.compile(text)
        except re.error as error:
            self.faults.add(node, f'"{text}" is no regular expression: {error}', path)

    def reloads(self, node: Node | None) -> Iterator[ReloadSpec]:
        for item, path in self._items(node, "verify.reload"):
            mapping = self.faults.mapping(item, path)
            if mapping is None:
                continue
            known = ("service", "file", "replace", "with", "port", "path", "within")
            keys = {entry.key: entry.value for entry in self.faults.unknown(mapping, known, path, "reload")}
            texts = {key: self.faults.text(keys.get(key), f"{path}.{key}") or "" for key in ("file", "replace", "with")}
            for key in ("service", "file", "replace", "with"):
                if key not in keys:
                    self.faults.add(mapping, f"`{key}` is missing", path, _RELOAD)
            port = plain(keys["port"]) if "port" in keys else None
            if port is not None and not (isinstance(port, int) and not isinstance(port, bool) and 1 <= port <= 65535):
                self.faults.add(keys["port"], "a port is expected", f"{path}.port", "a number from 1 to 65535")
            yield ReloadSpec(
                service=str(self._service(keys["service"], f"{path}.service") or "") if "service" in keys else "",
                file=texts["file"],
                replace=texts["replace"],
                replacement=texts["with"],
                port=port if isinstance(port, int) else None,
                path=(self.faults.text(keys["path"], f"{path}.path") if "path" in keys else None) or "/",
                within=self.duration(keys.get("within"), f"{path}.within", 10.0),
                where=mapping.where,
            )

    def _items(self, node: Node | None, path: str) -> Iterator[tuple[Node, str]]:
        if node is None or (isinstance(node, ScalarNode) and node.value is None):
            return
        if not isinstance(node, SequenceNode):
            self.faults.add(node, f"a list is expected, this is {kind_of(node)}", path)
            return
        for index, item in enumerate(node.items):
            yield item, f"{path}[{index}]"


_RELOAD = "for example {service: api, file: app/main.py, replace: hello, with: goodbye, path: /}"

"""What `devstack config` prints: the whole canonical model, or one list out of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from devstack.cli.console import columns
from devstack.cli.session import Session, no_such_service
from devstack.compose.hash import service_hash
from devstack.compose.model import Json, JsonObject, Stack
from devstack.compose.printed import only, printed
from devstack.document import dump
from devstack.errors import UsageError
from devstack.plan.order import closure
from devstack.project import sources_of
from devstack.redact import SECRET_NAME

if TYPE_CHECKING:
    from devstack.compose.raw import Raw

FORMATS = ("yaml", "json")
_UNSAID = (
    ("services", "command"),
    ("services", "entrypoint"),
    ("services", "deploy", "placement"),
    ("services", "deploy", "resources"),
    ("networks", "ipam"),
)
"""Paths without the names of services and networks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How the model is to be printed. `hash` is a service's name, "*" for all, "" for none; `output` a file to write."""

    services: tuple[str, ...] = ()
    format: str = ""
    list: str = ""
    hash: str = ""
    no_interpolate: bool = False
    quiet: bool = False
    show_secrets: bool = False
    output: Path | None = None


def show(session: Session, asked: Asked) -> None:
    """Load, and print what was asked for. Raises `SpecError` with every problem of the files."""
    if asked.format not in ("", *FORMATS):
        raise UsageError(f"--format {asked.format}: this is not yaml or json")
    if asked.list in RAW or asked.no_interpolate:
        # Nothing is replaced, so nothing need be set: these work where the stack itself could not be loaded.
        _raw(session, asked)
        return
    session.prepare(write=False, offline=True)
    for note in session.stack.notes:
        session.console.label("note", note)
    if asked.quiet:
        return
    _unmask(session, asked)
    if asked.hash:
        _lines(session, _hashes(session.stack, asked.hash))
    elif asked.list:
        _lines(session, LISTS[asked.list](session.stack))
    else:
        _print(session, asked, printed(_chosen(session.stack, asked.services)))


def _unmask(session: Session, asked: Asked) -> None:
    if asked.show_secrets or asked.output or not sys.stdout.isatty():
        session.console.unmask()


def _raw(session: Session, asked: Asked) -> None:
    from devstack.compose.raw import read_raw
    from devstack.compose.uninterpolated import uninterpolated

    raw = read_raw(sources_of(session.selection))
    model = uninterpolated(raw)
    session.console.hide((*_secrets(dict(raw.environment)), *_secrets(model)))
    _unmask(session, asked)
    if asked.list == "variables":
        _variables(session, asked, raw)
    elif asked.list == "environment":
        _lines(session, [f"{name}={value}" for name, value in sorted(raw.environment.items())])
    elif not asked.quiet:
        _print(session, asked, model)


def _secrets(value: Json) -> Iterator[str]:
    """Values whose names say that they are secret."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if isinstance(inner, str) and SECRET_NAME.search(name):
                yield inner
            yield from _secrets(inner)
    elif isinstance(value, list):
        for item in value:
            name, equals, text = item.partition("=") if isinstance(item, str) else ("", "", "")
            if equals and SECRET_NAME.search(name):
                yield text
            yield from _secrets(item)


def _print(session: Session, asked: Asked, model: Json) -> None:
    text = json.dumps(model, indent=2, ensure_ascii=False) if asked.format == "json" else dump(_told(model)).rstrip("\n")
    if asked.output:
        asked.output.write_text(text + "\n", encoding="utf-8")
        session.console.label("config", f"{asked.output} written")
        return
    session.console.answer(model, text)


def _told(model: Json, path: tuple[str, ...] = ()) -> Json:
    """As Compose's YAML says it: without what was not said, which its JSON spells out, and with small letters where that has Go's."""
    if isinstance(model, list) and path[2:3] == ("blkio_config",):
        return [{key.lower(): inner for key, inner in item.items()} if isinstance(item, dict) else item for item in model]
    if not isinstance(model, dict):
        return model
    found = {key: _told(inner, (*path, key)) for key, inner in model.items()}
    return {key: inner for key, inner in found.items() if inner not in (None, {}) or (*path[:1], *path[2:], key) not in _UNSAID}


def _chosen(stack: Stack, names: Sequence[str]) -> JsonObject:
    for name in names:
        if name not in stack.services:
            raise no_such_service(name, stack.services)
    return only(stack.canonical, closure(names, stack.services)) if names else stack.canonical


def _lines(session: Session, lines: Sequence[str]) -> None:
    session.console.answer(list(lines), "\n".join(lines) if lines else None)


def _hashes(stack: Stack, wanted: str) -> list[str]:
    names = list(stack.services) if wanted == "*" else wanted.split(",")
    for name in names:
        if name not in stack.services:
            raise no_such_service(name, stack.services)
    return [f"{name} {service_hash(stack.services[name].canonical)}" for name in names]


def variable_rows(raw: Raw) -> dict[str, dict[str, Json]]:
    """Every variable that the files name, shaped as Compose's answer in JSON."""
    return {
        v.name: {"Name": v.name, "DefaultValue": v.default or "", "PresenceValue": v.alternative or "", "Required": v.required}
        for v in raw.variables
    }


def _variables(session: Session, asked: Asked, raw: Raw) -> None:
    data: dict[str, Json] = {**variable_rows(raw)}
    rows = [[v.name, str(v.required).lower(), v.default or "", v.alternative or ""] for v in raw.variables]
    table = columns(rows, header=["NAME", "REQUIRED", "DEFAULT VALUE", "ALTERNATE VALUE"], indent="")
    session.console.answer(data, json.dumps(data, indent=2, ensure_ascii=False) if asked.format == "json" else table)


def _profiles(stack: Stack) -> list[str]:
    return sorted({profile for service in (*stack.services.values(), *stack.disabled.values()) for profile in service.profiles})


LISTS: dict[str, Callable[[Stack], list[str]]] = {
    "services": lambda stack: list(stack.services),
    "images": lambda stack: [stack.image_of(service) for service in stack.services.values()],
    "volumes": lambda stack: list(stack.volumes),
    "networks": lambda stack: list(stack.networks),
    "profiles": _profiles,
}
RAW = ("variables", "environment")
"""Lists that need nothing but the files as they stand."""

"""Which keys of a service there are, at every depth, and which of them the corpus uses."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from devstack.compose.schema_service import SERVICE_KEYS
from devstack.compose.shapes import Shape
from tests.engine.parity.corpus import CORPUS

CANNOT_BE_TRIED = {
    "build": "says how an image is made, not what the container is: tests/engine/test_builds.py",
    "credential_spec.config": "a config of a swarm, on Windows",
    "credential_spec.registry": "a registry of Windows",
    "deploy.resources.reservations.generic_resources": "belongs to a swarm: neither program does anything with it",
    "develop": "says what `watch` does: tests/verbs/test_watch.py",
    "models": "needs the `docker model` plugin and its runner, which Linux engines do not bring along",
    "provider": "makes no container: another program makes whatever it likes",
    "storage_opt": "this engine refuses the container unless its disk is xfs with pquota: tests/engine/test_create.py has the request",
}
"""Keys, with all below them, for which no container can be made and inspected here, and why."""

Path = tuple[str, ...]


def known() -> set[Path]:
    """Every key of a service as the names on the way to it: ("healthcheck", "interval"). Names that a user chooses are left out."""
    return set(_known(SERVICE_KEYS, ()))


def _known(keys: Mapping[str, Shape], path: Path) -> Iterator[Path]:
    for key, shape in keys.items():
        yield (*path, key)
        yield from _below(shape, (*path, key))


def _below(shape: Shape, path: Path) -> Iterator[Path]:
    """A shape is a function made of other shapes; what it is made of is in its closure."""
    for name, value in inspect.getclosurevars(shape).nonlocals.items():
        if name == "keys":
            yield from _known(value, path)
        else:
            for part in value if isinstance(value, tuple) else (value,):
                if inspect.isfunction(part):
                    yield from _below(part, path)


def used() -> set[Path]:
    """Every path of a service in the corpus, with the names that the corpus chose."""
    found: set[Path] = set()
    for example in CORPUS:
        for body in yaml.safe_load(example.path.read_text())["services"].values():
            found.update(_paths(body, ()))
    return found


def _paths(value: Any, path: Path) -> Iterator[Path]:
    match value:
        case dict():
            for key, item in value.items():
                yield (*path, str(key))
                yield from _paths(item, (*path, str(key)))
        case list():
            for item in value:
                yield from _paths(item, path)


def reason_not_to_try(path: Path) -> str:
    """Why a key cannot be tried; "" when it can."""
    return next((why for key, why in CANNOT_BE_TRIED.items() if path[: key.count(".") + 1] == tuple(key.split("."))), "")


def is_used(path: Path, among: set[Path]) -> bool:
    """Whether the corpus has the key, perhaps below a name it chose: ("networks", "aliases") is in ("networks", "back", "aliases")."""
    return any(_is_within(path, other) for other in among if other[0] == path[0] and other[-1] == path[-1])


def _is_within(path: Path, other: Path) -> bool:
    rest = iter(other)
    return all(name in rest for name in path)


def uncovered() -> list[str]:
    """Keys that the corpus does not use and that nothing says cannot be tried."""
    among = used()
    return sorted(".".join(path) for path in known() if not is_used(path, among) and not reason_not_to_try(path))

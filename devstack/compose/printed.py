"""The canonical model as `docker compose config` prints it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from devstack.compose import references
from devstack.compose.model import Json, JsonObject

SECTIONS = ("networks", "volumes", "secrets", "configs")


def printed(value: Json | JsonObject) -> Json:
    """With every dollar sign doubled, so that what is printed can be read again as a Compose file."""
    match value:
        case str():
            return value.replace("$", "$$")
        case list():
            return [printed(item) for item in value]
        case Mapping():
            return {key.replace("$", "$$"): printed(item) for key, item in value.items()}
        case _:
            return value


def only(canonical: JsonObject, names: Iterable[str]) -> JsonObject:
    """The model of some services, with the networks, volumes, secrets and configs that these use."""
    wanted = set(names)
    services = canonical.get("services")
    kept = {name: body for name, body in services.items() if name in wanted} if isinstance(services, dict) else {}
    found: dict[str, Json] = {**canonical, "services": kept}
    for section in SECTIONS:
        bodies = canonical.get(section)
        if not isinstance(bodies, dict):
            continue
        used = {name for body in kept.values() if isinstance(body, dict) for name in _used(section, body)}
        left = {name: body for name, body in bodies.items() if name in used}
        if left:
            found[section] = left
        else:
            del found[section]
    return found


def _used(section: str, service: dict[str, Json]) -> Iterable[str]:
    match section:
        case "volumes":
            return references.volumes_of(service)
        case "secrets":
            return references.secrets_of(service)
        case _:
            return references.names_of(service.get(section))

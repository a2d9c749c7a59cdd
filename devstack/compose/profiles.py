"""Which services run: those without a profile, those whose profile is active, and those that were asked for by name."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from devstack.compose.model import Json
from devstack.compose.references import names_of

Services = Mapping[str, dict[str, Json]]


def enabled(services: Services, active: Collection[str], asked: Collection[str]) -> set[str]:
    """Names of the services that are enabled; "*" is every profile."""
    profiles = {*active}
    for name in asked:
        profiles.update(_profiles(services.get(name)))
    chosen = {name for name, service in services.items() if _selected(service, profiles)}
    waiting = [name for name in asked if name in services]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += [target for target in names_of(services[name].get("depends_on")) if target in services]
    return chosen | seen


def _profiles(service: dict[str, Json] | None) -> list[str]:
    value = service.get("profiles") if service else None
    return [str(item) for item in value] if isinstance(value, list) else []


def _selected(service: dict[str, Json], profiles: Collection[str]) -> bool:
    own = _profiles(service)
    return not own or "*" in profiles or any(profile in profiles for profile in own)

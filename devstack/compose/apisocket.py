"""`use_api_socket`: a service is handed the engine's socket, and this user's registry logins with it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from devstack.compose.model import FileMount, FileObject, Json, Mount, Service, Stack

SOCKET = "/var/run/docker.sock"
FOLDER = "/run/secrets/docker"
KEY = "#apisocket"
"""The name of the config that holds the logins; no name in a file begins like this."""


def asking(stack: Stack) -> tuple[str, ...]:
    """The services that ask for it."""
    return tuple(name for name, service in stack.services.items() if service.canonical.get("use_api_socket"))


def handed(stack: Stack, names: Collection[str]) -> Stack:
    """The stack with what these services get, in the place where Compose puts it, so that both see the same service.

    The logins themselves are asked for when a container is made: a stack is read more often than that.
    """
    services = {name: _with_socket(service) if name in names else service for name, service in stack.services.items()}
    return replace(stack, services=services, configs={**stack.configs, KEY: FileObject(key=KEY, name=KEY, content="")})


def is_handed(service: Service) -> bool:
    return any(used.source == KEY for used in service.configs)


def with_logins(stack: Stack, logins: str) -> Stack:
    """The stack with the content of a Docker config.json in what such services get."""
    return replace(stack, configs={**stack.configs, KEY: FileObject(key=KEY, name=KEY, content=logins)})


def _with_socket(service: Service) -> Service:
    target = f"{FOLDER}/config.json"
    canonical = dict(service.canonical)
    canonical["volumes"] = [*_items(canonical, "volumes"), {"type": "bind", "source": SOCKET, "target": SOCKET}]
    canonical["configs"] = [*_items(canonical, "configs"), {"source": KEY, "target": target}]
    environment = service.environment
    if "DOCKER_CONFIG" not in environment:
        environment = {**environment, "DOCKER_CONFIG": FOLDER}
        canonical["environment"] = dict(environment)
    return replace(
        service,
        canonical=canonical,
        environment=environment,
        mounts=(*service.mounts, Mount(type="bind", source=SOCKET, target=SOCKET)),
        configs=(*service.configs, FileMount(source=KEY, target=target)),
    )


def _items(canonical: dict[str, Json], key: str) -> list[Json]:
    found = canonical.get(key)
    return found if isinstance(found, list) else []

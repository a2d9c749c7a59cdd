"""One-offs: a container of a service for one command, beside those that run already."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from devstack.compose.model import EMPTY, Mount, Port, Service, Stack, Strings
from devstack.engine.base import Engine, NewContainer, Observed
from devstack.errors import DevstackError, NotFound
from devstack.plan.order import closure, parents
from devstack.plan.prerequisites import prerequisites
from devstack.plan.steps import Plan
from devstack.plan.up import SchemaTask, UpOptions, plan_up


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOff:
    """How the container differs from its service's others. `command` and `entrypoint` None: the service's own."""

    service: str
    command: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    environment: Strings = EMPTY
    labels: Strings = EMPTY
    mounts: tuple[Mount, ...] = ()
    ports: tuple[Port, ...] = ()
    service_ports: bool = False
    user: str = ""
    workdir: str = ""
    name: str = ""
    tty: bool = False
    stdin: bool = False


def needed(stack: Stack, service: str) -> tuple[str, ...]:
    """The services that come up first."""
    return tuple(name for name in closure([service], stack.services) if name != service)


def plan_needed(
    stack: Stack, observed: Observed, service: str, *, no_deps: bool = False, schema: tuple[SchemaTask, ...] = ()
) -> Plan:
    """What must be there before a one-off can be made. Containers of the service itself are neither touched nor looked at."""
    others = replace(observed, containers=tuple(c for c in observed.containers if c.service != service))
    plan = plan_up(stack, others, UpOptions(services=(service,), no_deps=no_deps, scale={service: 0}, schema=schema))
    known = {step.key for step in plan.steps}
    own = [step for step in prerequisites(stack, observed, [stack.services[service]]) if step.key not in known]
    return Plan(steps=(*own, *plan.steps))


def changed(service: Service, wanted: OneOff) -> Service:
    """The service as the one-off runs it. An address of its own would be that of the container which runs already."""
    targets = {mount.target for mount in wanted.mounts}
    entrypoint, command = service.entrypoint, service.command
    if wanted.entrypoint is not None:
        # The service's command was meant for its own entrypoint.
        entrypoint, command = wanted.entrypoint, ()
    return replace(
        service,
        command=command if wanted.command is None else wanted.command,
        entrypoint=entrypoint,
        environment={**service.environment, **wanted.environment},
        labels={**service.labels, **wanted.labels},
        user=wanted.user or service.user,
        working_dir=wanted.workdir or service.working_dir,
        mounts=(*(mount for mount in service.mounts if mount.target not in targets), *wanted.mounts),
        ports=(*(service.ports if wanted.service_ports else ()), *wanted.ports),
        networks=tuple(replace(place, ipv4_address="", ipv6_address="", mac_address="") for place in service.networks),
        mac_address="",
        container_name="",
        tty=wanted.tty,
        stdin_open=wanted.stdin,
    )


def create(engine: Engine, stack: Stack, observed: Observed, wanted: OneOff) -> str:
    """Make the container, not started; its id. Everything it is made of must be there."""
    service = changed(stack.services[wanted.service], wanted)
    reference = stack.image_of(service)
    image = engine.image(reference)
    if image is None:
        raise NotFound(f"image {reference} is gone", status=404)
    return engine.create(
        stack,
        NewContainer(
            service=service,
            number=0,
            name=wanted.name or f"{stack.name}-{service.name}-run-{secrets.token_hex(6)}",
            image=reference,
            image_id=image.id,
            namespaces=_namespaces(observed, parents(service), service.name),
            one_off=True,
            tty=wanted.tty,
            stdin=wanted.stdin,
        ),
    )


def _namespaces(observed: Observed, names: Sequence[str], service: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in names:
        there = observed.of(name)
        if not there:
            raise DevstackError(
                f"{service} shares a namespace with {name}, which has no container",
                hints=[f"devstack up {name}"],
                code="not-running",
            )
        found[name] = there[0].id
    return found

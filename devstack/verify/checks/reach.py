"""reach: every published port answers from the host in its own protocol, and every service is reached by those that depend on it."""

from __future__ import annotations

from collections.abc import Iterator

from devstack.compose.model import Condition, Service
from devstack.compose.roles import role_of
from devstack.engine.base import Binding, Container
from devstack.errors import DevstackError
from devstack.verify import inside
from devstack.verify.base import Ground, Topic
from devstack.verify.model import Result
from devstack.verify.places import place
from devstack.verify.speak import host_of, speak


def check(ground: Ground) -> Iterator[Result]:
    """One result a published port, one a path inside the network."""
    count = 0
    for container in ground.containers():
        service = ground.stack.services.get(container.service)
        bindings = {(b.target, b.protocol): b for b in container.bindings if b.published}
        for binding in bindings.values() if service is not None else ():
            assert service is not None
            count += 1
            yield _port(ground, service, container, binding)
    for service in ground.enabled:
        missing = _unpublished(ground, service)
        if missing is not None:
            count += 1
            yield missing
    yield from _paths(ground)
    if not count:
        yield Topic(check="reach", title="published ports").skipped("no service publishes a port")


def _port(ground: Ground, service: Service, container: Container, binding: Binding) -> Result:
    heard_at = f"{host_of(ground, binding)}:{binding.published}"
    declared = ground.declared.services[service.name].ports if service.name in ground.declared.services else ()
    usual = next((p.published for p in declared if p.target == binding.target), "")
    at = heard_at + (f" (declared {usual})" if usual not in ("", str(binding.published)) else "")
    number = f"-{container.number}" if container.number > 1 else ""
    topic = Topic(
        check="reach",
        of=f"{service.name}.{binding.target}{'' if binding.protocol == 'tcp' else binding.protocol}{number}",
        title=f"{service.name} port {binding.target} from this machine",
        service=service.name,
        where=place(ground, "services", service.name, "ports"),
    )
    heard = speak(ground, service, container, binding)
    topic = _expecting(topic, f"{heard.expected} at {at}")
    if heard.wrong:
        fix = [f"devstack logs {service.name}", f"does the program listen on 0.0.0.0:{binding.target} in its container?"]
        return topic.failed(heard.saw, fix=fix, evidence=_listening(ground, container))
    return topic.passed(heard.saw)


def _expecting(topic: Topic, expected: str) -> Topic:
    from dataclasses import replace

    return replace(topic, expected=expected)


def _listening(ground: Ground, container: Container) -> list[str]:
    """What the container does listen on, which is what somebody with a wrong port wants to know."""
    ports = inside.listening(ground.engine, container.id)
    if ports is None:
        return []
    return [f"in the container something listens on: {', '.join(ports)}" if ports else "nothing listens in the container"]


def _unpublished(ground: Ground, service: Service) -> Result | None:
    """A service whose ports are declared but not bound now."""
    wanted = [port for port in service.ports if port.protocol == "tcp"]
    there = [c for c in ground.containers() if c.service == service.name and c.running]
    bound = {binding.target for container in there for binding in container.bindings if binding.published}
    lost = [port for port in wanted if port.target not in bound]
    if not lost or not there:
        return None
    topic = Topic(
        check="reach",
        of=f"{service.name}.{lost[0].target}",
        title=f"{service.name} port {lost[0].target} from this machine",
        service=service.name,
        expected="a published port",
    )
    return topic.failed("the engine has not bound it", fix=[f"devstack restart {service.name}"])


def _paths(ground: Ground) -> Iterator[Result]:
    """Each service from each that depends on it, by name."""
    running = {c.service: c for c in ground.containers() if c.running}
    for service in ground.enabled:
        for dependency in service.depends_on:
            target = ground.stack.services.get(dependency.service)
            if target is None or dependency.condition is Condition.COMPLETED or service.name not in running:
                continue
            if dependency.service in running and not service.network_mode and not target.network_mode:
                yield _path(ground, service, target, running[service.name])


def _path(ground: Ground, service: Service, target: Service, container: Container) -> Result:
    port = port_inside(ground, target)
    topic = Topic(
        check="reach",
        of=f"{service.name}.to.{target.name}",
        title=f"{target.name}{f':{port}' if port else ''} from {service.name}",
        service=service.name,
        expected=f"{target.name} is found by name" + (f" and takes connections on {port}" if port else ""),
        where=place(ground, "services", service.name, "networks"),
    )
    try:
        found = inside.connect(ground.engine, container.id, target.name, port)
    except DevstackError as error:
        return topic.skipped(error.message)
    if found.ok:
        return topic.passed(found.text)
    ours = {attachment.network for attachment in service.networks}
    theirs = {attachment.network for attachment in target.networks}
    shared = sorted(ours & theirs)
    evidence = [
        f"{service.name} is on {', '.join(sorted(ours)) or 'no network'}",
        f"{target.name} is on {', '.join(sorted(theirs))}",
    ]
    fix = [f"devstack logs {target.name}"] if shared else [f"put {service.name} and {target.name} on one network"]
    return topic.failed(found.text, evidence=evidence if not shared else (), fix=fix)


def port_inside(ground: Ground, service: Service) -> int | None:
    """The port a service is meant to be spoken to on inside the network; None where nothing says so."""
    role = role_of(service, ground.stack.secrets)
    if role is not None:
        return role.port
    targets = [port.target for port in service.ports if port.protocol == "tcp"]
    exposed = [int(text) for text in (e.partition("/")[0] for e in service.expose) if text.isdigit()]
    return next(iter([*targets, *exposed]), None)

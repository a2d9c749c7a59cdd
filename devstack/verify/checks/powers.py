"""files: ports on loopback, images pinned, no more power over the machine than is allowed by name, data mounted where it is kept."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from pathlib import Path

from devstack.compose.model import Service
from devstack.compose.roles import postgres_mount_problem
from devstack.patterns import Patterns
from devstack.spec.find import shown
from devstack.verify.base import Ground, Topic
from devstack.verify.checks.rendered import secret_names
from devstack.verify.model import Result, Severity
from devstack.verify.places import place
from devstack.words import counted

SOCKETS = ("/var/run/docker.sock", "/run/docker.sock", "/run/podman/podman.sock", "/var/run/podman/podman.sock")
MIGHTY = {"ALL", "SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE", "NET_ADMIN", "CAP_SYS_ADMIN", "CAP_SYS_MODULE", "CAP_NET_ADMIN"}
LARGE = ("node_modules", ".git", ".venv", "target")


def ports(ground: Ground) -> Iterator[Result]:
    """Nothing is published to the whole network."""
    topic = Topic(check="files.ports", title="ports are published on this machine only", expected="every port on 127.0.0.1")
    services = ground.declared.services.values()
    published = [(service, index, port) for service in services for index, port in enumerate(service.ports)]
    open_ones = [
        (service, index, port)
        for service, index, port in published
        if not _is_loopback(port.host_ip) and service.name not in ground.allow.ports
    ]
    if not open_ones:
        yield topic.passed(f"{counted(len(published), 'port')}, all on this machine" if published else "no port is published")
        return
    service, index, port = open_ones[0]
    text = f"127.0.0.1:{port.published or '0'}:{port.target}"
    yield topic.failed(
        f"{len(open_ones)} of {len(published)} on all addresses: anybody on your network reaches them",
        evidence=[f"{s.name}: {p.host_ip or '0.0.0.0'}:{p.published} -> {p.target}/{p.protocol}" for s, _, p in open_ones],
        fix=[f'write "{text}"', f"if it is meant: verify: allow: {{ports: [{service.name}]}}"],
        where=place(ground, "services", service.name, "ports", str(index)),
    )


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return address == "localhost"


def images(ground: Ground) -> Iterator[Result]:
    """Every image that is not built here has a tag that does not move, or a digest."""
    topic = Topic(check="files.images", title="images are pinned", expected="a tag other than latest, or a digest")
    allowed = set(ground.allow.images)
    taken = [s for s in ground.declared.services.values() if s.build is None and not {s.name, s.image_name} & allowed]
    loose = [service for service in taken if _is_loose(service.image_name)]
    if not loose:
        yield topic.passed(f"{counted(len(taken), 'image')}, all pinned")
        return
    yield topic.failed(
        f"{len(loose)} of {len(taken)} are not",
        evidence=[f"{service.name}: {service.image_name}" for service in loose],
        fix=[f"name a version: {loose[0].image_name.partition(':')[0]}:VERSION"],
        where=place(ground, "services", loose[0].name, "image"),
    )


def _is_loose(reference: str) -> bool:
    name, _, digest = reference.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    return not digest and tag in ("", "latest")


def powers(ground: Ground) -> Iterator[Result]:
    """No container has the engine's socket, runs privileged or lives in the host's network, unless it is allowed by name."""
    topic = Topic(check="files.powers", title="no container has power over this machine", expected="none, unless allowed by name")
    found = [(s, key, allow, text) for s in ground.declared.services.values() for key, allow, text in _powers(ground, s)]
    if not found:
        yield topic.passed(f"none of {counted(len(ground.declared.services), 'service')}")
        return
    service, key, allow, _ = found[0]
    yield topic.failed(
        f"in {counted(len({s.name for s, *_ in found}), 'service')}",
        evidence=[f"{s.name}: {text}" for s, _, _, text in found],
        fix=[f"take it away, or allow it: verify: allow: {{{allow}: [{service.name}]}}"],
        where=place(ground, "services", service.name, key),
    )


def _powers(ground: Ground, service: Service) -> Iterator[tuple[str, str, str]]:
    """(key of the service, key of `allow`, what it is)."""
    allow = ground.allow
    if service.name not in allow.docker_socket:
        for mount in service.mounts:
            if mount.type == "bind" and mount.source in SOCKETS:
                yield "volumes", "docker_socket", f"it has the engine's socket ({mount.source}), which is root on this machine"
    if service.name not in allow.privileged:
        if service.privileged:
            yield "privileged", "privileged", "it runs privileged"
        mighty = sorted(MIGHTY & {word.upper() for word in service.cap_add})
        if mighty:
            yield "cap_add", "privileged", f"it has {', '.join(mighty)}"
    if service.name not in allow.host_network:
        shared = {"network_mode": service.network_mode, "pid": service.pid, "ipc": service.ipc, "uts": service.uts}
        for key, value in shared.items():
            if value == "host":
                yield key, "host_network", f"{key}: host"


def mounts(ground: Ground) -> Iterator[Result]:
    """A PostgreSQL's data is mounted where its major version keeps it; what is mounted from the host is there."""
    topic = Topic(
        check="files.mounts", title="data is mounted where it is kept", expected="a named volume at each server's data folder"
    )
    services = [service for service in ground.declared.services.values() if service.name not in ground.allow.mounts]
    lost = [(service, problem) for service in services if (problem := postgres_mount_problem(service))]
    gone = [
        (service, f"{shown(Path(mount.source))} is mounted at {mount.target}, and is not there")
        for service in services
        for mount in service.mounts
        if mount.type == "bind" and not Path(mount.source).exists() and mount.source not in SOCKETS
    ]
    problems = [*lost, *gone]
    if not problems:
        yield topic.passed("as expected")
        return
    service, problem = problems[0]
    yield topic.failed(
        f"{service.name}: {problem}",
        evidence=[f"{s.name}: {text}" for s, text in problems[1:]],
        fix=[problem.rpartition("; ")[2] if "; " in problem else f"look at services.{service.name}.volumes"],
        where=place(ground, "services", service.name, "volumes"),
    )


def dockerignore(ground: Ground) -> Iterator[Result]:
    """What is built from a folder does not take `.env` into the image, nor megabytes that it has no use for."""
    contexts = {
        Path(service.build.context): service
        for service in ground.declared.services.values()
        if service.build is not None and Path(service.build.context).is_dir()
    }
    for context, service in contexts.items():
        if shown(context) not in ground.allow.dockerignore and context.name not in ground.allow.dockerignore:
            yield from _one_context(ground, context, service)


def _one_context(ground: Ground, context: Path, service: Service) -> Iterator[Result]:
    name = shown(context)
    of = context.name or "root"
    topic = Topic(
        check="files.dockerignore",
        of=of,
        title=f"{name}/.dockerignore keeps secrets out of the image",
        expected=".env is ignored",
        service=service.name,
        where=place(ground, "services", service.name, "build"),
    )
    file = context / ".dockerignore"
    ignored = Patterns.read(file.read_text(encoding="utf-8", errors="replace")) if file.is_file() else Patterns(())
    env = ground.spec.render.env if ground.spec else ground.declared.directory / ".env"
    secret = [path for path in {context / ".env", env} if path.is_file() and path.is_relative_to(context) and secret_names(path)]
    taken = [path for path in secret if not ignored.match(path.relative_to(context).as_posix())]
    if taken:
        fix = [f"echo .env >> {shown(file)}", f"render: {{dockerignore: [{name}]}} in devstack.yml writes a whole one"]
        yield topic.failed(f"{shown(taken[0])} goes into the build of {service.name}", fix=fix)
        return
    yield topic.passed("it does" if secret else "there is no secret in the folder")
    large = [part for part in LARGE if (context / part).is_dir() and not ignored.match(part)]
    if large:
        size = Topic(
            check="files.dockerignore",
            of=f"{of}.size",
            title=f"{name}/.dockerignore keeps the build small",
            expected=f"{', '.join(large)} ignored",
            service=service.name,
            severity=Severity.WARNING,
        )
        yield size.failed(f"{large[0]} is sent to every build", fix=[f"echo {large[0]} >> {shown(file)}"])

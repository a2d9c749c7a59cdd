"""What can be wrong with a machine before any stack is started: each finding with its fix."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from devstack import labels, lock
from devstack.compose.model import Json, Stack
from devstack.engine.base import Engine, Observed
from devstack.errors import DevstackError

DISK_LOW = 5 * 1024**3
OLDEST_API = (1, 41)
POOLS = 25
"""Docker's default address pools give out about thirty networks; from here on it is worth saying."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at: `state` is "ok", "warn" or "bad"; `fix` says what to do when it is not ok."""

    subject: str
    state: str
    text: str
    fix: str = ""

    def as_json(self) -> Json:
        return {"subject": self.subject, "state": self.state, "text": self.text, "fix": self.fix or None}


def of_engine(engine: Engine) -> Iterator[Finding]:
    """The engine: who answers, how old it is, how much room it has."""
    info = engine.info
    api = ".".join(map(str, info.api))
    yield Finding(subject="engine", state="ok", text=f"{info.name} {info.version} (API {api}) at {info.endpoint}")
    if info.api < OLDEST_API:
        yield Finding(
            subject="version", state="bad", text=f"API {api} is older than 1.41", fix="update the engine to 20.10 or later"
        )
    elif not info.fast_health:
        yield Finding(subject="version", state="ok", text="no StartInterval on this engine: devstack probes health itself")
    if not info.endpoint.local:
        yield Finding(
            subject="remote",
            state="warn",
            text="the engine is on another machine: bind mounts and localhost addresses mean that machine",
            fix="docker context use default, or unset DOCKER_HOST",
        )
    yield from of_disk(Path(info.root_dir) if info.root_dir and info.endpoint.local else None)


def of_disk(engine_root: Path | None) -> Iterator[Finding]:
    """Room on the disks that are written to."""
    for subject, path in (("disk here", Path.cwd()), ("engine disk", engine_root)):
        if path is None or not path.exists():
            continue
        free = shutil.disk_usage(path).free
        text = f"{free / 1024**3:.1f} GiB free at {path}"
        if free < DISK_LOW:
            yield Finding(
                subject=subject, state="warn", text=text, fix="remove images and volumes you do not need: docker system df"
            )
        else:
            yield Finding(subject=subject, state="ok", text=text)


def of_leftovers(engine: Engine) -> Iterator[Finding]:
    """What earlier runs left: twins, helpers, stacks whose folder is gone, address pools nearly used up."""
    containers = engine.containers()
    twins = sorted({c.project for c in containers if labels.TWIN in c.labels and lock.holder(c.project) is None})
    if twins:
        yield Finding(
            subject="twins", state="warn", text=f"left by a verify: {', '.join(twins)}", fix="devstack verify sweeps them"
        )
    helpers = [c.name for c in containers if labels.HELPER in c.labels and not c.running]
    if helpers:
        yield Finding(subject="helpers", state="warn", text=", ".join(helpers), fix=f"docker rm {' '.join(helpers)}")
    gone = {c.project: c.labels[labels.WORKING_DIR] for c in containers if c.labels.get(labels.WORKING_DIR)}
    for project, folder in sorted(gone.items()):
        if not Path(folder).is_dir():
            fix = f"docker compose -p {project} down"
            yield Finding(subject="stale stack", state="warn", text=f"{project}: its folder {folder} is gone", fix=fix)
    networks = {name for c in containers for name in c.networks}
    if len(networks) >= POOLS:
        text = f"{len(networks)} networks are in use; Docker runs out of addresses at about 30"
        yield Finding(subject="networks", state="warn", text=text, fix="devstack down in projects you do not need")


def of_ports(engine: Engine, stack: Stack, observed: Observed) -> Iterator[Finding]:
    """The stack's published ports: free, ours, or taken by whom."""
    from devstack.engine.ports import bindable, holder

    ours = {c.id for c in observed.containers}
    containers = engine.containers()
    for service in stack.services.values():
        for port in service.ports:
            if not port.published.isdigit() or bindable(port.host_ip, int(port.published), port.protocol):
                continue
            who = holder(int(port.published), port.host_ip, port.protocol, containers)
            if who is None or who.id in ours:
                continue
            yield Finding(
                subject=f"port {port.published}",
                state="bad",
                text=f"wanted by {service.name}, held by {who}",
                fix=f"stop it, or devstack up --port {service.name}=PORT",
            )


def of_environment(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Settings of the shell that change what devstack and Compose read."""
    for name in ("COMPOSE_PROJECT_NAME", "COMPOSE_FILE", "DOCKER_HOST", "DOCKER_CONTEXT"):
        if environment.get(name):
            yield Finding(subject="environment", state="ok", text=f"${name} is set to {environment[name]}")


def of_machine(engine_error: DevstackError | None) -> Iterator[Finding]:
    """What holds without an engine."""
    if engine_error is not None:
        tried = "; ".join(text.replace("\n", "; ") for _, text in engine_error.details)
        yield Finding(subject="engine", state="bad", text=f"{engine_error.message}: {tried}", fix=" · ".join(engine_error.hints))
    for tool, why in (("docker", "Buildx builds images faster"), ("git", "the project is under version control")):
        if shutil.which(tool) is None:
            yield Finding(subject=tool, state="warn", text=f"not on PATH; {why}", fix=f"install {tool}")
    if os.getuid() == 0:
        yield Finding(subject="user", state="ok", text="running as root")

"""Records and lives as the observed data of the protocol."""

from __future__ import annotations

from dataclasses import replace

from devstack import labels
from devstack.compose.model import Strings
from devstack.engine.base import Binding, Container, Detail, Health, ObservedMount, Probe, State
from devstack.engine.native.records import Life, Record
from devstack.errors import Conflict


def shown(record: Record, life: Life) -> Container:
    """A container as the list shows it. Its network address is the machine's own."""
    running = life.running
    return Container(
        id=record.id,
        name=record.name,
        image=record.image,
        image_id=record.image_id,
        state=State(life.state),
        health=Health(life.health) if running else Health.NONE,
        exit_code=life.exit_code if life.state in ("exited", "restarting") else None,
        status=life.error or life.state,
        created=record.created,
        labels=record.labels,
        bindings=tuple(Binding(target, protocol, host, port) for target, protocol, host, port in record.ports) if running else (),
        networks=dict.fromkeys(record.networks, "127.0.0.1" if running else ""),
        mounts=tuple(
            ObservedMount(kind, target, name=name, source=folder if kind == "bind" else "", read_only=read_only)
            for kind, target, name, folder, read_only in record.mounts
        ),
    )


def inspected(record: Record, life: Life) -> Container:
    """The same with its detail."""
    detail = Detail(
        exit_code=life.exit_code,
        restart_count=life.restarts,
        started_at=life.started_at,
        finished_at=life.finished_at,
        error=life.error,
        environment=record.environment,
        command=record.shown_command,
        healthcheck=record.check.test if record.check else (),
        probes=tuple(Probe(probe.exit_code, probe.output, probe.ended_at) for probe in life.probes),
        restart_policy=record.restart,
        grace=record.grace,
    )
    return replace(shown(record, life), detail=detail)


def adopted(there: Container, wanted: Strings) -> str:
    """The container of ours that was left by a lost reply; any other of that name is in the way."""
    same = (labels.PROJECT, labels.SERVICE, labels.CONFIG_HASH, labels.ONEOFF, labels.IMAGE, labels.NUMBER)
    if there.state is State.CREATED and all(there.labels.get(key) == wanted.get(key) for key in same):
        return there.id
    raise Conflict(
        f'the container name "{there.name}" is taken by another container',
        status=409,
        details=[("image", there.image), ("belongs to", f"compose project {there.project}")],
    )

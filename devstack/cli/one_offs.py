"""The flow of `run`: what the command needs, its container, the talk with it, and the clearing away."""

from __future__ import annotations

import contextlib
import sys

from devstack import bring_up, one_off
from devstack.cli import running
from devstack.cli.session import Session, no_such_service
from devstack.errors import DevstackError, EngineRefused
from devstack.one_off import OneOff
from devstack.plan.up import UpOptions


def run(session: Session, wanted: OneOff, *, no_deps: bool, remove: bool, detach: bool, timeout: float) -> int:
    """Run the command to its end; its exit code is the answer. With `detach` the container's name is, and it goes on."""
    with session.alone():
        session.prepare()
        if wanted.service not in session.stack.services:
            raise no_such_service(wanted.service, session.stack.services)
        with session.locked():
            _bring_needed(session, wanted.service, no_deps=no_deps, timeout=timeout)
            container = one_off.create(session.engine, session.stack, session.observe(), wanted)
    if detach:
        _start(session, container, wanted)
        name = session.engine.inspect(container).name
        session.console.answer({"container": name, "id": container}, name)
        return 0
    try:
        return _talk(session, container, wanted)
    except BaseException:
        # Ctrl-C, or the engine said no: what was asked for is over, and nothing of it goes on unseen.
        with contextlib.suppress(DevstackError):
            session.engine.stop(container)
        raise
    finally:
        if remove:
            with contextlib.suppress(DevstackError):
                session.engine.remove(container, anonymous_volumes=True)


def _bring_needed(session: Session, service: str, *, no_deps: bool, timeout: float) -> None:
    """Images, networks, volumes, and (unless told not to) the services that this one depends on, healthy."""
    stack, spec, engine = session.stack, session.project.spec, session.engine
    observed = bring_up.with_ends(engine, stack, session.observe())
    names = () if no_deps else one_off.needed(stack, service)
    schema = bring_up.schema_tasks(engine, stack, spec, observed, UpOptions(services=names)) if names else ()
    plan = one_off.plan_needed(stack, observed, service, no_deps=no_deps, schema=schema)
    bring_up.check_ports(engine, stack, spec, observed, plan)
    if plan.steps:
        running.carry_out(session, plan, observed, timeout=timeout)


def _start(session: Session, container: str, wanted: OneOff) -> None:
    try:
        session.engine.start(container)
    except EngineRefused as refusal:
        raise EngineRefused(f"{wanted.service} cannot be started: {refusal.message}", status=refusal.status) from refusal


def _talk(session: Session, container: str, wanted: OneOff) -> int:
    from devstack.database.shell import talk

    attached = session.engine.attach(container, tty=wanted.tty, stdin=wanted.stdin)
    try:
        _start(session, container, wanted)
        return talk(attached, terminal=wanted.tty, listening=wanted.stdin)
    finally:
        attached.close()


def has_terminal() -> bool:
    """Whether a person sits here and talks."""
    from devstack.database.shell import wants_terminal

    return wants_terminal(sys.stdin.buffer, sys.stdout.buffer)

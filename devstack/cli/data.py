"""The flows of `reset` and `undo`: name what goes, ask, keep a way back, and leave a stack that runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

from devstack.cli.session import Session
from devstack.compose.model import Json, Stack
from devstack.database import undo as undoing
from devstack.database.pending import Pending, left_behind, release
from devstack.database.room import telling
from devstack.database.servers import Servers
from devstack.database.snapshot import DatabasePart, Snapshot
from devstack.engine.base import Container, Observed
from devstack.errors import DevstackError, Refused
from devstack.plan.options import UpOptions
from devstack.words import counted

if TYPE_CHECKING:
    from devstack.bring_up.clean import Clean
    from devstack.bring_up.ways import Ways


def reset(session: Session, services: tuple[str, ...], *, hard: bool, seed: bool, yes: bool, timeout: float) -> None:
    """Put the clean state in the place of the services' data, keeping what was there; the stack runs afterwards if it did before."""
    from devstack.bring_up.ways import ways
    from devstack.cli import losing

    refuse_remote(session)
    for name in services:
        session.service(name)
    with session.locked():
        finish(session, hard=hard)
        observed = session.observe()
        with Servers(session.engine, session.stack, observed) as servers:
            chosen = ways(session.engine, session.stack, session.project.spec, services, observed, servers, hard=hard, seed=seed)
            if chosen.nothing:
                answer: Json = {"project": session.stack.name, "removed": [], "databases": [], "flushed": []}
                session.console.answer(answer, "nothing to reset: no volume holds data yet")
                return
            sizes = losing.consent(session, chosen, servers, yes=yes)
            databases = _prepare(session, chosen.states, servers)
            was_up = any(container.running for container in observed.containers)
            clear_away(session, observed, chosen.going(observed))
            flushed_volumes = [session.stack.volumes[key] for key in chosen.flushed.values() if key]
            saved = undoing.reset(
                session.engine,
                session.stack,
                [*chosen.volumes, *flushed_volumes],
                images=images(session.stack, observed),
                sizes=sizes,
                databases=databases,
                flushed=chosen.flushed,
                servers=servers,
                holds=losing.inside(session, chosen, servers),
            )
    session.console.label("snapshot", f"{saved.name}: devstack undo brings it back")
    _after(session, chosen, saved, was_up, timeout, UpOptions(seed=seed))


def _after(session: Session, chosen: Ways, saved: Snapshot, was_up: bool, timeout: float, wanted: UpOptions) -> None:
    data: dict[str, Json] = {
        "removed": [volume.name for volume in chosen.volumes],
        "databases": [f"{state.service}/{state.database}" for state in chosen.states],
        "flushed": list(chosen.flushed),
        "snapshot": saved.name,
    }
    parts = [f"{state.database} is clean" for state in chosen.states]
    parts += [f"{name} is empty" for name in chosen.flushed]
    if chosen.volumes:
        count = len(chosen.volumes)
        parts.append("1 volume is empty" if count == 1 else f"{count} volumes are empty")
    again(session, was_up and bool(chosen.volumes), was_up, timeout, data, ", ".join(parts), wanted)


def _prepare(session: Session, states: Sequence[Clean], servers: Servers) -> list[DatabasePart]:
    """New databases in the clean state, under names of their own. When that fails nothing has changed."""
    from devstack.bring_up.clean import template_of

    parts: list[DatabasePart] = []
    swept: set[str] = set()
    for state in states:
        cluster = servers.cluster(state.service)
        if state.service not in swept:
            cluster.sweep()
            swept.add(state.service)

        def on_build(state: Clean = state) -> None:
            session.console.label("template", f"{state.database}: made once from {counted(len(state.items), 'file')}")

        try:
            with telling(cluster.disk) if cluster.disk else nullcontext():
                template = template_of(
                    session.engine, session.stack, cluster, state, lambda line: session.console.label("schema", line), on_build
                )
                work = cluster.copy(template, like=state.database)
        except DevstackError as error:
            for part in parts:
                servers.cluster(part.service).discard(part.incoming)
            # What is said of the database's state is said of the one that was being made.
            error.details = (*(one for one in error.details if one[0] != "state"), ("so far", "no data was touched"))
            if error.code != "disk-full":  # the volume's copy would not fit either
                error.hints = (*error.hints, "devstack reset --hard   (a new volume instead of a new database)")
            raise
        parts.append(undoing.replaced(state.service, state.database, work))
    return parts


def undo(session: Session, *, yes: bool, timeout: float) -> None:
    """Bring back what the last command that destroyed data took away."""
    refuse_remote(session)
    with session.locked():
        finish(session)
        last = undoing.undoable(session.engine, session.stack.name)
        with ExitStack() as later:
            if last is not None and last.databases:
                later.enter_context(running_for(session, [part.service for part in last.databases], timeout))
            observed = session.observe()
            servers = later.enter_context(Servers(session.engine, session.stack, observed))
            if last is not None and last.databases:
                undoing.drop_unhappened(session.engine, session.stack.name, servers)
                last = undoing.undoable(session.engine, session.stack.name)
            was_up, volumes = _agree(session, last, observed, yes)
            back, saved = undoing.undo(session.engine, session.stack, images=images(session.stack, observed), servers=servers)
        session.console.label("restored", f"{back.name}; what was there before is kept as {saved.name}")
    again(session, was_up and volumes, was_up, timeout, {"restored": back.name, "snapshot": saved.name}, f"{back.name} is back")


def _agree(session: Session, last: Snapshot | None, observed: Observed, yes: bool) -> tuple[bool, bool]:
    """Ask, then make way for volumes: (whether the stack ran, whether volumes come back)."""
    if last is None:
        return False, False
    if not yes and not session.console.ask(f"Bring back {last.name}? What is there now is kept too.", default=True):
        raise Refused("nothing was changed", hints=["devstack undo --yes"])
    names = {part.volume for part in last.parts}
    was_up = any(container.running for container in observed.containers)
    clear_away(session, observed, [c for c in observed.containers if any(mount.name in names for mount in c.mounts)])
    return was_up, bool(names)


def finish(session: Session, *, hard: bool = False) -> None:
    """Bring a reset or restore that was cut off to its end. The caller holds the project.

    `hard`: one that cannot be brought to its end is given up; what it had saved stays.
    """
    left, held = left_behind(session.engine, session.stack.name)
    if left is None:
        _let_go(session, held)
        return
    try:
        _finish(session, left)
    except DevstackError:
        if not hard:
            raise
        undoing.abandon(session.engine, session.stack)  # the server it was about is what `--hard` replaces
        return
    if held:
        release(session.engine, session.stack.name)
    session.console.label("finished", str(left))


def _let_go(session: Session, held: Sequence[str]) -> None:
    """Writers of these services wait for a reset that was killed before it changed anything."""
    if held:
        with Servers(session.engine, session.stack, session.observe()) as servers:
            for service in held:
                servers.let_go(service)
        release(session.engine, session.stack.name)


def _finish(session: Session, left: Pending) -> None:
    with ExitStack() as later:
        wanted = [part.service for part in left.saved.databases] + list(left.saved.flushed)
        if wanted:
            later.enter_context(running_for(session, wanted, 120.0))
        observed = session.observe()
        names = {part.volume for part in left.saved.parts if not part.flushed}
        holders = [c for c in observed.containers if any(mount.name in names for mount in c.mounts)]
        clear_away(session, observed, holders if wanted else observed.containers)
        servers = later.enter_context(Servers(session.engine, session.stack, observed))
        undoing.finish(session.engine, session.stack, servers)


@contextmanager
def running_for(session: Session, services: Sequence[str], timeout: float) -> Iterator[None]:
    """These services run meanwhile; those that did not before are stopped again afterwards."""
    observed = session.observe()
    absent = [name for name in dict.fromkeys(services) if not any(c.running for c in observed.of(name))]
    if not absent:
        yield
        return
    from devstack import bring_up
    from devstack.cli import running
    from devstack.plan.down import plan_down, plan_stop

    plan = bring_up.make_plan(session.engine, session.stack, None, observed, UpOptions(services=tuple(absent), no_deps=True))
    running.carry_out(session, plan, observed, timeout=timeout)
    try:
        yield
    finally:
        now = session.observe()
        was_up = any(container.running for container in observed.containers)
        back = plan_stop(session.stack, now, absent) if was_up else plan_down(session.stack, now)
        running.execute(session, back, quiet=True)


def again(
    session: Session,
    bring: bool,
    was_up: bool,
    timeout: float,
    data: Mapping[str, Json],
    text: str,
    wanted: UpOptions = UpOptions(),  # noqa: B008 - frozen
) -> None:
    """Bring the stack up where that is needed, and answer."""
    if bring:
        from devstack.cli import bringing

        bringing.bring(session, wanted, timeout=timeout, extra=data)
        session.console.say(f"{text}     undo: devstack undo")
    else:
        following = "" if was_up else "next: devstack up · "
        session.console.answer({"project": session.stack.name, **data}, f"{text}     {following}undo: devstack undo")


def clear_away(session: Session, observed: Observed, containers: Sequence[Container]) -> None:
    """Stop and remove these containers, so that nothing holds their volumes; the networks too when they are all there are."""
    if not containers:
        return
    from devstack.cli import running
    from devstack.plan.down import plan_down

    whole = len(containers) == len(observed.containers)
    some = observed if whole else replace(observed, containers=tuple(containers), networks={})
    running.execute(session, plan_down(session.stack, some), quiet=True)


def images(stack: Stack, observed: Observed) -> dict[str, str]:
    """For each volume an image that is there and belongs to a service that uses it."""
    found: dict[str, str] = {}
    for service in {**stack.disabled, **stack.services}.values():
        reference = stack.image_of(service)
        for mount in service.mounts:
            if mount.source in stack.volumes and reference in observed.images:
                found.setdefault(stack.volumes[mount.source].name, reference)
    return found


def refuse_remote(session: Session) -> None:
    if not session.engine.info.endpoint.local:
        raise Refused(
            "the engine is on another machine; its data is not touched from here",
            details=[("engine", str(session.engine.info.endpoint))],
            hints=["docker context use default, or unset DOCKER_HOST"],
            code="remote-engine",
        )

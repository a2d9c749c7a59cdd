"""The flow of `watch`: up, bring the files in, and then act on every change until Ctrl-C."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from devstack import bring_up, transfer, watching
from devstack.cli import bringing, running
from devstack.cli.progress import progress
from devstack.cli.session import Session
from devstack.compose.model import Json
from devstack.engine.base import Container
from devstack.errors import DevstackError
from devstack.plan.steps import Build
from devstack.plan.up import UpOptions
from devstack.watching import Seen, Trigger, Work

EVERY = 0.3
"""Seconds between two looks, unless looking itself takes long."""
SETTLE = 0.1
"""Seconds without a change after which a burst of them (a checkout, a save of many files) counts as over."""
SHARE = 0.2
"""The share of the time that looking may take."""
PATIENCE = 600.0


@dataclass
class Watcher:
    """Watches the triggers and carries out what they ask for. `seen` is what stood here when it was last acted on."""

    session: Session
    triggers: tuple[Trigger, ...]
    as_json: bool = False
    seen: list[Seen] = field(default_factory=list)

    def begin(self) -> None:
        """Look, and bring the containers up to what stands here: they may have been made long before."""
        self.seen = [watching.look(trigger) for trigger in self.triggers]
        for work in watching.first_sync(zip(self.triggers, self.seen, strict=True)):
            self.act(work, "first sync")
        paths = ", ".join(dict.fromkeys(self.shown(str(trigger.path)) for trigger in self.triggers))
        self.session.console.label("watch", f"{paths}; Ctrl-C ends")

    def turn(self) -> None:
        """One look, and what follows from it."""
        begun = time.monotonic()
        now = [watching.look(trigger) for trigger in self.triggers]
        took = time.monotonic() - begun
        if now == self.seen:
            time.sleep(max(EVERY, took / SHARE))
            return
        while True:
            time.sleep(SETTLE)
            later = [watching.look(trigger) for trigger in self.triggers]
            if later == now:
                break
            now = later
        before, self.seen = self.seen, list(now)
        for work in watching.work(zip(self.triggers, before, now, strict=True)):
            self.act(work, work.action)

    def act(self, work: Work, action: str) -> None:
        """Do it and say so. An error is told and not the end: the next change may mend it."""
        begun = time.monotonic()
        problem: DevstackError | None = None
        try:
            with self.session.locked():
                self._do(work)
        except DevstackError as error:
            problem = error
        self._tell(work, action, time.monotonic() - begun, problem)

    def _do(self, work: Work) -> None:
        if work.rebuild:
            self._rebuild(work.service)
            # The new container has what the image has; what is only ever synced is brought in again.
            mine = [
                (trigger, seen) for trigger, seen in zip(self.triggers, self.seen, strict=True) if trigger.service == work.service
            ]
            for sync in watching.first_sync(mine):
                self._do(sync)
            return
        containers = [c for c in self.session.observe().of(work.service) if c.running]
        if not containers:
            raise DevstackError(f"{work.service} does not run", hints=[f"devstack up {work.service}"], code="not-running")
        for container in containers:
            self._sync(container, work)
        for container in containers if work.restart else ():
            self.session.engine.stop(container.id, self.session.service(work.service).stop_grace_period)
            self.session.engine.start(container.id)

    def _sync(self, container: Container, work: Work) -> None:
        engine = self.session.engine
        if work.sync:
            transfer.send_files(engine, container.id, work.sync)
        if work.remove:
            _checked(engine.exec(container.id, ["rm", "-rf", "--", *work.remove], user="0"), "rm")
        for command in work.execs:
            result = engine.exec(
                container.id,
                command.command,
                user=command.user,
                environment=command.environment,
                workdir=command.working_dir,
                privileged=command.privileged,
            )
            _checked(result, " ".join(command.command))

    def _rebuild(self, name: str) -> None:
        session, service = self.session, self.session.service(name)
        step = Build(service=service, image=session.stack.image_of(service), reason="changed")
        with progress(session.console) as shown:
            bring_up.renew(session.engine, session.stack, (step,), shown)
        observed = session.observe()
        wanted = UpOptions(services=(name,), no_deps=True)
        plan = bring_up.make_plan(session.engine, session.stack, None, observed, wanted)
        if plan.steps:
            running.carry_out(session, plan, observed, timeout=PATIENCE)

    def _tell(self, work: Work, action: str, seconds: float, problem: DevstackError | None) -> None:
        console = self.session.console
        files = work.changed or tuple(str(path) for path in work.sync.values())
        if self.as_json:
            document: dict[str, Json] = {
                "time": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "service": work.service,
                "action": action,
                "files": [self.shown(file) for file in files],
                "removed": list(work.remove),
                "seconds": round(seconds, 3),
                "error": problem.message if problem else None,
            }
            console.out(json.dumps(document, ensure_ascii=False))
            return
        names = ", ".join(self.shown(file) for file in files[:3]) + (f" and {len(files) - 3} more" if len(files) > 3 else "")
        console.label(action, f"{work.service}: {names} ({seconds:.1f} s)")
        if problem is not None:
            console.error(problem)

    def shown(self, path: str) -> str:
        return self.session.relative(self.session.stack.directory, Path(path))


def _checked(result: object, what: str) -> None:
    from devstack.engine.base import ExecResult

    assert isinstance(result, ExecResult)
    if result.exit_code:
        said = (result.stdout + result.stderr).decode(errors="replace").strip()
        raise DevstackError(
            f"{what} ended with code {result.exit_code} in the container", details=[("it said", said)] if said else []
        )


def watch(session: Session, names: Sequence[str], *, up: bool, as_json: bool, timeout: float) -> None:
    """Until Ctrl-C."""
    if up:
        with session.alone():
            session.prepare(write=False)
            for name in names:
                session.service(name)
            # Whether there is anything to watch is known before anything is started.
            watching.triggers(session.stack, names)
            bringing.bring(session, UpOptions(services=tuple(names)), build=True, timeout=timeout)
    for name in names:
        session.service(name)
    session.console.as_json = False
    watcher = Watcher(session, watching.triggers(session.stack, names), as_json)
    watcher.begin()
    while True:
        watcher.turn()

"""The flows of small deeds on containers that are there: `kill`, `pause`, `unpause`, `wait`, `rm`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from devstack.cli.looking import of_services
from devstack.cli.session import Session
from devstack.compose.model import Json
from devstack.engine.base import Container, State
from devstack.errors import DevstackError, Refused, UsageError

UP = (State.RUNNING, State.PAUSED, State.RESTARTING)


def each(session: Session, containers: Sequence[Container], verb: str, do: Callable[[str], None]) -> None:
    """Do one thing to every container, and say so; all are tried, the first error is raised."""
    errors: list[DevstackError] = []
    done: list[Json] = []
    for container in containers:
        try:
            do(container.id)
        except DevstackError as error:
            errors.append(error)
            continue
        done.append(container.name)
        session.console.label(verb, container.name)
    if errors:
        raise errors[0]
    session.console.answer({verb: done}, None if done else f"nothing to do: none was to be {verb}")


def kill(session: Session, names: Sequence[str], signal: str) -> None:
    """Send a signal to the running containers."""
    word = signal.upper().removeprefix("SIG")
    if not word.isalnum():
        raise UsageError(f"{signal}: this is no signal", hints=["devstack kill -s HUP SERVICE"])
    running = [c for c in of_services(session, names) if c.state in UP]
    each(session, running, "killed", lambda container: session.engine.kill(container, word))


def pause(session: Session, names: Sequence[str]) -> None:
    running = [c for c in of_services(session, names) if c.state is State.RUNNING]
    each(session, running, "paused", session.engine.pause)


def unpause(session: Session, names: Sequence[str]) -> None:
    paused = [c for c in of_services(session, names) if c.state is State.PAUSED]
    each(session, paused, "unpaused", session.engine.unpause)


def wait(session: Session, names: Sequence[str]) -> int:
    """Wait until the containers of the services have ended; a line with its exit code for each, the first that failed is ours."""
    containers = of_services(session, names)
    absent = [name for name in names if not any(c.service == name for c in containers)]
    if absent:
        raise DevstackError(f"{', '.join(absent)}: no container to wait for", hints=["devstack up"], code="not-running")
    codes: dict[str, int | DevstackError] = {}

    def one(container: Container) -> None:
        try:
            codes[container.id] = session.engine.wait(container.id)
        except DevstackError as error:
            codes[container.id] = error

    threads = [threading.Thread(target=one, args=(container,), daemon=True) for container in containers]
    for thread in threads:
        thread.start()
    for thread in threads:
        # Joined in turns, so that Ctrl-C is heard.
        while thread.is_alive():
            thread.join(0.2)
    ended: dict[str, int] = {}
    for container in containers:
        code = codes[container.id]
        if isinstance(code, DevstackError):
            raise code
        ended[container.name] = code
    session.console.answer(
        {"exit_codes": dict(ended)}, "\n".join(f"{name} exited with code {code}" for name, code in ended.items())
    )
    return next((code for code in ended.values() if code), 0)


def remove_stopped(session: Session, names: Sequence[str], *, yes: bool, stop: bool, volumes: bool) -> None:
    """Remove containers that do not run, one-offs too; asks first. Named volumes stay, always."""
    found = of_services(session, names, oneoffs=True)
    chosen = [c for c in found if stop or c.state not in UP]
    if not chosen:
        session.console.answer({"removed": []}, "nothing to do: no stopped containers")
        return
    session.console.say("This removes: " + ", ".join(c.name for c in chosen))
    if not yes and not session.console.ask("Remove them?"):
        raise Refused("nothing was removed", hints=["devstack rm --yes"])
    running = [c for c in chosen if c.state in UP]
    for container in running:
        session.engine.stop(container.id)
    each(session, chosen, "removed", lambda container: session.engine.remove(container, anonymous_volumes=volumes))

"""Programs that are run to their end beside a container, and what a supervisor tells as events of the protocol."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence

from devstack.engine.base import Event, ExecResult, Health
from devstack.engine.native.programs import group_of
from devstack.errors import EngineRefused


def event_of(found: dict[str, object]) -> Event:
    health = found.get("health")
    code = found.get("exit_code")
    return Event(
        action=str(found["action"]),
        container=str(found.get("container", "")),
        service=str(found.get("service", "")),
        time=float(str(found.get("time", 0.0))),
        health=Health(str(health)) if health else None,
        exit_code=int(str(code)) if code is not None else None,
        name=str(found.get("name", "")),
        image=str(found.get("image", "")),
    )


def run(words: Sequence[str], environment: Mapping[str, str], folder: str, user: str, stdin: bytes | None) -> ExecResult:
    check_program(words, environment)
    done = subprocess.run(
        words, env=dict(environment), cwd=folder, input=stdin if stdin is not None else b"", capture_output=True, check=False,
        start_new_session=True, user=user or None, group=group_of(user), extra_groups=() if user else None,
    )  # fmt: skip
    code = 128 - done.returncode if done.returncode < 0 else done.returncode
    return ExecResult(code, done.stdout, done.stderr)


def check_program(words: Sequence[str], environment: Mapping[str, str]) -> None:
    if not words or shutil.which(words[0], path=environment.get("PATH")) is None:
        raise EngineRefused(f'exec: "{words[0] if words else ""}": executable file not found in $PATH', status=400)

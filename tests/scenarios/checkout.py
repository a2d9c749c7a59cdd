"""A checkout: a folder with a stack of its own, in which the real `devstack` is run as a person would run it."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devstack.engine.base import Container, Engine, Health
from devstack.redact import SECRET_NAME
from tests import warm

SESSION = f"s{secrets.token_hex(3)}"
"""The first letters of every project of this run, by which what is left behind is found."""
PATIENCE = 90.0
"""Seconds after which a command that should have ended long ago is given up. No promise of speed."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How one command ended: its exit code, what it wrote, and how long it took."""

    arguments: tuple[str, ...]
    code: int
    out: str
    err: str
    seconds: float

    @property
    def said(self) -> str:
        return self.out + self.err

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on stdout. Fails when there is more or less than that."""
        found = json.loads(self.out)
        assert isinstance(found, dict) and set(found) == {"ok", "error", "data", "meta"}, self
        return found

    @property
    def data(self) -> Any:
        return self.document["data"]

    def __str__(self) -> str:
        return f"devstack {' '.join(self.arguments)}\nexit {self.code} after {self.seconds:.1f} s\n--- stdout\n{self.out}--- stderr\n{self.err}"


def sound(ran: Ran) -> None:
    """Whatever a person does, devstack itself does not break."""
    assert "Traceback" not in ran.said and "[bug]" not in ran.said and "internal" not in ran.said.lower(), str(ran)


def surroundings(**more: str) -> dict[str, str]:
    """The environment of a shell in which nothing is set that changes what devstack does."""
    changing = ("DEVSTACK_", "COMPOSE_", "DOCKER_CON", "PYTEST_", "COV_")
    plain = {k: v for k, v in os.environ.items() if not k.startswith(changing) and k not in ("CI", "NO_COLOR", "FORCE_COLOR")}
    return {**plain, "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "100", **more}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "devstack", *arguments]


def run(*arguments: str, cwd: Path, code: int | None = 0, given: str | None = None, timeout: float = PATIENCE, **more: str) -> Ran:
    """Run devstack to its end; `more` are variables of its environment. Whatever happens there is no traceback."""
    begun = time.monotonic()
    ended = warm.run(arguments, cwd=cwd, env=surroundings(**more), given=given, timeout=timeout)
    ran = Ran(arguments, ended.returncode, ended.stdout, ended.stderr, time.monotonic() - begun)
    sound(ran)
    assert code is None or ran.code == code, str(ran)
    return ran


@dataclass(slots=True)
class Checkout:
    """One folder with a stack. `project` is the name asked for; `name` the one this checkout really got."""

    folder: Path
    project: str
    engine: Engine
    port: int = 0
    secrets: list[str] = field(default_factory=list)

    def write(self, files: Mapping[str, str]) -> Checkout:
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.replace("@PROJECT", self.project).replace("@PORT", str(self.port)))
        return self

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.folder / name
        text = path.read_text()
        assert old in text, f"{name} has no {old!r}"
        path.write_text(text.replace(old, new))

    def devstack(
        self, *arguments: str, code: int | None = 0, given: str | None = None, timeout: float = PATIENCE, **more: str
    ) -> Ran:
        """Run devstack here. What it says holds no password of this checkout, unless the command is there to tell them."""
        ran = run(*arguments, cwd=self.folder, code=code, given=given, timeout=timeout, **more)
        if arguments[0] != "env":
            assert not [s for s in self.passwords() if s in ran.said], f"a password was printed\n{ran}"
        return ran

    def begin(self, *arguments: str, stdout: int = subprocess.PIPE, **more: str) -> subprocess.Popen[str]:
        """Start devstack here and do not wait for it. It leads a process group of its own."""
        return subprocess.Popen(
            command(*arguments),
            cwd=self.folder,
            env=surroundings(**more),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    # What is on disk

    def env(self) -> dict[str, str]:
        path = self.folder / ".env"
        lines = path.read_text().splitlines() if path.exists() else []
        return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))

    @property
    def name(self) -> str:
        return self.env().get("COMPOSE_PROJECT_NAME", self.project)

    def passwords(self) -> list[str]:
        return [*self.secrets, *(value.strip("'\"") for key, value in self.env().items() if SECRET_NAME.search(key) and value)]

    # What is on the engine

    def containers(self) -> dict[str, Container]:
        """The containers, running or not, by name without the project's."""
        found = self.engine.containers(self.name)
        return {c.name.removeprefix(f"{self.name}-"): c for c in found if not c.oneoff}

    def ids(self) -> dict[str, str]:
        return {name: c.id for name, c in self.containers().items()}

    def is_healthy(self) -> bool:
        there = self.containers().values()
        return bool(there) and all(c.running and (c.health in (Health.HEALTHY, Health.NONE) or self._passes(c)) for c in there)

    def _passes(self, container: Container) -> bool:
        """An engine without a fast start cadence says what its last probe said until its own next one, seconds away."""
        detail = self.engine.inspect(container.id).detail
        probe = detail.healthcheck if detail is not None else ()
        if self.engine.info.fast_health or container.health is Health.NONE or not probe:
            return False
        command = ("/bin/sh", "-c", probe[1]) if probe[0] == "CMD-SHELL" else probe[1:]
        return self.engine.exec(container.id, command).exit_code == 0

    def volumes(self) -> set[str]:
        return set(self.engine.observe(self.name).volumes)

    def sql(self, statement: str, *, service: str = "db") -> str:
        """What psql in the database's container answers, past devstack: unaligned, without headers."""
        container = next(c for c in self.containers().values() if c.service == service)
        result = self.engine.exec(
            container.id, ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-U", "shop", "-d", "shop", "-c", statement]
        )
        assert result.exit_code == 0, result
        return result.stdout.decode().strip()

    def rows(self) -> str:
        return self.sql("select string_agg(body, ',' order by id) from note")


def wait_for(what: Callable[[], bool], *, seconds: float = 30.0, every: float = 0.02) -> None:
    """Look until it is so."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, f"not so after {seconds} s: {what}"
        time.sleep(every)


def finish(process: subprocess.Popen[str], *, timeout: float = PATIENCE) -> Ran:
    """Wait for a command that was begun."""
    begun = time.monotonic()
    out, err = process.communicate(timeout=timeout)
    ran = Ran(tuple(process.args[3:]), process.returncode, out or "", err or "", time.monotonic() - begun)  # type: ignore[index]
    sound(ran)
    return ran


def kill(process: subprocess.Popen[str]) -> None:
    """kill -9, the way of a laptop whose battery is empty."""
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=10)


def free_ports(count: int) -> list[int]:
    """Ports below the range that outgoing connections take theirs from, free now and far from each other."""
    found: list[int] = []
    while len(found) < count:
        port = 15000 + secrets.randbelow(15000)
        with socket.socket() as probe:
            try:
                probe.bind(("0.0.0.0", port))
            except OSError:
                continue
        if all(abs(port - other) > 20 for other in found):
            found.append(port)
    return found


@contextmanager
def listener(port: int) -> Iterator[socket.socket]:
    """This process holds the port."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", port))
        held.listen(1)
        yield held


def states(ran: Ran) -> dict[str, str]:
    """Service -> state, of an answer with --json."""
    return {row["service"]: row["state"] for row in ran.data["services"]}


def names(containers: Sequence[Container]) -> list[str]:
    return sorted(c.name for c in containers)

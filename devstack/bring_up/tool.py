"""The project's own migration tool, run where its code is: in its service's container, or in a one-off of it.

It gets its service's environment and a DATABASE_URL for the database in question, and no input: nobody is there to answer it.
"""

from __future__ import annotations

import codecs
import contextlib
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit, urlunsplit

from devstack import labels, one_off
from devstack.compose.model import Service, Stack
from devstack.compose.roles import Postgres
from devstack.engine.base import Container, Engine, Session
from devstack.engine.look import look
from devstack.errors import DevstackError, EngineRefused, Problem, SpecError
from devstack.plan.drift import drift
from devstack.spec.model import ToolSpec
from devstack.spec.tools import TOOLS

_SHOWN = 15
_NOT_FOUND = (126, 127)
_END_OF = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE host(client_addr) = ANY(%s)"
OnLine = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a run of the tool ended: the words, the exit code, all lines it wrote."""

    words: tuple[str, ...]
    code: int
    lines: tuple[str, ...]


class Tool:
    """One tool for one database of a stack. `database` may be another one than the role's own."""

    def __init__(self, engine: Engine, stack: Stack, spec: ToolSpec, role: Postgres, database: str) -> None:
        self.engine = engine
        self.stack = stack
        self.spec = spec
        self.role = role
        self.database = database
        self.known = TOOLS[spec.name]
        self.running = ""

    @property
    def service(self) -> Service:
        """The service whose image has the tool. Raises SpecError when no active profile selects it."""
        found = self.stack.services.get(self.spec.run)
        if found is None:
            message = f"{self.spec.run} is in a profile that is not on"
            raise SpecError([Problem(self.spec.where, message, path="schema.run", hint="name a service that `devstack up` starts")])
        return found

    @property
    def place(self) -> str:
        return f"{self.role.service}/{self.database}"

    def key(self, checksums: Mapping[str, str]) -> str:
        """What changes when the tool may have something new to do; "" when nobody said which files it reads."""
        service = self.service
        if not checksums:
            return ""
        image = self.engine.image(self.stack.image_of(service))
        parts = [image.id if image else "", list(self.command("apply")), self.spec.directory, sorted(checksums.items())]
        return "sha256-tool:" + hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def command(self, what: str) -> tuple[str, ...]:
        """The words of "apply", "status" or "drift": the project's own, else the tool's usual ones; () where there are none."""
        own = {"apply": self.spec.command, "status": self.spec.status, "drift": self.spec.drift}[what]
        usual = {"apply": self.known.apply, "status": self.known.status, "drift": self.known.drift}[what]
        return own or usual

    def migrate(self, on_line: OnLine) -> None:
        """Bring the database up to date. Raises DevstackError with the tool's last lines when it fails."""
        ended = self.run("apply", on_line)
        if ended.code == 0:
            return
        hints = [f"devstack run --rm {self.spec.run} sh   (to look around in there)"]
        if ended.code in _NOT_FOUND:
            hints = [f"the image of {self.spec.run} has no {ended.words[0]}: install it there, or name another service with `run`"]
        raise DevstackError(
            f"{self.spec.name} failed with code {ended.code} in {self.spec.run}, migrating {self.place}",
            where=self.spec.where,
            details=[("command", " ".join(ended.words)), ("output", "\n".join(ended.lines[-_SHOWN:]))],
            hints=hints,
            code="schema-tool",
        )

    def run(self, what: str, on_line: OnLine = lambda line: None) -> Ended:
        """Run one of its commands to the end."""
        words = self.command(what)
        self._await_left_over(on_line)
        container = self._fitting_container()
        lines: list[str] = []

        def take(line: str) -> None:
            lines.append(line)
            on_line(line)

        code = self._exec(container, words, take) if container else self._one_off(words, take)
        return Ended(words=words, code=code, lines=tuple(lines))

    def stop(self) -> None:
        """End what `run` runs on another thread, as far as that can be: the command in a one-off. The server rolls back its work."""
        if self.running:
            with contextlib.suppress(DevstackError):
                addresses = [address for address in self.engine.inspect(self.running).networks.values() if address]
                self.engine.kill(self.running)
                self.engine.remove(self.running, anonymous_volumes=True)
                self._end_sessions([address for address in addresses if not address.startswith("127.")])

    def _end_sessions(self, addresses: list[str]) -> None:
        """A server in the middle of a statement does not notice that its client is gone, and keeps its locks until it is done."""
        from devstack.database.connection import connect
        from devstack.database.reach import target_of

        container = next((c for c in look(self.engine, self.stack).of(self.role.service) if c.running), None)
        if container is not None and addresses:
            with connect(target_of(self.role, container, self.engine.info.endpoint), application_name="devstack") as session:
                session.rows(_END_OF, (addresses,))

    def environment(self) -> dict[str, str]:
        """What is set beside the service's own environment."""
        own = self.service.environment.get("DATABASE_URL") or ""
        url = database_url(own, self.role, self.database, plain=self.known.plain_url, query=self.known.query)
        names = {"PGDATABASE": self.database} if self.service.environment.get("PGDATABASE") else {}
        return {"DATABASE_URL": url, **names}

    def _fitting_container(self) -> Container | None:
        """A running container of the service that is what the stack says; an outdated one would migrate with outdated code."""
        observed = look(self.engine, self.stack)
        service = self.service
        there = [c for c in observed.of(service.name) if c.running and not c.oneoff]
        return next((c for c in there if not drift(self.stack, service, c, observed)), None)

    def _exec(self, container: Container, words: tuple[str, ...], take: OnLine) -> int:
        session = self.engine.session(container.id, words, tty=False, environment=self.environment(), workdir=self.spec.directory)
        with contextlib.closing(session):
            session.close_stdin()
            _read(session, take)
            return session.exit_code()

    def _one_off(self, words: tuple[str, ...], take: OnLine) -> int:
        wanted = one_off.OneOff(
            service=self.spec.run,
            entrypoint=words,  # as in a container that runs: the image's own entrypoint is for its server
            environment=self.environment(),
            labels={labels.TOOL: self.place},
            workdir=self.spec.directory,
        )
        container = one_off.create(self.engine, self.stack, look(self.engine, self.stack), wanted)
        self.running = container
        try:
            session = self.engine.attach(container, tty=False, stdin=False)
            with contextlib.closing(session):
                self._start(container, words)
                _read(session, take)
                return session.exit_code()
        finally:
            self.running = ""
            with contextlib.suppress(DevstackError):
                self.engine.remove(container, anonymous_volumes=True)

    def _start(self, container: str, words: tuple[str, ...]) -> None:
        try:
            self.engine.start(container)
        except EngineRefused as refusal:
            raise DevstackError(
                f"{words[0]} cannot be started in the image of {self.spec.run}: {refusal.message}",
                where=self.spec.where,
                hints=[f"install it there, or name another service with `run` (`directory` is {self.spec.directory or 'not set'})"],
                code="schema-tool",
            ) from refusal

    def _await_left_over(self, on_line: OnLine) -> None:
        """A devstack that was killed leaves its one-off at work: two at once would migrate the same database twice."""
        for container in self.engine.containers(self.stack.name):
            if container.labels.get(labels.TOOL) != self.place:
                continue
            if container.running:
                on_line(f"waiting for {container.name}, begun by a devstack that is gone")
                self.engine.wait(container.id)
            with contextlib.suppress(EngineRefused):
                self.engine.remove(container.id, anonymous_volumes=True)


def database_url(own: str, role: Postgres, database: str, *, plain: bool, query: str = "") -> str:
    """The database's address inside the network: the service's `own` DATABASE_URL where it means this database, else one like it.

    `plain` takes a driver's name out of the scheme, `query` is added where it says nothing of the kind.
    """
    parts = urlsplit(own)
    scheme = parts.scheme if parts.scheme.partition("+")[0] in ("postgres", "postgresql") else "postgresql"
    if scheme != parts.scheme or parts.hostname != role.service or parts.path != f"/{quote(database, safe='')}":
        secret = f":{quote(role.password, safe='')}" if role.password is not None else ""
        netloc = f"{quote(role.user, safe='')}{secret}@{role.service}:{role.port}"
        parts = parts._replace(scheme=scheme, netloc=netloc, path=f"/{quote(database, safe='')}", fragment="")
    if plain:
        parts = parts._replace(scheme=scheme.partition("+")[0])
    if query and query.partition("=")[0] not in parts.query:
        parts = parts._replace(query="&".join(part for part in (parts.query, query) if part))
    return urlunsplit(parts)


def _read(session: Session, take: OnLine) -> None:
    """Pass on every line of both streams until the program has ended."""
    pending: dict[str, str] = {"stdout": "", "stderr": ""}
    decoders = {name: codecs.getincrementaldecoder("utf-8")("replace") for name in pending}
    for stream, data in _pieces(session):
        *whole, pending[stream] = (pending[stream] + decoders[stream].decode(data)).split("\n")
        for line in whole:
            take(line.rstrip("\r"))
    for rest in pending.values():
        if rest:
            take(rest)


def _pieces(session: Session) -> Iterator[tuple[str, bytes]]:
    while (piece := session.receive()) is not None:
        yield piece

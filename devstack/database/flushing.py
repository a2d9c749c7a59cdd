"""Emptying a Redis or Valkey without stopping it: held still while its volume is copied, then flushed exactly once.

The flush leaves a key of our own that says it is done, in the same step, so that finishing a reset that was cut off never takes away
what was written since.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Sequence
from types import TracebackType

from devstack.compose.roles import Redis
from devstack.database import resp
from devstack.database.reach import address_of
from devstack.engine.base import Engine
from devstack.errors import DatabaseError, DevstackError, EngineRefused

LEASE = 10.0
"""Seconds after which a server takes writes again by itself, should we be killed while its volume is copied."""
_RENEWAL = 2.0
_HOLD = 120.0
"""The same once the reset can only go forward: then it is the next command's to finish it, and to let the writers go."""
_ABSENT = "executable file not found"
"""What an engine says of a program that the container does not have."""
_REMEMBER = 30 * 24 * 3600
_FLUSH = (
    "if redis.call('exists', KEYS[1]) == 1 then return 0 end redis.call('flushall') redis.call('set', KEYS[1], '1', 'EX', ARGV[1]) "
    "return 1"
)


def ask(engine: Engine, container: str, role: Redis, *commands: Sequence[str]) -> str:
    """What the server answers to these commands, sent as one message: by redis-cli in the container, without one over its port.

    Raises DatabaseError with the server's words.
    """
    said = _by_client(engine, container, role, commands)
    return _directly(engine, container, role, commands) if said is None else said


def _by_client(engine: Engine, container: str, role: Redis, commands: Sequence[Sequence[str]]) -> str | None:
    """None where the container has no redis-cli."""
    environment = {"REDISCLI_AUTH": role.password} if role.password is not None else {}
    words, stdin = (commands[0], None) if len(commands) == 1 else (["--pipe"], b"".join(map(resp.packed, commands)))
    try:
        result = engine.exec(container, ["redis-cli", "-e", "-p", str(role.port), *words], environment=environment, stdin=stdin)
    except EngineRefused as error:
        if _ABSENT in error.message:
            return None
        raise
    if result.exit_code == 0:
        return result.text.strip()
    said = (result.stderr + result.stdout).decode(errors="replace").strip()
    if _ABSENT in said:
        return None
    raise DatabaseError(f"{role.service} refuses {' '.join(commands[0])}", details=[("server", said)])


def _directly(engine: Engine, container: str, role: Redis, commands: Sequence[Sequence[str]]) -> str:
    session = resp.Redis(*address_of(role, engine.inspect(container), engine.info.endpoint), role.password, role.service)
    try:
        return "\n".join(map(resp.shown, session.together(commands))).strip()
    except resp.ServerSays as error:
        raise DatabaseError(f"{role.service} refuses {' '.join(commands[0])}", details=[("server", str(error))]) from None
    finally:
        session.close()


class Hold:
    """Nothing is written in this context: writers wait, until `flush` sends them away or the body fails.

    The server is asked for a short pause again and again, so that nobody waits long for a command that was killed.
    """

    def __init__(self, engine: Engine, container: str, role: Redis) -> None:
        self._engine = engine
        self._container = container
        self._role = role
        self._until = 0.0
        self._gap = ""
        self._over = threading.Event()
        self._renewing = threading.Thread(target=self._renew, name="hold", daemon=True)

    def __enter__(self) -> Hold:
        self._until = math.inf
        self._pause(LEASE)
        self._renewing.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop()
        if error is not None:
            self._ask("UNPAUSE")

    def fasten(self) -> None:
        """From here on a kill lets nobody write for a while. Raises DatabaseError when there was a gap since the beginning."""
        self._stop()
        if not self._gap:
            self._pause(_HOLD)
        if self._gap:
            raise DatabaseError(
                f"{self._role.service} took writes while its volume was copied",
                details=[("because", self._gap)],
                hints=["devstack reset   (again; nothing was changed)"],
            )

    def _pause(self, seconds: float) -> None:
        begun = time.time()  # the server goes by this clock too
        self._ask("PAUSE", str(int(seconds * 1000)), "WRITE")
        if time.time() >= self._until:
            self._gap = f"the machine was too busy, or asleep: it was not asked again within {LEASE:g} s"
        self._until = begun + seconds

    def _renew(self) -> None:
        while not self._over.wait(_RENEWAL):
            try:
                self._pause(LEASE)
            except DevstackError as error:
                self._gap = error.message
                return

    def _stop(self) -> None:
        self._over.set()
        self._renewing.join()

    def _ask(self, *words: str) -> None:
        ask(self._engine, self._container, self._role, ["CLIENT", *words])


def flush(engine: Engine, container: str, role: Redis, token: str) -> None:
    """Empty the server if that was not done under this token.

    Clients that wait to write are sent away unanswered first; all of it is one message, so that no write comes between that was
    acknowledged and is in no copy.
    """
    commands = [
        ["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"],
        ["CLIENT", "UNPAUSE"],
        ["EVAL", _FLUSH, "1", _key(token), str(_REMEMBER)],
    ]
    ask(engine, container, role, *commands)


def forget(engine: Engine, container: str, role: Redis, token: str) -> None:
    """Take the key away that says it was done: nothing asks for it any more."""
    ask(engine, container, role, ["DEL", _key(token)])


def count(engine: Engine, container: str, role: Redis) -> int:
    """How many keys there are in all databases."""
    lines = ask(engine, container, role, ["INFO", "keyspace"]).splitlines()
    return sum(int(line.split("keys=")[1].split(",")[0]) for line in lines if "keys=" in line)


def _key(token: str) -> str:
    return f"devstack:flushed:{token}"

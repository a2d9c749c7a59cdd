"""Emptying a Redis or Valkey without stopping it: held still while its volume is copied, then flushed exactly once.

The flush leaves a key of our own that says it is done, in the same step, so that finishing a reset that was cut off never takes away
what was written since.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from devstack.compose.roles import Redis
from devstack.database import resp
from devstack.database.reach import address_of
from devstack.engine.base import Engine
from devstack.errors import DatabaseError, EngineRefused

_HOLD = 120_000
"""Milliseconds after which a server that was held takes writes again by itself, should we be killed."""
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


@contextmanager
def held(engine: Engine, container: str, role: Redis) -> Iterator[None]:
    """Nothing is written meanwhile; writers wait, until `flush` sends them away or the body fails."""
    ask(engine, container, role, ["CLIENT", "PAUSE", str(_HOLD), "WRITE"])
    try:
        yield
    except BaseException:
        ask(engine, container, role, ["CLIENT", "UNPAUSE"])
        raise


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

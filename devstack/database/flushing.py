"""Emptying a Redis or Valkey without stopping it: held still while its volume is copied, then flushed exactly once.

The flush leaves a key of our own that says it is done, in the same step, so that finishing a reset that was cut off never takes away
what was written since.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from devstack.compose.roles import Redis
from devstack.engine.base import Engine
from devstack.errors import DatabaseError

_HOLD = 120_000
"""Milliseconds after which a server that was held takes writes again by itself, should we be killed."""
_REMEMBER = 30 * 24 * 3600
_FLUSH = (
    "if redis.call('exists', KEYS[1]) == 1 then return 0 end redis.call('flushall') redis.call('set', KEYS[1], '1', 'EX', ARGV[1]) "
    "return 1"
)


def ask(engine: Engine, container: str, role: Redis, command: Sequence[str], *, stdin: bytes | None = None) -> str:
    """What redis-cli in the container answers. Raises DatabaseError with its words."""
    environment = {"REDISCLI_AUTH": role.password} if role.password is not None else {}
    argv = ["redis-cli", "-e", "-p", str(role.port), *command]
    result = engine.exec(container, argv, environment=environment, stdin=stdin)
    if result.exit_code:
        said = (result.stderr + result.stdout).decode(errors="replace").strip()
        raise DatabaseError(f"{role.service} refuses {' '.join(command)}", details=[("server", said)])
    return result.text.strip()


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
    ask(engine, container, role, ["--pipe"], stdin=b"".join(_packed(command) for command in commands))


def forget(engine: Engine, container: str, role: Redis, token: str) -> None:
    """Take the key away that says it was done: nothing asks for it any more."""
    ask(engine, container, role, ["DEL", _key(token)])


def count(engine: Engine, container: str, role: Redis) -> int:
    """How many keys there are in all databases."""
    lines = ask(engine, container, role, ["INFO", "keyspace"]).splitlines()
    return sum(int(line.split("keys=")[1].split(",")[0]) for line in lines if "keys=" in line)


def _packed(command: Sequence[str]) -> bytes:
    """A command as the protocol has it."""
    words = [word.encode() for word in command]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def _key(token: str) -> str:
    return f"devstack:flushed:{token}"

"""`python -m tests.database.data_kills --rounds N`: kill -9 at random moments of what moves whole databases, and what was lost.

    tests/images/engine20.sh enter python -m tests.database.data_kills --engine /tmp/d20/pid --restart "tests/images/engine20.sh start"

kills the engine itself as well, which must be one that nobody else uses.

A writer inserts numbered rows all the time and remembers those that were acknowledged. After each kill one ordinary command is run
(`devstack up`); then every acknowledged row must be in the live database or in the one that `undo` brings back, the live one must
be whole, and nothing half-made may be left.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from devstack.database.connection import Connection, connect
from devstack.database.marks import WORK
from devstack.database.target import Target
from devstack.engine.base import Engine
from devstack.errors import DatabaseError, DevstackError
from tests.scenarios.checkout import Checkout, finish, kill
from tests.scenarios.conftest import checkouts

FILES = {
    "devstack.yml": """\
name: @PROJECT
services:
  db: {kind: postgres, version: "17", database: shop, user: shop, port: @PORT}
schema: {service: db, files: ["db/*.sql"]}
""",
    "db/001_note.sql": "create table note (id bigint primary key, body text);\ncreate table whole (a int);\ninsert into whole values (1), (2);\n",
}
ACTIONS = {
    "reset": ("reset", "--yes"),
    "undo": ("undo", "--yes"),
    "snapshot": ("db", "snapshot"),
    "restore": ("db", "restore", "fixed", "--yes"),
    "load": ("db", "load", "fixed.dump", "--yes"),
    "switch": ("db", "switch"),
}
"""The last one gets a branch's name each time."""
VICTIMS = ("client", "database", "engine")


@dataclass(slots=True)
class Tally:
    """What came of the kills of one action: rounds, how many had changed the live database, and everything that must be 0."""

    rounds: int = 0
    after: int = 0
    lost: int = 0
    torn: int = 0
    left: int = 0
    manual: int = 0
    words: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not (self.lost or self.torn or self.left or self.manual)


class Writer:
    """Inserts rows as fast as it may and knows which were acknowledged."""

    def __init__(self, target: Target, first: int) -> None:
        self.target = target
        self.next = first
        self.acknowledged: list[int] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join(20)

    def _write(self) -> None:
        while not self._stop.is_set():
            try:
                with connect(self.target, application_name="writer") as connection:
                    while not self._stop.wait(0.003):
                        number = self.next
                        self.next += 1
                        connection.rows("INSERT INTO note VALUES (%s, 'x')", (number,))
                        self.acknowledged.append(number)
            except DatabaseError:
                self._stop.wait(0.02)


@dataclass(frozen=True, slots=True)
class Daemon:
    """An engine that may be killed: the file that holds its process number, and the command that starts it again."""

    number: Path
    restart: str

    def kill(self) -> None:
        """The daemon and the containerd that it started; the programs in the containers go on until it is back."""
        number = int(self.number.read_text())
        children = Path(f"/proc/{number}/task/{number}/children").read_text().split()
        for victim in (number, *map(int, children)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)

    def start(self) -> None:
        """A new one has to be told apart from the one that was killed."""
        self.number.unlink(missing_ok=True)
        for attempt in range(3):
            done = subprocess.run(shlex.split(self.restart), check=attempt == 2, capture_output=True, timeout=120)
            if done.returncode == 0:
                return


class Ground:
    """One stack with a fixed snapshot and a fixed dump."""

    def __init__(self, stack: Checkout, daemon: Daemon | None = None) -> None:
        self.stack = stack
        self.daemon = daemon
        stack.devstack("up")
        stack.devstack("db", "snapshot", "fixed")
        stack.devstack("db", "dump", "fixed.dump")
        stack.devstack("reset", "--yes")
        self.target = Target("127.0.0.1", stack.port, "shop", stack.env()["DB_PASSWORD"].strip("'\""), "shop", "db")
        self.number = 1
        self.times: dict[str, float] = {}

    def whole(self, action: str) -> float:
        """Seconds that a whole one takes, measured once."""
        if action not in self.times:
            self.times[action] = self.stack.devstack(*self.arguments(action, 1)).seconds
            self.tidy()
        return self.times[action]

    def round(self, action: str, victim: str, moment: float, tally: Tally) -> None:
        """One kill and the look afterwards."""
        tally.rounds += 1
        before = self.oid()
        with Writer(self.target, self.number) as writer:
            time.sleep(0.1)
            process = self.stack.begin(*self.arguments(action, tally.rounds))
            time.sleep(moment)  # the moment of the kill, not a wait for something
            if victim == "client":
                kill(process)
            elif victim == "engine":
                assert self.daemon is not None
                self.daemon.kill()
                finish(process)
                self.daemon.start()
            else:
                self.kill_database()
                finish(process)
        self.number = writer.next
        ran = self.stack.devstack("up", code=None)
        if ran.code:
            tally.manual += 1
            tally.words.append(str(ran))
            return
        self.look(writer.acknowledged, before, tally)

    def arguments(self, action: str, number: int) -> tuple[str, ...]:
        words = ACTIONS[action]
        return (
            (*words, "ab"[number % 2]) if action == "switch" else (*words, f"s{time.time_ns()}") if action == "snapshot" else words
        )

    def kill_database(self) -> None:
        """It may be away at this moment: a command that brings back a volume makes it anew."""
        for container in self.stack.containers().values():
            with contextlib.suppress(DevstackError):
                self.stack.engine.kill(container.id)

    def look(self, acknowledged: list[int], before: int, tally: Tally) -> None:
        tally.after += self.oid() != before
        missing = set(acknowledged) - self.kept(tally)
        if missing:
            # The server was down when the command looked at it: what was there is in the copy of its volume.
            self.stack.devstack("undo", "--yes")
            missing -= self.kept(tally)
            # What the next undo takes back is then a change of databases, not that of the volume: without it the fixed snapshot is gone.
            self.stack.devstack("reset", "--yes")
        tally.lost += len(missing)
        # The next command about data takes away what was only being made.
        ran = self.stack.devstack("db", "snapshots", code=None)
        tally.manual += ran.code != 0
        with self.session("postgres") as connection:
            tally.left += len(connection.rows("SELECT 1 FROM pg_database WHERE starts_with(datname, %s)", (WORK,)))
            gone = not connection.rows("SELECT 1 FROM pg_database WHERE datname = 'shop__snap_fixed'")
        if missing or ran.code:
            tally.words.append(f"{len(missing)} rows are gone; {ran}")
        if gone:
            tally.manual += 1
            tally.words.append("the snapshot is gone")
        self.tidy()

    def kept(self, tally: Tally) -> set[int]:
        """The rows of the live database and of those that are kept beside it, each of which must be whole."""
        with self.session("postgres") as connection:
            found = [
                name for (name,) in connection.rows("SELECT datname FROM pg_database WHERE datallowconn AND datconnlimit <> -2")
            ]
        there: set[int] = set()
        for name in found:
            if name == "shop" or name.startswith(("shop__undo_", "shop__branch_")):
                with self.session(name) as connection:
                    there |= {number for (number,) in connection.rows("SELECT id FROM note")}
                    tally.torn += connection.rows("SELECT count(*) FROM whole")[0][0] != 2
        return there

    def tidy(self) -> None:
        """Snapshots and branches of this round go, and there is something to undo for the next one."""
        with self.session("postgres") as connection:
            names = connection.rows(
                "SELECT datname FROM pg_database WHERE datname ~ '__snap_s[0-9]' OR (datname ~ '__branch_' AND random() < 0.2)"
            )
            for (name,) in names:
                connection.rows(f"DROP DATABASE {connection.identifier(name)} WITH (FORCE)")
        if not self.aside():
            self.stack.devstack("reset", "--yes")

    def aside(self) -> bool:
        with self.session("postgres") as connection:
            return bool(connection.rows("SELECT 1 FROM pg_database WHERE datname ~ '__undo_'"))

    def oid(self) -> int:
        with self.session("postgres") as connection:
            return int(connection.rows("SELECT oid FROM pg_database WHERE datname = 'shop'")[0][0])

    def session(self, database: str) -> Connection:
        return connect(replace(self.target, database=database), application_name="look", deadline=time.monotonic() + 60)


def kills(
    engine: Engine,
    root: Path,
    rounds: int,
    *,
    actions: tuple[str, ...],
    victims: tuple[str, ...],
    seed: int,
    daemon: Daemon | None = None,
) -> dict[str, Tally]:
    """`rounds` kills, spread evenly over actions and victims. Tallies by "action/victim"."""
    moments = random.Random(seed)
    tallies: dict[str, Tally] = {f"{action}/{victim}": Tally() for action in actions for victim in victims}
    with checkouts(engine, root) as make:
        ground = Ground(make(FILES), daemon)
        for number in range(rounds):
            name = list(tallies)[number % len(tallies)]
            action, victim = name.split("/")
            ground.round(action, victim, moments.uniform(0.15, ground.whole(action) * 1.1), tallies[name])
    return tallies


def table(tallies: dict[str, Tally]) -> str:
    head = f"{'killed':<10} {'amid':<10} {'rounds':>6} {'changed':>8} {'lost':>5} {'torn':>5} {'left':>5} {'manual':>6}"
    lines = [head]
    for name, tally in tallies.items():
        action, victim = name.split("/")
        lines.append(
            f"{victim:<10} {action:<10} {tally.rounds:>6} {tally.after:>8} {tally.lost:>5} {tally.torn:>5} {tally.left:>5} {tally.manual:>6}"
        )
    return "\n".join([*lines, *(word for tally in tallies.values() for word in tally.words[:2])])


@contextlib.contextmanager
def _engine() -> Iterator[Engine]:
    from devstack.engine.docker import connect as attach
    from devstack.engine.endpoint import resolve

    engine = attach(resolve(None, os.environ))
    try:
        yield engine
    finally:
        engine.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.database.data_kills", description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", action="append", choices=list(ACTIONS))
    parser.add_argument("--victim", action="append", choices=VICTIMS)
    parser.add_argument("--engine", type=Path, metavar="PIDFILE", help="the engine that is killed too")
    parser.add_argument("--restart", default="", metavar="COMMAND", help="what starts it again")
    asked = parser.parse_args()
    daemon = Daemon(asked.engine, asked.restart) if asked.engine else None
    victims = tuple(asked.victim or VICTIMS)
    with _engine() as engine, tempfile.TemporaryDirectory(prefix="data-kills-") as folder:
        tallies = kills(
            engine,
            Path(folder),
            asked.rounds,
            actions=tuple(asked.only or ACTIONS),
            victims=victims if daemon else tuple(victim for victim in victims if victim != "engine"),
            seed=asked.seed,
            daemon=daemon,
        )
    print(table(tallies))
    return 0 if all(tally.clean for tally in tallies.values()) else 1


if __name__ == "__main__":
    sys.exit(main())

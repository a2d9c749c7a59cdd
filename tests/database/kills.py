"""Kill -9 at random moments of an apply: what is called applied is there whole, and the next apply needs no help.

    python -m tests.database.kills --rounds 100        prints a table; ends with 1 when anything was lost or half-applied

Two thirds of the rounds kill the client, one third the server (all its processes at once, as a power cut would).
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from devstack.database.connection import connect
from devstack.database.creation import create_database
from devstack.database.schema import CLEAN, SchemaFiles, apply, status
from devstack.database.target import Target
from devstack.errors import DevstackError
from tests.database.server import Server, server

FILES = 24
STEPWISE = 5
"""Every so manieth file runs outside a transaction, statement by statement."""

_APPLY = textwrap.dedent("""
    import sys, pathlib
    from devstack.database.schema import SchemaFiles, apply
    from devstack.database.target import Target
    host, port, user, password, database, folder = sys.argv[1:]
    root = pathlib.Path(folder)
    target = Target(host, int(port), user, password, database, "db")
    sys.stdout.write("begun"); sys.stdout.flush()
    apply(target, SchemaFiles(service="db", database=database, files=tuple(sorted(root.glob("*.sql"))), root=root))
""")


@dataclass(frozen=True, slots=True)
class Round:
    """One kill: what was killed, when (seconds after the apply began), and what came of it."""

    number: int
    victim: str
    moment: float
    applied: int
    resumed: int
    half: tuple[str, ...]
    manual: str

    @property
    def good(self) -> bool:
        return not self.half and not self.manual


def write(folder: Path) -> tuple[Path, ...]:
    """Files of which each makes a table with two rows, the second one last: a file that is whole has both."""
    files = []
    for number in range(FILES):
        name = f"t{number:03}"
        pause = "select pg_sleep(0.01);\n"
        body = f"create table {name} (id int);\ninsert into {name} values (1);\n{pause}insert into {name} values (2);\n"
        if number % STEPWISE == 4:
            body = f"-- devstack: transaction=none\n{body}create index concurrently {name}_id on {name} (id);\n"
        path = folder / f"{name}.sql"
        path.write_text(body)
        files.append(path)
    return tuple(files)


def start(target: Target, folder: Path) -> subprocess.Popen[bytes]:
    """An apply in a process of its own, which has begun when this returns."""
    arguments = [target.host, str(target.port), target.user, target.password or "", target.database, str(folder)]
    process = subprocess.Popen([sys.executable, "-c", _APPLY, *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    process.stdout.read(5)
    return process


def halves(target: Target, files: SchemaFiles) -> tuple[int, tuple[str, ...]]:
    """How many files are called applied, and what does not fit: an applied one that is not whole, a pending one that left something."""
    found = []
    states = status(target, files)
    with connect(target, application_name="kills", deadline=time.monotonic() + 30) as connection:
        for state in states:
            name = state.path.removesuffix(".sql")
            there = connection.rows("SELECT to_regclass(%s) IS NOT NULL", (name,))[0][0]
            rows = [r[0] for r in connection.rows(f"SELECT id FROM {name} ORDER BY 1")] if there else []
            if state.state in CLEAN and rows != [1, 2]:
                found.append(f"{state.path} is called applied and has {rows}")
            if state.state == "pending" and there:
                found.append(f"{state.path} is pending and has left {rows}")
    return sum(state.state in CLEAN for state in states), tuple(found)


def one(running: Server, number: int, chance: random.Random) -> Round:
    """Begin an apply, kill at a random moment, look, apply again, look again."""
    target = replace(running.target, database=f"kill_{number}")
    create_database(target, application_name="kills")
    victim = "server" if number % 3 == 2 else "client"
    moment = chance.uniform(0.0, 0.9)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = SchemaFiles(service="db", database=target.database, files=write(folder), root=folder)
        process = start(target, folder)
        time.sleep(moment)  # the moment of the kill, not a wait for something
        if victim == "client":
            process.kill()
        else:
            running.kill()
        process.communicate(timeout=60)
        if victim == "server":
            running.start()
        applied, half = halves(target, files)
        manual, resumed = "", 0
        try:
            resumed = len(apply(target, files, deadline=time.monotonic() + 60).applied)
        except DevstackError as error:
            manual = error.message
        total, after = halves(target, files)
        if not manual and total != FILES:
            manual = f"{total} of {FILES} applied in the end"
    with connect(running.target, application_name="kills") as connection:
        connection.rows(f"DROP DATABASE {connection.identifier(target.database)} WITH (FORCE)")
    return Round(number, victim, moment, applied, resumed, (*half, *after), manual)


def rounds(running: Server, count: int, seed: int) -> list[Round]:
    chance = random.Random(seed)
    return [one(running, number, chance) for number in range(count)]


def table(found: Sequence[Round]) -> str:
    """What came of all rounds, a line for each victim, then what was wrong."""
    lines = ["victim   rounds  killed before/within/after  half-applied  manual steps"]
    for victim in ("client", "server"):
        mine = [r for r in found if r.victim == victim]
        before = sum(r.applied == 0 for r in mine)
        after = sum(r.applied == FILES for r in mine)
        within = len(mine) - before - after
        where = f"{before}/{within}/{after}"
        lines.append(
            f"{victim:<8} {len(mine):>6}  {where:>26}  {sum(bool(r.half) for r in mine):>12}  {sum(bool(r.manual) for r in mine):>12}"
        )
    lines += [f"round {r.number} ({r.victim} at {r.moment:.2f} s): {'; '.join(r.half)} {r.manual}" for r in found if not r.good]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description="Kill an apply at random moments.")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    with server() as running:
        found = rounds(running, chosen.rounds, chosen.seed)
    print(table(found))
    return 0 if all(r.good for r in found) else 1


if __name__ == "__main__":
    sys.exit(main())

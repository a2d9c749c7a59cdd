"""Kill -9 at random moments on the native engine: of devstack, its supervisor, and any process of the stack.

    python -m tests.scenarios.native_kills --rounds 50

After each kill the next `up` has to be healthy, no row that was acknowledged may be missing, and no process may be left that belongs
to no container. Prints a table; exit 1 when a round failed.
"""

from __future__ import annotations

import argparse
import os
import random
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from devstack.engine.native import processes
from devstack.engine.native.records import MARK, Box
from tests.engine.native_home import home
from tests.scenarios.test_native import SPEC, Stack, free_ports

VICTIMS = ("devstack up", "devstack down", "supervisor", "db", "web")


def strike(stack: Stack, victim: str, chance: random.Random) -> None:
    """Kill one thing with SIGKILL."""
    engine = stack.engine
    if victim.startswith("devstack"):
        if victim == "devstack up":
            stack.ok("down")
        child = subprocess.Popen(
            [sys.executable, "-m", "devstack", victim.split()[1]], cwd=stack.folder, env=stack.environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(0.1 + chance.random() * 2.0)
        child.kill()
        child.wait()
    elif victim == "supervisor":
        address = str(engine.where.socket(engine.containers()[0].project))
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and address in processes.command_line(int(entry.name)):
                os.kill(int(entry.name), signal.SIGKILL)
    else:
        container = next(c for c in engine.containers() if c.service == victim)
        pid = Box(engine.where.boxes / container.id).life().pid
        chosen = chance.choice(list(processes.members(pid)) or [pid])
        os.kill(chosen, signal.SIGKILL)


def orphans(stack: Stack) -> list[str]:
    """Processes that carry our mark, and belong to no container that runs."""
    engine = stack.engine
    running = {container.id for container in engine.containers() if container.running}
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        mine = f"DEVSTACK_NATIVE_HOME={stack.environment['DEVSTACK_NATIVE_HOME']}".encode()
        marks = [word.decode().partition("=")[2] for word in words if word.startswith(MARK.encode() + b"=")]
        if marks and (mine in words or (engine.where.boxes / marks[0]).exists()) and marks[0] not in running:
            found.append(processes.command_line(int(entry.name)))
    return found


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    chance = random.Random(wanted.seed)
    with home() as environment, tempfile.TemporaryDirectory() as folder:
        stack = make(Path(folder), environment)
        try:
            return run(stack, wanted.rounds, chance)
        finally:
            stack.run("down")


def make(folder: Path, environment: dict[str, str]) -> Stack:
    (folder / "site").mkdir()
    (folder / "db").mkdir()
    (folder / "site" / "index.html").write_text("<h1>hello</h1>")
    (folder / "db" / "001.sql").write_text("create table items (id int primary key, title text);")
    db, web = free_ports(2)
    (folder / "devstack.yml").write_text(SPEC.format(name=f"t-kills-{secrets.token_hex(3)}", db=db, web=web))
    return Stack(folder, {**environment, "CI": "1"}, web)


def run(stack: Stack, rounds: int, chance: random.Random) -> int:
    done, lost, left, unhealthy = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    stack.ok("up")
    for number in range(rounds):
        victim = VICTIMS[number % len(VICTIMS)]
        stack.ok("db-shell", "-c", f"insert into items values ({number}, 'round')")
        strike(stack, victim, chance)
        healed = stack.run("up")
        done[victim] += 1
        unhealthy[victim] += healed.returncode != 0
        lost[victim] += int(stack.rows() != str(number + 1))
        left[victim] += bool(orphans(stack))
        if healed.returncode != 0:
            print(healed.stdout, healed.stderr, sep="\n", file=sys.stderr)
            stack.run("up")
    print(f"{'victim':<14}{'rounds':>8}{'rows lost':>11}{'orphans':>9}{'not healed':>12}")
    for victim in VICTIMS:
        print(f"{victim:<14}{done[victim]:>8}{lost[victim]:>11}{left[victim]:>9}{unhealthy[victim]:>12}")
    return int(bool(lost.total() or left.total() or unhealthy.total()))


if __name__ == "__main__":
    sys.exit(main())

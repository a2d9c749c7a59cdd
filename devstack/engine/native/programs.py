"""One supervised container: its process, what it writes, its probe, and whether it is started again. Standard library only."""

from __future__ import annotations

import ctypes
import fcntl
import os
import pty
import shutil
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from devstack.engine.native import processes
from devstack.engine.native.logfile import LogFile
from devstack.engine.native.probing import Prober
from devstack.engine.native.records import MARK, Box, Life, Probe, Record

STEADY = 10.0
"""Seconds a process must live for its next restart to begin at the shortest pause again."""
SHORTEST, LONGEST = 0.1, 60.0
_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG: a process whose supervisor is killed is told to stop by the kernel."""

Tell = Callable[["Program", str, dict[str, object]], None]


class Program:
    """A container that the supervisor looks after. `tell` hears of everything that happens to it."""

    def __init__(self, box: Box, record: Record, tell: Tell, output: Callable[[Program, int, bytes], None]) -> None:
        self.box = box
        self.record = record
        self.life = box.life()
        self.child: subprocess.Popen[bytes] | None = None
        self.streams: dict[int, int] = {}
        self.terminal = -1
        self._prober = Prober(box.folder, self._judge)
        self.failures = 0
        self.counted = 0.0
        self.wanted = False
        self.restart_at = 0.0
        self.kill_at = 0.0
        self._tell = tell
        self._output = output
        self._log = LogFile(box.log)

    @property
    def busy(self) -> bool:
        return self.child is not None or self.restart_at > 0

    # Starting and stopping

    def start(self) -> str:
        """Start the process; "" or what stands against it."""
        fault = self._missing()
        if fault:
            self._keep(exit_code=127, error=fault, state=self.life.state if self.life.state != "created" else "created")
            return fault
        self.wanted, self.restart_at, self.kill_at = True, 0.0, 0.0
        try:
            self._spawn()
        except (OSError, subprocess.SubprocessError, LookupError) as error:
            self._keep(exit_code=126, error=str(error))
            self.wanted = False
            return str(error)
        return ""

    def _missing(self) -> str:
        word = self.record.command[0] if self.record.command else ""
        found = shutil.which(word, path=self.record.environment.get("PATH", os.defpath)) if word else None
        if found is None and not ("/" in word and os.access(Path(self.record.folder) / word, os.X_OK)):
            return f'exec: "{word}": executable file not found in $PATH'
        return "" if Path(self.record.folder).is_dir() else f"the working folder {self.record.folder} is not there"

    def _spawn(self) -> None:
        record = self.record
        inner, outer = (pty.openpty()[::-1]) if record.tty else (-1, -1)
        # Recorded before it starts: a supervisor that dies now leaves a mark in the process's own environment.
        self._keep(state="running", pid=0, born=0, error="", exit_code=0, started_at=time.time(), health=self._first_health())
        pipe = subprocess.PIPE
        self.child = subprocess.Popen(
            record.command,
            env={**record.environment, MARK: record.id},
            cwd=record.folder,
            stdin=inner if record.tty else pipe if record.stdin else subprocess.DEVNULL,
            stdout=inner if record.tty else pipe,
            stderr=inner if record.tty else pipe,
            start_new_session=True,
            user=record.user or None,
            group=group_of(record.user),
            extra_groups=() if record.user else None,
            preexec_fn=lambda: _child(record),
        )
        if record.tty:
            os.close(inner)
            self.terminal = outer
            self.streams = {outer: 1}
        else:
            assert self.child.stdout is not None and self.child.stderr is not None
            self.streams = {self.child.stdout.fileno(): 1, self.child.stderr.fileno(): 2}
        for stream in self.streams:
            os.set_blocking(stream, False)
        born = processes.process(self.child.pid)
        self._keep(pid=self.child.pid, born=born.born if born else 0)
        self.failures, self.counted = 0, 0.0
        self._prober.next = time.monotonic() + 0.02 if record.check else 0.0
        self._tell(self, "start", {})

    def _first_health(self) -> str:
        return "starting" if self.record.check else "none"

    def stop(self, patience: float) -> None:
        """Ask the process to end; after `patience` seconds it is killed."""
        self.wanted, self.restart_at = False, 0.0
        if self.child is None:
            if self.life.state == "restarting":
                self._keep(state="exited")
            return
        if self.life.state == "paused":
            self.unpause()
        self.signal(number_of(self.record.stop_signal))
        self.kill_at = time.monotonic() + patience
        if patience <= 0:
            self.kill_all()

    @property
    def is_stopping(self) -> bool:
        """Whether the process was asked to end, and has not."""
        return self.child is not None and not self.wanted

    def kill_all(self) -> None:
        self.kill_at = 0.0
        if self.child is not None:
            self.signal(signal.SIGKILL)

    def signal(self, number: int) -> None:
        if self.child is not None:
            processes.send([self.child.pid], number)

    def pause(self) -> None:
        if self.child is not None:
            processes.send(processes.members(self.child.pid, self._mark), signal.SIGSTOP)
            self._keep(state="paused")
            self._tell(self, "pause", {})

    def unpause(self) -> None:
        if self.child is not None:
            processes.send(processes.members(self.child.pid, self._mark), signal.SIGCONT)
            self._keep(state="running")
            self._tell(self, "unpause", {})

    @property
    def _mark(self) -> bytes:
        return f"{MARK}={self.record.id}".encode()

    # Looking after it

    def look(self, now: float) -> None:
        """Do what time or an ended child asks for."""
        if self.child is not None and self.child.poll() is not None:
            self._ended(now)
        if self.kill_at and now >= self.kill_at:
            self.kill_all()
        if self.restart_at and now >= self.restart_at:
            self.restart_at = 0.0
            self._keep(restarts=self.life.restarts + 1)
            self.start()
        if self.record.check is not None:
            self._prober.take(self.record, now)
            if self.child is not None and self.life.state == "running":
                self._prober.begin(self.record, group_of(self.record.user), now)

    def next_moment(self) -> float:
        """The monotonic time at which `look` has something to do; 0.0 for none."""
        moments = [self.kill_at, self.restart_at]
        if self._prober.deadline:
            moments.append(self._prober.deadline)
        elif self.child is not None and self.life.state == "running":
            moments.append(self._prober.next)
        return min((moment for moment in moments if moment), default=0.0)

    def _ended(self, now: float) -> None:
        assert self.child is not None
        code = self.child.returncode
        pid, asked = self.child.pid, not self.wanted
        self.read(list(self.streams))
        processes.end(pid, self._mark, patience=2.0)
        self.read(list(self.streams))
        self._close()
        self.child, self.kill_at = None, 0.0
        self._prober.end()
        exit_code = 128 - code if code < 0 else code
        lived = time.time() - self.life.started_at
        again = not asked and self._again(exit_code)
        state = "restarting" if again else "exited"
        self._keep(state=state, exit_code=exit_code, finished_at=time.time(), pid=0, born=0, health="none", asked=asked)
        if again:
            pause = SHORTEST if lived >= STEADY else min(LONGEST, SHORTEST * 2 ** min(self.life.restarts, 12))
            self.restart_at = now + pause
        self._tell(self, "die", {"exit_code": exit_code})
        if asked:
            self._tell(self, "stop", {})

    def _again(self, code: int) -> bool:
        policy, _, most = self.record.restart.partition(":")
        if policy in ("always", "unless-stopped"):
            return True
        return policy == "on-failure" and code != 0 and (not most or self.life.restarts < int(most))

    def _close(self) -> None:
        for stream, number in list(self.streams.items()):
            self._log.end(stream, number)
        if self.terminal >= 0:
            os.close(self.terminal)
            self.terminal = -1
        if self.child is not None:
            for pipe in (self.child.stdin, self.child.stdout, self.child.stderr):
                if pipe is not None:
                    with suppress(OSError):
                        pipe.close()
        self.streams = {}
        self._log.close()

    # What it writes

    def read(self, streams: list[int]) -> bool:
        """Take in what stands in these file numbers; True when nothing will come from one of them any more."""
        ended = False
        for stream in streams:
            number = self.streams.get(stream)
            while number is not None:
                try:
                    data = os.read(stream, 65536)
                except BlockingIOError:
                    break
                except OSError:
                    data = b""  # a terminal whose program has gone
                if not data:
                    ended = True
                    break
                self._output(self, number, data)
                if self._log.write(stream, number, data):
                    self._tell(self, "log", {})
        return ended

    # Its health

    def _judge(self, now: float, code: int, text: str) -> None:
        """What the probe that has just ended means."""
        check = self.record.check
        if check is None or self.child is None:
            return
        probes = (*self.life.probes, Probe(exit_code=code, output=text, ended_at=time.time()))
        health, before = self.life.health, self.life.health
        age = time.time() - self.life.started_at
        if code == 0:
            health, self.failures = "healthy", 0
        elif age >= check.start_period and now - self.counted >= check.interval * 0.9:
            self.failures, self.counted = self.failures + 1, now
            health = "unhealthy" if self.failures >= check.retries else health
        starting = health == "starting"
        self._prober.next = now + (check.start_interval if starting else check.interval)
        self._keep(health=health, probes=probes)
        if health != before:
            self._tell(self, "health_status", {"health": health})

    def _keep(self, **changes: object) -> None:
        self.life = replace(self.life, **changes)  # type: ignore[arg-type]
        self.box.write_life(self.life)


def group_of(user: str) -> int | None:
    if not user:
        return None
    import pwd

    return pwd.getpwnam(user).pw_gid


def number_of(name: str) -> int:
    """The number of a signal: "INT", "SIGINT" or "2"."""
    if name.isdigit():
        return int(name)
    return int(signal.Signals["SIG" + name.upper().removeprefix("SIG")])


def _child(record: Record) -> None:
    """In the new process, before its program: it goes when its supervisor goes, and owns its terminal."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DEATH_SIGNAL, number_of(record.stop_signal))
    if record.tty:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)


__all__ = ["Life", "Program", "group_of", "number_of"]

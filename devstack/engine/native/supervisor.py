"""The supervisor: one small process a project, which the containers are children of.

It is started by the first command that needs it, serves commands over a Unix socket, and ends when nothing runs and nobody listens.
A request is one line of JSON, so is its answer. `subscribe` turns the connection into a stream of events, one a line; `attach` into
frames. Standard library only: it has to stay small.
"""

from __future__ import annotations

import fcntl
import json
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from devstack.engine.native import frames
from devstack.engine.native.clients import Client
from devstack.engine.native.programs import Program, number_of
from devstack.engine.native.records import Box
from devstack.engine.native.sweeping import settle

IDLE = 2.0
"""Seconds without anything to do after which it ends."""
BACKLOG = 16_000_000
"""Bytes a client may be behind; one that is farther behind is left."""


class Supervisor:
    """All containers of one project. `boxes` is the folder that holds every container's folder."""

    def __init__(self, boxes: Path, project: str, listener: socket.socket) -> None:
        self.boxes = boxes
        self.project = project
        self.programs: dict[str, Program] = {}
        self.clients: dict[int, Client] = {}
        self.selector = selectors.DefaultSelector()
        self.listener = listener
        self.watched: dict[int, Program] = {}
        self.idle_since = time.monotonic()
        self.ending = False
        self._settle_all()
        listener.setblocking(False)
        self.selector.register(listener, selectors.EVENT_READ, self._accept)
        wake, woken = socket.socketpair()
        for end in (wake, woken):
            end.setblocking(False)
        signal.set_wakeup_fd(woken.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self._terminate)
        self.selector.register(wake, selectors.EVENT_READ, lambda _: wake.recv(4096))
        self._wake = (wake, woken)

    def _settle_all(self) -> None:
        """Whatever a supervisor before this one left behind comes to its end."""
        for folder in self.boxes.iterdir():
            record = Box(folder).record()
            if record is not None and record.project == self.project:
                settle(Box(folder), record)

    def _terminate(self, *_: object) -> None:
        self.ending = True

    def run(self) -> None:
        """Serve until there is nothing left to do."""
        while not self._is_over():
            for key, _ in self.selector.select(self._pause()):
                serve: Callable[[int], object] = key.data
                serve(key.fd)
            now = time.monotonic()
            for program in list(self.programs.values()):
                program.look(now)
                self._watch(program)
            for number in list(self.clients):
                self._flush(number)
        if self.ending:
            self._stop_all()

    def _is_over(self) -> bool:
        if self.ending:
            return True
        if self.clients or any(program.busy for program in self.programs.values()):
            self.idle_since = time.monotonic()
        return time.monotonic() - self.idle_since >= IDLE

    def _pause(self) -> float:
        now = time.monotonic()
        moments = [moment for program in self.programs.values() if (moment := program.next_moment())]
        idle = [] if self.clients else [self.idle_since + IDLE]
        return max(0.0, min([*moments, *idle, now + 30.0]) - now) + 0.001

    def _stop_all(self) -> None:
        """The machine goes down, or somebody ended this process: so do the containers, in an orderly way."""
        deadline = time.monotonic() + 10.0
        for program in self.programs.values():
            program.stop(8.0)
        while any(program.child for program in self.programs.values()) and time.monotonic() < deadline:
            for program in self.programs.values():
                program.look(time.monotonic())
            time.sleep(0.02)

    # Programs

    def _program(self, identity: str) -> Program | None:
        found = self.programs.get(identity)
        record = Box(self.boxes / identity).record()
        if record is None:
            return None
        if found is None:
            found = self.programs[identity] = Program(Box(self.boxes / identity), record, self._tell, self._output)
        if found.child is None:
            found.record = record
        return found

    def _watch(self, program: Program) -> None:
        """Listen to the streams that the program has now, and to no other."""
        mine = {stream for stream, owner in self.watched.items() if owner is program}
        for stream in mine - set(program.streams):
            self._unwatch(stream)
        for stream in set(program.streams) - set(self.watched):
            self.watched[stream] = program
            self.selector.register(stream, selectors.EVENT_READ, self._readable)

    def _unwatch(self, stream: int) -> None:
        with suppress(KeyError, ValueError, OSError):
            self.selector.unregister(stream)
        self.watched.pop(stream, None)

    def _readable(self, stream: int) -> None:
        if self.watched[stream].read([stream]):
            # It stays the program's own until the process has ended; only nobody listens to it any more.
            with suppress(KeyError, ValueError):
                self.selector.unregister(stream)

    def _tell(self, program: Program, action: str, more: dict[str, object]) -> None:
        record = program.record
        if action == "log":
            for client in self.clients.values():
                if client.logs == record.id:
                    client.say({"action": "log", "container": record.id})
            return
        self.broadcast({**facts(record), "action": action, **more})
        if action == "die":
            for client in self.clients.values():
                if client.waits_for == record.id:
                    client.waits_for = ""
                    client.say({"ok": True})
                if client.attached == record.id:
                    code = str(more["exit_code"]).encode()
                    client.frame(frames.ENDED, code)

    def broadcast(self, event: dict[str, Any]) -> None:
        event.setdefault("time", time.time())
        for client in self.clients.values():
            if client.listens or client.logs == event.get("container"):
                client.say(event)

    def _output(self, program: Program, number: int, data: bytes) -> None:
        for client in self.clients.values():
            if client.attached == program.record.id:
                client.frame(number, data)

    # Clients

    def _accept(self, _: int) -> None:
        with suppress(BlockingIOError):
            connection, _address = self.listener.accept()
            connection.setblocking(False)
            self.clients[connection.fileno()] = Client(connection)
            self.selector.register(connection, selectors.EVENT_READ, self._serve)

    def _leave(self, number: int) -> None:
        client = self.clients.pop(number)
        self.selector.unregister(client.connection)
        client.connection.close()
        self.idle_since = time.monotonic()

    def _serve(self, number: int) -> None:
        client = self.clients[number]
        try:
            data = client.connection.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._leave(number)
            return
        client.received += data
        if client.attached:
            client.feed(self.programs[client.attached])
            return
        while b"\n" in client.received and not client.attached:
            line, _, client.received = client.received.partition(b"\n")
            self._answer(client, json.loads(line))

    def _flush(self, number: int) -> None:
        client = self.clients[number]
        try:
            if client.to_send:
                sent = client.connection.send(client.to_send)
                client.to_send = client.to_send[sent:]
        except BlockingIOError:
            pass
        except OSError:
            self._leave(number)
            return
        if len(client.to_send) > BACKLOG:
            self._leave(number)
            return
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.to_send else 0)
        self.selector.modify(client.connection, events, self._serve)

    def _answer(self, client: Client, request: dict[str, Any]) -> None:
        match request["op"]:
            case "subscribe":
                client.listens = True
                client.say({"ok": True})
            case "stopping":
                names = {program.record.id: program.record.name for program in self.programs.values() if program.is_stopping}
                client.say({"ok": True, "names": names})
            case "follow":
                client.logs = request["id"]
                client.say({"ok": True})
            case "tell":
                self.broadcast(request["event"])
                client.say({"ok": True})
            case "forget":
                gone = self.programs.pop(request["id"], None)
                if gone is not None:
                    gone.stop(0.0)
                client.say({"ok": True})
            case operation:
                program = self._program(request["id"])
                if program is None:
                    client.say({"ok": False, "missing": True, "message": f"No such container: {request['id']}"})
                else:
                    self._act(client, program, operation, request)

    def _act(self, client: Client, program: Program, operation: str, request: dict[str, Any]) -> None:
        fault = ""
        match operation:
            case "start" if program.child is None:
                fault = program.start()
                self._watch(program)
            case "stop" if program.child is not None:
                client.waits_for = program.record.id
                program.stop(float(request["timeout"]))
                return
            case "stop":
                program.stop(0.0)
            case "await" if program.child is not None:
                client.waits_for = program.record.id
                return
            case "await":
                pass
            case "kill":
                number = number_of(request["signal"])
                if number == signal.SIGKILL and program.child is not None:
                    # As an engine does it: whoever kills it does not want it back, and hears when it is gone.
                    program.wanted = False
                    client.waits_for = program.record.id
                    program.signal(number)
                    return
                program.signal(number)
            case "pause":
                program.pause()
            case "unpause":
                program.unpause()
            case "attach":
                client.attached = program.record.id
        client.say({"ok": not fault, "message": fault})


def facts(record: Any) -> dict[str, Any]:
    """What every event says of its container."""
    return {"container": record.id, "service": record.service, "name": record.name, "image": record.image}


def main(boxes: str, project: str, address: str, ready: int) -> None:
    """Be the supervisor of a project; a byte on `ready` says that it listens. One that is there already is waited for."""
    place = Path(address)
    guard = place.with_suffix(".lock").open("w", encoding="utf-8")  # held for as long as this process lives
    fcntl.flock(guard, fcntl.LOCK_EX)
    place.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    old = os.umask(0o177)
    listener.bind(address)
    os.umask(old)
    listener.listen(64)
    supervisor = Supervisor(Path(boxes), project, listener)
    os.write(ready, b"!")
    os.close(ready)
    try:
        supervisor.run()
    finally:
        place.unlink(missing_ok=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))

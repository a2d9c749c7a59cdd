"""A container's own input and output, for one-offs that a person talks to."""

from __future__ import annotations

from devstack.engine import copying, dial
from devstack.engine.streams import DockerSession
from devstack.engine.translate import refusal, translated
from devstack.engine.wire import Wire
from devstack.errors import EngineRefused


class Attached(DockerSession):
    """A session with the program of a container. Attached before the start, nothing it says is missed."""

    def __init__(self, wire: Wire, container: str, *, tty: bool, stdin: bool) -> None:
        self.tty = tty
        self._wire, self._id, self._doing = wire, container, f"talking to container {container}"
        query = f"stream=1&stdout=1&stderr=1&stdin={int(stdin)}"
        path = f"/v{wire.client.api_version}/containers/{container}/attach?{query}"
        with translated(self._doing):
            try:
                self._duplex = dial.upgrade(wire.line, path, {}, timeout=wire.timeout, alive=wire.ping)
            except dial.Refused as error:
                raise refusal(error.status, error.words, self._doing) from error

    def resize(self, rows: int, columns: int) -> None:
        """The terminal's size. A container that has not started yet, or has ended, has none."""
        try:
            self._wire.call(self._doing, lambda c: c.resize(self._id, height=rows, width=columns))
        except EngineRefused:
            return

    def exit_code(self) -> int:
        return copying.ended(self._wire, self._id, "end")

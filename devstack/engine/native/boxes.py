"""The containers that there are: found by project or by name, each with the state that is true now."""

from __future__ import annotations

from collections.abc import Iterator

from devstack.engine.native.line import Line
from devstack.engine.native.places import Places
from devstack.engine.native.records import Box, Life, Record
from devstack.engine.native.sweeping import settle
from devstack.errors import Conflict, NotFound

_GOING = ("running", "paused", "restarting")


class Boxes:
    """A look brings to an end whatever a supervisor that was killed has left."""

    def __init__(self, where: Places, line: Line) -> None:
        self._where = where
        self._line = line

    def all(self, project: str | None = None) -> Iterator[tuple[Box, Record, Life]]:
        """Those of one project, or of all."""
        supervised: dict[str, bool] = {}
        for folder in self._where.boxes.iterdir():
            box = Box(folder)
            record = box.record()
            if record is None or (project is not None and record.project != project):
                continue
            life = box.life()
            if life.state in _GOING:
                if record.project not in supervised:
                    supervised[record.project] = self._line.is_supervised(record.project)
                if not supervised[record.project]:
                    life = settle(box, record)
            yield box, record, life

    def one(self, name: str) -> tuple[Box, Record]:
        """By its id, the beginning of it, or its name. Raises NotFound."""
        box = Box(self._where.boxes / name)
        record = box.record() if "/" not in name and name else None
        if record is not None:
            return box, record
        for box, record, _ in self.all():
            if record.name == name or (len(name) >= 12 and record.id.startswith(name)):
                return box, record
        raise NotFound(f"No such container: {name}", status=404)

    def named(self, name: str) -> tuple[Record, Life] | None:
        """The one that has exactly this name."""
        return next(((record, life) for _, record, life in self.all() if record.name == name), None)

    def is_live(self, box: Box, record: Record) -> bool:
        """Whether there is something to stop."""
        if not self._line.is_supervised(record.project):
            settle(box, record)
            return False
        return box.life().state in _GOING

    def running(self, name: str) -> Record:
        """Raises NotFound, and Conflict for one that does not run."""
        box, record = self.one(name)
        if box.life().state != "running" or not self.is_live(box, record):
            raise Conflict(f"container {name} is not running", status=409)
        return record

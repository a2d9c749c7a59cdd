"""Reads a SQL file into a script: its bytes checked, its statements found with exact offsets, and how it is to be run."""

from __future__ import annotations

from pathlib import Path

from devstack.database import mode, source
from devstack.database.environment import Environment
from devstack.database.reading import Reading
from devstack.database.script import Script
from devstack.database.source import Source
from devstack.database.walk import Walk
from devstack.errors import Problem, SpecError


def read(path: Path, name: str, *, environment: Environment | None = None) -> Script:
    """Read and check a file. Raises SpecError with every problem that can be seen before anything is sent."""
    return parse(source.read(path, name), name, environment=environment)


def parse(data: bytes, name: str, *, environment: Environment | None = None) -> Script:
    """The script in these bytes; `name` is how the file is called in messages, relative to the environment's root."""
    return _finished(*_walked(data, name, environment or Environment()))


def files_of(data: bytes, name: str, environment: Environment) -> tuple[tuple[str, Path], ...]:
    """The files that a script brings in, by the names they are shown by; whether it could be run is not asked."""
    _, reading = _walked(data, name, environment)
    return tuple(reading.files)


def _walked(data: bytes, name: str, environment: Environment) -> tuple[Source, Reading]:
    origin = Source(name, source.decode(data, name))
    reading = Reading(environment)
    root = environment.root
    Walk(origin, reading, ((root / name).resolve(),) if root else ()).walk()
    return origin, reading


def _finished(origin: Source, reading: Reading) -> Script:
    problems: list[Problem] = []
    header = mode.header(origin, problems)
    for problem in problems:
        reading.add(problem)
    if header.engine == "psql":
        reading.need(origin, 0, "engine=psql in its header")
    stepwise = header.transaction == "none" or (header.transaction is None and reading.environment.transaction == "none")
    frame = () if stepwise or reading.needs else mode.own_frame(reading.items)
    items = mode.without(reading.items, frame)
    said = "in its header" if header.transaction else "in devstack.yml"
    why = f"transaction=none {said}" if stepwise else mode.why_not_one_transaction(items)
    if header.transaction == "file" and not reading.unclosed:
        for problem in mode.refusals(items):
            reading.add(problem)
    if reading.problems:
        raise SpecError(reading.problems)
    if reading.needs and reading.environment.psql is None:
        raise SpecError(reading.without_psql())
    return Script(
        source=origin,
        items=items,
        transactional=not why,
        why=why,
        engine="psql" if reading.needs else "native",
        needs=tuple(f"{need.what} at {need.source.where(need.position)}" for need in reading.needs),
        files=tuple(reading.files),
        timeout=header.timeout,
        lock_timeout=header.lock_timeout,
    )

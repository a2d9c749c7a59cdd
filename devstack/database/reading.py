"""What the files of one script share while they are read: variables, what was found so far, and what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from devstack.database.environment import Environment
from devstack.database.script import Item
from devstack.database.source import Source
from devstack.errors import Problem


@dataclass(frozen=True, slots=True)
class Need:
    """Something that only psql can do, and where it stands."""

    what: str
    source: Source
    position: int


class Reading:
    """One script being read. `unclosed`: a quote never ended, so what comes after it is not what it seems."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.variables = dict(environment.variables)
        self.items: list[Item] = []
        self.files: list[tuple[str, Path]] = []
        self.needs: list[Need] = []
        self.unclosed = False
        self.restricted = ""
        self.backslashes = False
        """Whether plain strings know backslashes: after SET standard_conforming_strings = off."""
        self._problems: list[tuple[bool, Problem]] = []

    def problem(self, source: Source, position: int, message: str, hint: str = "", *, native: bool = False) -> None:
        """Something is wrong. `native`: only where devstack runs the file itself; psql may never come to it."""
        message += "".join(f"\n  included from {place}" for place in source.included_from)
        self.add(Problem(source.where(position), message, hint=hint, excerpt=source.excerpt(position)), native=native)

    def add(self, problem: Problem, *, native: bool = False) -> None:
        self._problems.append((native, problem))

    def need(self, source: Source, position: int, what: str) -> None:
        """Something that only psql can do."""
        self.needs.append(Need(what, source, position))

    def without_psql(self) -> list[Problem]:
        """The problems of a script that needs psql where there is none."""
        hint = "remove it, or run the file by hand: devstack db-shell < FILE"
        return [
            Problem(
                need.source.where(need.position),
                f"{need.what} is for psql, which cannot be reached here",
                hint=hint,
                excerpt=need.source.excerpt(need.position),
            )
            for need in self.needs
        ]

    @property
    def problems(self) -> list[Problem]:
        """In order of their places."""
        found = [problem for native, problem in self._problems if not (native and self.needs)]
        return sorted(found, key=lambda problem: problem.where.line or 0)

"""What is wrong with the files though they can be read: told at its place, before the engine is asked for anything."""

from __future__ import annotations

import re

from devstack.compose.model import Service, Stack
from devstack.compose.roles import data_is_mounted_beside, postgres_mount_problem
from devstack.errors import Problem, SpecError, Where

RESTART = re.compile(r"no|always|unless-stopped|on-failure(:\d+)?")


def check_files(stack: Stack) -> tuple[str, ...]:
    """Refuse what the engine would refuse only when half of the stack is there, and data that would silently be lost.

    Data that is kept nowhere on purpose (tmpfs, a nameless volume) is only worth a note; the notes are given back.
    """
    problems: list[Problem] = []
    notes: list[str] = []
    for service in stack.services.values():
        if service.restart and not RESTART.fullmatch(service.restart):
            said = f'"{service.restart}" is no restart policy'
            problems.append(_problem(stack, service, "restart", said, "one of: no, always, on-failure[:N], unless-stopped"))
        lost = postgres_mount_problem(service)
        if lost and data_is_mounted_beside(service):
            problems.append(_problem(stack, service, "volumes", lost))
        elif lost:
            notes.append(f"{service.name}: {lost}")
    if problems:
        raise SpecError(problems)
    return tuple(notes)


def _problem(stack: Stack, service: Service, key: str, message: str, hint: str = "") -> Problem:
    """A problem at a service's key, in the last Compose file that has it."""
    from devstack.document import MappingNode, read

    place = Where(str(stack.files[-1]))
    for path in stack.files:
        node = read(path) if path.is_file() else None
        for part in ("services", service.name, key):
            node = node.get(part) if isinstance(node, MappingNode) else None
        if node is not None:
            place = node.where
    return Problem(place, message, path=f"services.{service.name}.{key}", hint=hint)

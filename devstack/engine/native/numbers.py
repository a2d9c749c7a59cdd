"""Ports of this machine for services: the published one, or one of its own that stays the same for the project."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devstack.compose.model import Service, Stack
from devstack.engine.native.places import Places
from devstack.engine.native.records import one_at_a_time, write

EVERYWHERE = ("", "0.0.0.0", "::")


class Numbers:
    """The ports that were given to services that publish none; kept in one file for all projects."""

    def __init__(self, where: Places) -> None:
        self._file = where.home / "ports.json"
        self._guard = where.home / "ports.lock"

    @contextmanager
    def _held(self) -> Iterator[dict[str, dict[str, int]]]:
        with one_at_a_time(self._guard):
            known = _read(self._file)
            before = json.dumps(known)
            yield known
            if json.dumps(known) != before:
                write(self._file, known)

    def of(self, stack: Stack, service: Service, number: int, extra: tuple[int, ...]) -> tuple[tuple[int, str, str, int], ...]:
        """(target, protocol, address, port here) for every target of a container; `extra` are targets its image listens on."""
        found: dict[tuple[int, str], tuple[int, str, str, int]] = {}
        with self._held() as known:
            mine = known.setdefault(stack.name, {})
            taken = {port for ports in known.values() for port in ports.values()}
            for port in service.ports:
                published = _published(port.published, number)
                if not published:
                    published = _given(mine, f"{service.name}-{number}/{port.target}/{port.protocol}", taken)
                found[(port.target, port.protocol)] = (port.target, port.protocol, port.host_ip or "0.0.0.0", published)
            for target in (*extra, *_exposed(service)):
                if (target, "tcp") not in found:
                    mine_here = _given(mine, f"{service.name}-{number}/{target}/tcp", taken)
                    found[(target, "tcp")] = (target, "tcp", "127.0.0.1", mine_here)
        return tuple(found.values())

    def known(self, stack: Stack, service: Service, extra: tuple[int, ...] = ()) -> tuple[tuple[int, str, str, int], ...]:
        """The ports of a service's first container, given now if nobody asked before."""
        return self.of(stack, service, 1, extra)

    def forget(self, project: str) -> None:
        """The project is gone: its ports are free again."""
        with self._held() as known:
            known.pop(project, None)


def _exposed(service: Service) -> tuple[int, ...]:
    return tuple(int(text.partition("/")[0]) for text in service.expose if text.partition("/")[0].isdigit())


def _published(text: str, number: int) -> int:
    """The port a container publishes: its own of a range; 0 for any free one."""
    first, _, last = text.partition("-")
    if not first.isdigit():
        return 0
    wanted = int(first) + number - 1 if last else int(first)
    return wanted if not last or wanted <= int(last) else 0


def _given(mine: dict[str, int], key: str, taken: set[int]) -> int:
    if key not in mine:
        mine[key] = _free(taken)
        taken.add(mine[key])
    return mine[key]


def _free(taken: set[int]) -> int:
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        if port not in taken:
            return port


def _read(path: Path) -> dict[str, dict[str, int]]:
    try:
        found: dict[str, dict[str, int]] = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return found

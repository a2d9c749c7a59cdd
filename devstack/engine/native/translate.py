"""From what a container would see to what a process of this machine sees: paths, ports, and the names of other services.

There is no isolation to hide behind, so the texts that a service is given are changed instead: an absolute path below a mount becomes
the folder that is mounted; `db:5432` becomes the address the database has here; a port the service listens on becomes its own port here.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_PATH = re.compile(r"(?<![\w./:@~-])/[\w.@+,=-]+(?:/[\w.@+,=-]+)*")
_HOST = re.compile(r"HOST|SERVER|ADDR|ENDPOINT|UPSTREAM|BROKER|NODE|PEER|PRIMARY|MASTER|REPLICA|TARGET|URL|URI", re.IGNORECASE)
"""In the names of variables whose value may be a service's bare name. `POSTGRES_USER: postgres` is none, whatever the service is called."""
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class View:
    """One container's view. `mounts` are (target, folder), `own` maps targets to ports here, `others` (name, target) to theirs.

    `root` holds the files that were copied in; a path in it is known only once the file is there. `copied` is (target, folder) too: what
    an image that is built would hold a copy of, known as far as it is there.
    """

    root: Path
    mounts: tuple[tuple[str, str], ...] = ()
    own: Mapping[int, int] = field(default_factory=dict)
    others: Mapping[tuple[str, int], int] = field(default_factory=dict)
    loopback: bool = True
    copied: tuple[tuple[str, str], ...] = ()

    def command(self, words: Sequence[str]) -> tuple[str, ...]:
        """A command's words."""
        found = [self._text(word, self._own_ports) for word in words]
        for place, (name, target) in enumerate(itertools.pairwise(words)):
            # A host and its port as two words of a command.
            if target.isdigit() and (name, int(target)) in self.others:
                found[place], found[place + 1] = LOOPBACK, str(self.others[(name, int(target))])
        return tuple(found)

    def values(self, environment: Mapping[str, str]) -> dict[str, str]:
        """The values of an environment."""
        names = {name for name, _ in self.others}
        found = {}
        for key, value in environment.items():
            if value in names and not value.isdigit() and (_HOST.search(key) or key.upper() == value.upper()):
                found[key] = LOOPBACK
            elif value.isdigit():
                found[key] = self._number(key, int(value), environment)
            else:
                found[key] = self._text(value, self._own_addresses)
        return found

    def _number(self, key: str, value: int, environment: Mapping[str, str]) -> str:
        """A number is a port where its name says so: of the service that the HOST beside it names, else the service's own."""
        if "PORT" not in key.upper():
            return str(value)
        for word in ("HOST", "HOSTNAME", "SERVER", "ADDRESS"):
            host = environment.get(re.sub("port", word, key, flags=re.IGNORECASE), "")
            if (host, value) in self.others:
                return str(self.others[(host, value)])
        return str(self.own.get(value, value))

    def path(self, path: str) -> Path:
        """Where an absolute path of the container lies on this machine."""
        normal = os.path.normpath("/" + path.lstrip("/"))
        for target, folder in sorted(self.mounts, key=lambda mount: -len(mount[0])):
            if normal == target or normal.startswith(target.rstrip("/") + "/"):
                return Path(folder + normal[len(target.rstrip("/")) :])
        for target, folder in self.copied:
            if (normal + "/").startswith(target.rstrip("/") + "/") and os.path.exists(found := folder + normal[len(target) :]):  # noqa: PTH110
                return Path(found)
        return self.root / normal.lstrip("/")

    def _text(self, text: str, ports: Callable[[str], str]) -> str:
        return ports(self._names(_PATH.sub(self._known, text)))

    def _known(self, found: re.Match[str]) -> str:
        """A path that is a mount's, was copied in, or is temporary; any other is this machine's own."""
        path = self.path(found[0])
        if not path.is_relative_to(self.root) or path.exists():
            return str(path)
        own = found[0].startswith("/tmp/") and not self._is_mounted(Path(found[0]))  # noqa: S108 - each container has its own
        return str(path) if own else found[0]

    def _is_mounted(self, path: Path) -> bool:
        """Whether it lies in a folder of this machine that the container has as a mount."""
        return any(path.is_relative_to(folder) for _, folder in self.mounts)

    def _names(self, text: str) -> str:
        for (name, target), port in self.others.items():
            if name in text:
                text = re.sub(rf"(?<![\w.-]){re.escape(name)}:{target}(?!\d)", f"{LOOPBACK}:{port}", text)
        return text

    def _own_ports(self, text: str) -> str:
        if self.loopback:
            text = re.sub(r"(?<![\d.])0\.0\.0\.0(?![\d.])", LOOPBACK, text)
        return _replaced(text, r"(?<!\d){}(?![\d])", self.own.items())

    def _own_addresses(self, text: str) -> str:
        return _replaced(text, r"(?<=localhost:){0}(?!\d)|(?<=127\.0\.0\.1:){0}(?!\d)|(?<=0\.0\.0\.0:){0}(?!\d)", self.own.items())


def _replaced(text: str, pattern: str, pairs: Iterable[tuple[int, int]]) -> str:
    """All at once: what was put in is not replaced again."""
    changed = {str(old): str(new) for old, new in pairs if old != new}
    if not changed:
        return text
    return re.sub("|".join(pattern.format(old) for old in changed), lambda found: changed[found[0]], text)

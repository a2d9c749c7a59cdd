"""What `docker inspect` says differently of a stack that devstack made, and why. Anything else that differs is a fault.

A pattern is matched against "container many-1 HostConfig.Init" as a file name is; every pattern has to match something.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from tests.engine.parity.snapshot import Snapshot

ABSENT = "(absent)"
DIFFERENCES: Mapping[str, str] = {
    "container * Config.Labels.io.devstack.fields": "digests of the service's fields, from which `up --plan` tells what changed",
    "network * Labels.io.devstack.directory": "the folder the stack belongs to, from which another checkout is told apart",
    "volume * Labels.io.devstack.directory": "the folder the stack belongs to, from which another checkout is told apart",
    "container * Config.Healthcheck.StartInterval": "where the file names no cadence, probes come fast while a container starts",
    "container * Config.Healthcheck.StartPeriod": "the period in which they do; failures within it do not count",
    "container sharing-1 Config.Labels.com.docker.compose.config-hash": "holds the id of the container whose namespaces are shared",
    "container beside-1 Config.Labels.com.docker.compose.config-hash": "holds the id of the container whose network is shared",
    "container borrowing-1 Config.Labels.com.docker.compose.config-hash": "holds the id of the container whose volumes are borrowed",
    "container chosen Config.StopTimeout": "1.5 s of grace become 2 s; Compose cuts them to 1 s, and half a second to a kill at once",
    "container borrowing-1 HostConfig.VolumesFrom": "Compose forgets the `:ro` of volumes_from, so that a borrower may write",
    "container borrowing-1 Mounts./lent*.RW": "the same: borrowed read-only is mounted read-only",
}
"""Pattern -> reason."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One setting that is not the same. `pattern` is the entry that lists it, "" when none does."""

    path: str
    compose: object
    devstack: object
    pattern: str

    @property
    def reason(self) -> str:
        return DIFFERENCES.get(self.pattern, "NOT LISTED")

    def __str__(self) -> str:
        return f"{self.path}\n    compose:  {self.compose!r}\n    devstack: {self.devstack!r}"


def differences(compose: Snapshot, devstack: Snapshot) -> list[Difference]:
    """Every setting that is not the same in both."""
    theirs, ours = compose.settings, devstack.settings
    paths = [path for path in sorted({*theirs, *ours}) if theirs.get(path, ABSENT) != ours.get(path, ABSENT)]
    return [Difference(path, theirs.get(path, ABSENT), ours.get(path, ABSENT), _listed(path)) for path in paths]


def _listed(path: str) -> str:
    return next((pattern for pattern in DIFFERENCES if fnmatchcase(path, pattern)), "")

"""Where the native engine keeps what it made, and where its supervisors listen."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from devstack.errors import EngineError

HOME_VARIABLE = "DEVSTACK_NATIVE_HOME"


@dataclass(frozen=True, slots=True)
class Places:
    """`home` holds containers, volumes, networks and tools; `sockets` is short, as a socket's path has to be."""

    home: Path
    sockets: Path

    @property
    def boxes(self) -> Path:
        return self.home / "containers"

    @property
    def volumes(self) -> Path:
        return self.home / "volumes"

    @property
    def networks(self) -> Path:
        return self.home / "networks"

    @property
    def tools(self) -> Path:
        return self.home / "tools"

    @property
    def images(self) -> Path:
        return self.home / "images"

    @property
    def caches(self) -> Path:
        """A folder for each user that programs run as."""
        return self.home / "caches"

    def socket(self, project: str) -> Path:
        name = hashlib.sha256(f"{self.home}\0{project}".encode()).hexdigest()[:12]
        return self.sockets / f"{name}.sock"


def places(environment: Mapping[str, str]) -> Places:
    """The folders, made where they are missing. As root they lie outside /root, where no other user could reach them."""
    named = environment.get(HOME_VARIABLE)
    if named:
        home = Path(named).absolute()
    elif os.getuid() == 0:
        home = Path("/var/lib/devstack/native")
    else:
        state = environment.get("XDG_STATE_HOME") or Path(environment.get("HOME") or Path.home()) / ".local" / "state"
        home = Path(state) / "devstack" / "native"
    found = Places(home, _sockets(environment))
    try:
        for folder in (found.boxes, found.volumes, found.networks, found.tools, found.images, found.caches):
            folder.mkdir(parents=True, exist_ok=True, mode=0o755)
    except OSError as error:
        raise EngineError(
            f"the native engine cannot keep its data in {home}: {error.strerror}",
            hints=[f"{HOME_VARIABLE}=FOLDER names another place"],
        ) from error
    return found


def _sockets(environment: Mapping[str, str]) -> Path:
    """A folder of our own that nobody else may write to: who can, could give orders in our name."""
    runtime = environment.get("XDG_RUNTIME_DIR")
    folder = (
        Path(runtime) / "devstack"
        if runtime and Path(runtime).is_dir()
        else Path(tempfile.gettempdir()) / f"devstack-{os.getuid()}"
    )
    if len(str(folder)) > 80:
        folder = Path("/tmp") / f"devstack-{os.getuid()}"  # noqa: S108 - its owner is checked below
    folder.mkdir(mode=0o700, exist_ok=True)
    info = folder.lstat()
    if not stat.S_ISDIR(info.st_mode) or info.st_uid != os.getuid() or info.st_mode & 0o022:
        raise EngineError(f"{folder} belongs to somebody else or can be written by others", hints=[f"remove it: rm -r {folder}"])
    return folder

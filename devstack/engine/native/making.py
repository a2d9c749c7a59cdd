"""From a service to the record of a process: the command, environment and folder that it has on this machine."""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from devstack.compose.model import Healthcheck, Mount, Service, Stack
from devstack.compose.roles import INIT_SCRIPTS
from devstack.engine import labelling
from devstack.engine.base import STOP_GRACE, NewContainer
from devstack.engine.create.body import DEFAULT_INTERVAL, FAST_PROBE, PATIENCE
from devstack.engine.create.mounts import copied_files, file_objects
from devstack.engine.create.networks import ordered
from devstack.engine.native.images import Made
from devstack.engine.native.numbers import EVERYWHERE, Numbers
from devstack.engine.native.places import Places
from devstack.engine.native.records import Box, Check, Record
from devstack.engine.native.shelf import Shelf
from devstack.engine.native.translate import View
from devstack.engine.native.users import check_way, own, unprivileged
from devstack.engine.native.ways import Ways
from devstack.errors import EngineRefused
from devstack.spec.native import Native

PASSED_ON = (
    "LANG",
    "LC_ALL",
    "TZ",
    "TERM",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS",
)
"""What a process gets of the environment of whoever runs devstack; the rest is the service's own."""
TIMEOUT, RETRIES = 30.0, 3


class Maker:
    """Makes the folders and the record of containers."""

    def __init__(self, where: Places, shelf: Shelf, numbers: Numbers, ways: Ways) -> None:
        self.where = where
        self.shelf = shelf
        self.numbers = numbers
        self.ways = ways

    def make(self, stack: Stack, new: NewContainer, made: Made) -> Record:
        """Write everything a container needs to be started; the record is the last, so that half a container is none."""
        service, native = new.service, made.tool.native
        identity = secrets.token_hex(32)
        box = Box(self.where.boxes / identity)
        root = box.folder / "root"
        box.folder.mkdir(mode=0o711)
        for folder in (root, root / "tmp", root / "etc"):
            folder.mkdir(mode=0o755)
        user = unprivileged(native)
        if user:
            check_way(self.where.home, user)
        mounts = tuple(self._mounts(stack, new, user))
        self._files(stack, service, root, user)
        ports = self.numbers.of(stack, service, max(new.number, 1), native.ports)
        place = made.says.folder.rstrip("/")
        copied = ((place, service.build.context.rstrip("/")),) if service.build is not None and place else ()
        view = replace(self._view(stack, service, root, mounts, ports), copied=copied)
        data = next((folder for kind, _, _, folder, _ in mounts if kind == "volume"), str(self._data(root, user)))
        texts = _Texts(view.own, data, str(self._run_folder(identity, user)), str(self._cache(user)))
        environment = self._environment(service, made, view, texts, root, user)
        command = self._command(new, made, view, texts)
        record = Record(
            id=identity,
            name=new.name,
            project=stack.name,
            service=service.name,
            image=new.image,
            image_id=new.image_id,
            created=time.time(),
            labels=labelling.container_labels(stack, new),
            command=command,
            shown_command=tuple(new.command or service.command or made.says.command or native.command),
            environment=environment,
            folder=str(self._folder(service, made, view)),
            root=str(root),
            user=user,
            ports=ports if new.publish else (),
            mounts=mounts,
            networks=tuple(stack.networks[place.network].name for place in ordered(stack, service)),
            restart="no" if new.one_off else service.restart or "no",
            stop_signal=service.stop_signal or "TERM",
            grace=STOP_GRACE if service.stop_grace_period is None else service.stop_grace_period,
            check=_check(service, native, view, texts, fast=new.fast_start),
            tty=service.tty or new.tty,
            stdin=service.stdin_open or new.stdin,
            others=tuple((name, target, port) for (name, target), port in view.others.items()),
            copied=copied,
            fixed=tuple(native.environment),
        )
        box.write_record(record)
        return record

    # Storage

    def _mounts(self, stack: Stack, new: NewContainer, user: str) -> Iterator[tuple[str, str, str, str, bool]]:
        for mount in new.service.mounts:
            if mount.type == "volume":
                known = stack.volumes.get(mount.source)
                name = known.name if known else mount.source or new.inherit.get(mount.target) or secrets.token_hex(32)
                folder = self.shelf.folder(name, anonymous=not mount.source)
                if user and not any(folder.iterdir()):
                    own(folder, user)
                yield "volume", mount.target, name, str(folder / mount.subpath), mount.read_only
            elif mount.type == "bind":
                yield "bind", mount.target, "", str(_bound(mount)), mount.read_only
        placed = {mount.target for mount in new.service.mounts}
        for target, name in new.inherit.items():
            if target not in placed:
                yield "volume", target, name, str(self.shelf.folder(name, anonymous=True)), False

    def _files(self, stack: Stack, service: Service, root: Path, user: str) -> None:
        """Secrets and configs at their places below `root`."""
        for file in copied_files(stack, service):
            _place(root, file.target, file.content, file.mode, user)
        for target, used, item in file_objects(stack, service):
            if item.file:
                content = Path(item.file).read_bytes()
                _place(root, target, content, 0o444 if used.mode is None else used.mode, user)
        for target in [*service.tmpfs, *(mount.target for mount in service.mounts if mount.type == "tmpfs")]:
            (root / target.partition(":")[0].lstrip("/")).mkdir(parents=True, exist_ok=True)

    def _data(self, root: Path, user: str) -> Path:
        folder = root / "data"
        folder.mkdir(exist_ok=True)
        own(folder, user)
        return folder

    def _run_folder(self, identity: str, user: str) -> Path:
        """A short private folder for sockets, whose paths may not be long."""
        folder = self.where.sockets.with_name(f"{self.where.sockets.name}-{identity[:10]}")
        folder.mkdir(mode=0o700, exist_ok=True)
        own(folder, user)
        return folder

    def _cache(self, user: str) -> Path:
        """Where programs keep what the next container of theirs can use as well; the user's alone."""
        folder = self.where.caches / (user or "own")
        folder.mkdir(mode=0o700, exist_ok=True)
        own(folder, user)
        return folder

    # What the process is told

    def _view(
        self, stack: Stack, service: Service, root: Path, mounts: tuple[tuple[str, str, str, str, bool], ...],
        ports: tuple[tuple[int, str, str, int], ...],
    ) -> View:  # fmt: skip
        others: dict[tuple[str, int], int] = {}
        for other in stack.services.values():
            here = ports if other.name == service.name else self.numbers.known(stack, other, self._listens(other))
            for target, _, _, port in here:
                for name in {other.name, other.container_name, other.hostname, *_aliases(other)} - {""}:
                    others[(name, target)] = port
        loopback = all(address not in EVERYWHERE for _, _, address, _ in ports)
        placed = tuple((target, folder) for _, target, _, folder, _ in mounts)
        return View(root, placed, {target: port for target, _, _, port in ports}, others, loopback)

    def _listens(self, service: Service) -> tuple[int, ...]:
        """The targets that a service's image listens on, published or not."""
        found = self.ways.native_of(service.image) if service.image else None
        return found[1].ports if found else ()

    def _environment(self, service: Service, made: Made, view: View, texts: _Texts, root: Path, user: str) -> dict[str, str]:
        native = made.tool.native
        folders = [made.packages / "bin"] if made.packages else []
        path = ":".join([*map(str, folders), *map(str, made.tool.folders), os.environ.get("PATH", os.defpath)])
        home = str(root) if user else os.environ.get("HOME", str(root))
        base = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        given = {key: os.environ.get(key, "") if value is None else value for key, value in service.environment.items()}
        said = {key: value for key, value in made.says.environment.items() if key != "PATH"}
        found = {
            "LANG": "C.UTF-8", **base, "HOME": home, "TMPDIR": str(root / "tmp"), "HOSTNAME": service.hostname or service.name,
            **view.values(said), **{key: texts.filled(value) for key, value in native.environment.items()},
            **view.values(given), "PATH": path,
        }  # fmt: skip
        if made.packages:
            found["VIRTUAL_ENV"] = str(made.packages)
        scripts = view.path(INIT_SCRIPTS)
        if scripts.is_dir():
            found["DEVSTACK_INITDB"] = str(scripts)
        own(root / "tmp", user)
        return found

    def _command(self, new: NewContainer, made: Made, view: View, texts: _Texts) -> tuple[str, ...]:
        service, native = new.service, made.tool.native
        entrypoint = made.says.entrypoint if service.entrypoint is None else service.entrypoint
        own_command = service.command if service.command is not None else made.says.command or native.command
        words = [*entrypoint, *(new.command if new.command is not None else own_command)]
        added = [texts.filled(word) for word in native.arguments] if new.command is None else []
        command = (*view.command(words), *added)
        if native.entrypoint is not None and new.command is None:
            # A copy: the user it runs as may not be allowed to look where devstack lies.
            script = view.root / native.entrypoint.name
            script.write_bytes(native.entrypoint.read_bytes())
            script.chmod(0o755)
            return ("/bin/sh", str(script), *command)
        return command

    def _folder(self, service: Service, made: Made, view: View) -> Path:
        wanted = service.working_dir or made.says.folder or "/"
        folder = view.path(wanted)
        if folder.is_dir():
            return folder
        if service.build is not None:
            # What the image would hold a copy of lies in the build context.
            return Path(service.build.context)
        return view.root


class _Texts:
    """Fills the placeholders of a kind's `native:` section."""

    def __init__(self, ports: Mapping[int, int], data: str, run: str, cache: str) -> None:
        self._ports = ports
        self._texts = {"{data}": data, "{run}": run, "{cache}": cache, "{python}": sys.executable}

    def filled(self, text: str) -> str:
        for placeholder, value in self._texts.items():
            text = text.replace(placeholder, value)
        for target, port in self._ports.items():
            text = text.replace(f"{{port:{target}}}", str(port))
        return text


def _check(service: Service, native: Native, view: View, texts: _Texts, *, fast: bool) -> Check | None:
    check = service.healthcheck or (Healthcheck() if native.health else None)
    if check is None or check.disable or check.test == ("NONE",):
        return None
    if native.health:
        test = tuple(texts.filled(word) for word in native.health)
    elif check.test[:1] == ("CMD-SHELL",):
        test = ("/bin/sh", "-c", *view.command(check.test[1:]))
    else:
        test = view.command(check.test[1:])
    interval = check.interval or DEFAULT_INTERVAL
    period = check.start_period or (max(interval, PATIENCE) if fast else 0.0)
    quick = check.start_interval or (min(FAST_PROBE, interval) if fast else interval)
    retries = RETRIES if check.retries is None else check.retries
    return Check(
        test=test, interval=interval, timeout=check.timeout or TIMEOUT, retries=retries, start_period=period, start_interval=quick
    )


def _aliases(service: Service) -> tuple[str, ...]:
    return tuple(alias for place in service.networks for alias in place.aliases)


def _bound(mount: Mount) -> Path:
    source = Path(mount.source)
    if not source.exists():
        if not mount.create_host_path:
            raise EngineRefused(f"bind source path does not exist: {mount.source}", status=400)
        source.mkdir(parents=True)
    return source


def _place(root: Path, target: str, content: bytes, mode: int, user: str) -> None:
    path = root / target.lstrip("/")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(content)
    path.chmod(mode)
    own(path, user)

"""Root file systems and layers: unpack a chain of layer tars, change the tree in a chroot, write what changed as a tar."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

# The folders are kept, what is in them is not: it belongs to the build, or the engine puts its own there.
_EMPTIED = ("dev", "proc", "sys", "tmp", "var/lib/apt/lists", "var/cache/apt", "var/log")
_ENGINES_OWN = "etc/resolv.conf"
_ENTER = """
set -e
root=$1; lists=$2; shift 2
mount --bind /dev "$root/dev"
mount -t proc proc "$root/proc"
touch "$root/etc/resolv.conf"
mount --bind /etc/resolv.conf "$root/etc/resolv.conf"
mkdir -p "$root/var/lib/apt/lists"
mount --bind "$lists" "$root/var/lib/apt/lists"
exec chroot "$root" "$@"
"""


@dataclass(frozen=True, slots=True)
class LayerFile:
    path: Path
    diff_id: str  # sha256 hex of the uncompressed tar, the engine's name for the layer
    removes: bool  # whether it has whiteouts
    parent: str  # the diff_id of the layer it was made on, empty for none

    @property
    def size(self) -> int:
        return self.path.stat().st_size


class BuildError(Exception):
    """A stand-in could not be built; the text says what to do."""


def run(command: list[str], *, log: Path, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> None:
    """Run a program with its output in the log. Raises BuildError with the log's end."""
    with log.open("ab") as out:
        out.write(f"$ {' '.join(command)}\n".encode())
        out.flush()
        done = subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=env, cwd=cwd)
    if done.returncode != 0:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise BuildError(f"{command[0]} failed (exit {done.returncode}); whole output: {log}\n{tail}")


@dataclass(frozen=True, slots=True)
class Tree:
    """A root file system on the host that commands can be run in."""

    root: Path
    lists: Path  # the package lists, shared by all trees
    log: Path

    def sh(self, script: str) -> None:
        """Run a shell script inside, with the host's network, in mounts of its own that vanish with it."""
        keep = {key: value for key, value in os.environ.items() if key.lower().endswith("_proxy")}
        env = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/root",
            "LANG": "C.UTF-8",
            "DEBIAN_FRONTEND": "noninteractive",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_ROOT_USER_ACTION": "ignore",
            "npm_config_update_notifier": "false",
            **keep,
        }
        chroot = ["unshare", "--mount", "--propagation", "private", "sh", "-c", _ENTER, "enter"]
        run([*chroot, str(self.root), str(self.lists), "/bin/sh", "-euc", script], log=self.log, env=env)

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(mode)

    def copy(self, source: Path, path: str, mode: int = 0o644) -> None:
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        target.chmod(mode)


Snapshot = dict[str, tuple[int, ...]]


def snapshot(root: Path) -> Snapshot:
    """Every path with what changes when the file does; a file's ctime cannot be set back."""
    seen: Snapshot = {}
    for path in _walk(root):
        stat = os.lstat(root / path)
        # A folder's own times change with every entry, which is no change of the folder itself.
        times = () if os.path.isdir(root / path) and not os.path.islink(root / path) else (stat.st_ino, stat.st_ctime_ns)
        seen[path] = (stat.st_mode, stat.st_uid, stat.st_gid, *times)
    return seen


def _walk(root: Path) -> Iterator[str]:
    for folder, names, files in os.walk(root):
        names.sort()
        inside = os.path.relpath(folder, root)
        base = "" if inside == "." else inside + "/"
        yield from (base + name for name in sorted([*names, *files]) if base + name != _ENGINES_OWN)
        names[:] = [name for name in names if base + name not in _EMPTIED]


def write_layer(root: Path, before: Snapshot, target: Path, parent: str) -> LayerFile:
    """Write what differs from the earlier snapshot as a tar, removed paths as whiteouts."""
    after = snapshot(root)
    partial = target.with_suffix(".partial")
    with partial.open("wb") as raw:
        hashing = _Hashing(raw)
        with tarfile.open(None, "w", hashing, format=tarfile.PAX_FORMAT) as tar:
            for path in sorted(after):
                if before.get(path) != after[path]:
                    tar.add(root / path, path, recursive=False, filter=_plain)
            gone = sorted(set(before) - set(after))
            for path in gone:
                if os.path.lexists(root / path.rpartition("/")[0]):
                    folder, _, name = path.rpartition("/")
                    tar.addfile(tarfile.TarInfo(f"{folder}/.wh.{name}" if folder else f".wh.{name}"))
    digest = hashing.digest.hexdigest()
    partial.rename(target)
    facts = {"diff_id": digest, "removes": bool(gone), "parent": parent}
    target.with_suffix(".json").write_text(json.dumps(facts))
    return LayerFile(target, digest, bool(gone), parent)


def _plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uname = info.gname = ""  # ids count; the names here are those of the host
    info.mtime = int(info.mtime)
    return info


class _Hashing:
    """A file that hashes what is written to it."""

    def __init__(self, raw: IO[bytes]) -> None:
        self.raw, self.digest = raw, hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return self.raw.write(data)

    def read(self, size: int) -> bytes:
        raise NotImplementedError("layers are only written")

    def seek(self, place: int) -> int:
        raise NotImplementedError("layers are written once, front to back")

    def tell(self) -> int:
        return self.raw.tell()

    def close(self) -> None:
        self.raw.close()


def cached_layer(path: Path) -> LayerFile | None:
    record = path.with_suffix(".json")
    if not (path.is_file() and record.is_file()):
        return None
    facts = json.loads(record.read_text())
    return LayerFile(path, str(facts["diff_id"]), bool(facts["removes"]), str(facts["parent"]))


def unpack(layers: list[LayerFile], root: Path) -> None:
    """Unpack a chain of layers, oldest first, as an engine would."""
    root.mkdir(parents=True, exist_ok=True)
    for layer in layers:
        subprocess.run(["tar", "-C", str(root), "--numeric-owner", "-xpf", str(layer.path)], check=True)
        for mark in list(root.rglob(".wh.*")) if layer.removes else []:
            mark.unlink()
            hidden = mark.with_name(mark.name.removeprefix(".wh."))
            if hidden.is_dir() and not hidden.is_symlink():
                shutil.rmtree(hidden)
            else:
                hidden.unlink(missing_ok=True)
    for name in ("dev", "proc", "sys", "run", "tmp", "etc"):
        (root / name).mkdir(exist_ok=True)
    (root / "tmp").chmod(0o1777)

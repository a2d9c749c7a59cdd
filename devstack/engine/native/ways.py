"""How an image runs without containers: what its kind declares under `native:`, and what is found on this machine for it."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from devstack.engine.native.dockerfile import Dockerfile, read_dockerfile
from devstack.engine.native.places import Places
from devstack.engine.native.records import one_at_a_time
from devstack.errors import DevstackError, ImageUnavailable
from devstack.spec.kinds import Kind, load_kinds
from devstack.spec.native import Native, Wheel

_REFERENCE = re.compile(r"^(?:(?P<host>[^/]+[.:][^/]*)/)?(?P<name>[^:@]+)(?::(?P<tag>[^@]+))?(?:@.*)?$")
MANAGED = (
    ".local/share/uv/python/cpython-{minor}.*",
    ".asdf/installs/python/{minor}.*",
    ".local/share/mise/installs/python/{minor}.*",
    ".pyenv/versions/{minor}.*",
)
"""Where version managers keep the Pythons of a minor version, below the home folder."""
_NUMBERS = re.compile(r"\d+(?:\.\d+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """Programs that were found: `folders` go in front of PATH. `version` is what they say, `note` how they differ from the image."""

    native: Native
    kind: Kind
    version: str
    folders: tuple[Path, ...] = ()
    note: str = ""

    @property
    def identity(self) -> str:
        text = f"{self.native.toolchain} {self.version} {' '.join(map(str, self.folders))}"
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Missing:
    """Why there is no native way, and what would give one."""

    why: str
    hints: tuple[str, ...] = ()


class Ways:
    """Looks natives up for images. `root` is the folder whose own kinds win over devstack's; `mismatch` accepts programs of another
    major version."""

    def __init__(self, where: Places, root: Path, *, mismatch: bool = False) -> None:
        self.where = where
        self.root = root
        self.mismatch = mismatch

    def find(self, reference: str, *, install: bool = False) -> Tool | Missing:
        """The programs that run an image such as "postgres:17"; `install` gets them from their package registry."""
        found = self.native_of(reference)
        if found is None:
            return Missing(f"nothing is known of how to run {reference} without a container")
        kind, native = found
        wanted = version_of(reference)
        if native.toolchain == "python":
            return self._python(kind, native, wanted)
        if not native.programs:
            return Tool(native=native, kind=kind, version=wanted)
        return self._programs(kind, native, wanted, install)

    def native_of(self, reference: str) -> tuple[Kind, Native] | None:
        """The kind that knows how to run an image, by the last part of the image's name."""
        name = image_name(reference)
        for kind in load_kinds(self.root).values():
            if kind.native is not None and name in kind.native.images:
                return kind, kind.native
        return None

    def can_install(self, reference: str) -> bool:
        """Whether a package registry has the programs of an image."""
        found = self.native_of(reference)
        return found is not None and self._wheel(found[1], version_of(reference).split(".")[0]) is not None

    def _python(self, kind: Kind, native: Native, wanted: str) -> Tool:
        minor = ".".join(wanted.split(".")[:2])
        here = f"{sys.version_info.major}.{sys.version_info.minor}"
        program = _other_python(minor) if "." in minor and minor != here else None
        if program is None:
            note = f"Python {here} here, {minor} in the image" if minor and minor not in (here, "3") else ""
            return Tool(native=native, kind=kind, version=here, folders=(Path(_base_python()).parent,), note=note)
        return Tool(native=native, kind=kind, version=minor, folders=(program.parent,))

    def _programs(self, kind: Kind, native: Native, wanted: str, install: bool) -> Tool | Missing:
        major = wanted.split(".")[0]
        others = []
        for folder in self._folders(native, major):
            version = version_in(folder, native.programs)
            if version is None:
                continue
            if not major or version.split(".")[0] == major or self.mismatch:
                note = f"{kind.title} {version} here, {wanted} in the image" if major and version.split(".")[0] != major else ""
                return Tool(native=native, kind=kind, version=version, folders=(folder,), note=note)
            others.append(f"{version} in {folder}")
        wheel = self._wheel(native, major)
        if wheel is not None and install:
            self.install(wheel, major)
            version_in.cache_clear()
            return self._programs(kind, native, wanted, False)
        return self._missing(kind, native, major, others, wheel)

    def _missing(self, kind: Kind, native: Native, major: str, others: list[str], wheel: Wheel | None) -> Missing:
        program = native.programs[0]
        which = f"{kind.title} {major}".strip()
        there = f"; there is {', '.join(dict.fromkeys(others))}" if others else ""
        hints = [f"install it so that `{program}` is on PATH"]
        if wheel is not None:
            hints.insert(0, f"it comes from the Python package {wheel.package}")
        if others or any(native.wheels):
            hints.append("--allow-version-mismatch takes another major version")
        return Missing(f"{which} ({program}) is not on this machine{there}", tuple(hints))

    def _folders(self, native: Native, major: str) -> Iterator[Path]:
        """Where the programs may be, the likeliest first; those of another major only after all that may fit."""
        for pattern in native.folders:
            if major:
                yield Path(pattern.format(major=major))
        for wheel in native.wheels:
            if wheel.major in ("", major):
                yield from _installed(wheel, native)
                yield self._place(wheel, major) / wheel.bin
        on_path = shutil.which(native.programs[0])
        if on_path is not None:
            yield Path(on_path).parent
        for pattern in native.folders:
            yield from sorted(Path("/").glob(pattern.format(major="*").lstrip("/")), reverse=True)
        for wheel in native.wheels:
            yield self._place(wheel, wheel.major) / wheel.bin

    def _wheel(self, native: Native, major: str) -> Wheel | None:
        fitting = [wheel for wheel in native.wheels if not major or wheel.major in ("", major)]
        if not fitting and self.mismatch:
            fitting = list(native.wheels)
        return next(iter(fitting), None)

    def _place(self, wheel: Wheel, major: str) -> Path:
        name = re.sub(r"[^\w.-]+", "-", wheel.package.format(major=major or "any")).rstrip("-.")
        return self.where.tools / name

    def install(self, wheel: Wheel, major: str = "") -> Path:
        """Unpack a wheel in a folder of its own; whole or not at all."""
        target = self._place(wheel, wheel.major or major)
        with one_at_a_time(target.with_name(f".{target.name}.lock")):
            if not target.exists():
                _unpack(wheel, wheel.major or major, target)
        return target


def _unpack(wheel: Wheel, major: str, target: Path) -> None:
    part = target.with_name(f".{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    run_pip(("install", "--no-deps", "--no-compile", "--target", str(part), wheel.package.format(major=major)))
    for program in (part / wheel.bin).glob("*"):
        program.chmod(program.stat().st_mode | 0o555)
    for name, leads_to in wheel.links:
        (part / wheel.bin / name).unlink(missing_ok=True)
        (part / wheel.bin / name).symlink_to(os.path.relpath(part / leads_to, part / wheel.bin))
        (part / leads_to).chmod(0o755)
    part.rename(target)


def _installed(wheel: Wheel, native: Native) -> Iterator[Path]:
    """A wheel's programs where it is installed beside devstack (`pip install devstack[native]`)."""
    package, _, rest = wheel.bin.partition("/")
    found = importlib.util.find_spec(package)
    for place in (found.submodule_search_locations or ()) if found else ():
        folder = Path(place) / rest
        if not native.unprivileged or os.getuid() != 0 or _is_open(folder):
            yield folder


def _is_open(folder: Path) -> bool:
    """Whether a user without rights of their own could run what lies there."""
    return folder.is_dir() and all(place.stat().st_mode & 0o001 for place in (folder, *folder.parents))


def run_pip(arguments: tuple[str, ...], python: str = sys.executable) -> None:
    """Run pip. Raises `ImageUnavailable` with its last words."""
    command = (python, "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet", *arguments)
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise ImageUnavailable(
            f"pip could not install {arguments[-1]}",
            details=[("pip", "\n".join(done.stderr.strip().splitlines()[-12:]))],
            hints=["nothing is downloaded from anywhere but the package index that pip is set to"],
        )


def _base_python() -> str:
    """The interpreter that virtual environments are made from, not the one of devstack's own environment."""
    return getattr(sys, "_base_executable", "") or sys.executable


def _other_python(minor: str) -> Path | None:
    """The interpreter of another version, such as "3.13": on PATH, else among those of a version manager."""
    name = f"python{minor}"
    on_path = [Path(folder, name) for folder in os.get_exec_path()]
    managed = [found for pattern in MANAGED for found in sorted(Path.home().glob(f"{pattern.format(minor=minor)}/bin/{name}"))]
    return next((program for program in [*on_path, *reversed(managed)] if _is_program(program)), None)


def _is_program(path: Path) -> bool:
    """Whether this is a program itself: a script of that name is a version manager's, and may stand for one that is not installed."""
    try:
        with path.open("rb") as file:
            return file.read(2) != b"#!" and os.access(path, os.X_OK)
    except OSError:
        return False


def image_name(reference: str) -> str:
    """ "ghcr.io/x/postgres:17" -> "postgres"."""
    found = _REFERENCE.match(reference)
    return found["name"].rsplit("/", 1)[-1] if found else reference


def version_of(reference: str) -> str:
    """The numbers a tag begins with: "17" of postgres:17-alpine; "" for none."""
    found = _REFERENCE.match(reference)
    numbers = _NUMBERS.match((found["tag"] or "").removeprefix("v")) if found else None
    return numbers[0] if numbers else ""


@functools.cache
def version_in(folder: Path, programs: tuple[str, ...]) -> str | None:
    """The version of the programs in a folder, by asking the first one; None when they are not all there."""
    if not all((folder / program).is_file() for program in programs):
        return None
    try:
        done = subprocess.run(
            (str(folder / programs[0]), "--version"),
            capture_output=True, text=True, check=False, timeout=10, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    numbers = _NUMBERS.search(done.stdout)
    return numbers[0] if numbers and done.returncode == 0 else None


def base_of(context: Path, dockerfile: str | None, inline: str | None, target: str | None) -> Dockerfile:
    """What a build context says of how its image runs. Raises DevstackError when there is no Dockerfile to read."""
    if inline is not None:
        return read_dockerfile(inline, target)
    path = context / (dockerfile or "Dockerfile")
    try:
        return read_dockerfile(path.read_text(encoding="utf-8"), target)
    except OSError as error:
        raise DevstackError(f"{path} cannot be read: {error.strerror}") from error

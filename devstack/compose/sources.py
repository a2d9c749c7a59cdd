"""Which files a stack is read from, and the environment they are read with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from devstack.compose.dotenv import parse
from devstack.compose.interpolate import unset
from devstack.compose.shapes import Faults
from devstack.document import read_text
from devstack.errors import Problem, SpecError, Where

NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
OVERRIDES = ("compose.override.yml", "compose.override.yaml", "docker-compose.override.yml", "docker-compose.override.yaml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What to read. `texts` holds contents to use instead of what is on disk; Path("-") in `files` is standard input.

    `start` is the folder a search began in: its `.env` wins over that of the project directory, as in Compose. `without` are services
    that are taken out of what was read.
    """

    files: tuple[Path, ...]
    directory: Path
    environment: Mapping[str, str]
    env_files: tuple[Path, ...] | None = None
    name: str | None = None
    profiles: tuple[str, ...] = ()
    texts: Mapping[Path, str] = field(default_factory=dict)
    services: tuple[str, ...] = ()
    start: Path | None = None
    without: tuple[str, ...] = ()


def discover(start: Path, environment: Mapping[str, str]) -> Sources | None:
    """The Compose files `docker compose` would use in `start`: COMPOSE_FILE, else the default names here or in a folder above.

    None when there are none. Raises `SpecError` when COMPOSE_FILE names a file that is missing.
    """
    start = start.absolute()
    known = {**_dotenv(start / ".env", environment), **environment}
    if named := known.get("COMPOSE_FILE"):
        separator = known.get("COMPOSE_PATH_SEPARATOR") or ":"
        files = tuple(start / name for name in named.split(separator) if name)
        missing = [file for file in files if str(file.name) != "-" and not file.is_file()]
        if missing:
            raise SpecError([Problem(Where(str(file)), "no such file", hint="COMPOSE_FILE names it") for file in missing])
        return Sources(files=files, directory=files[0].parent, environment=environment, start=start)
    for folder in (start, *start.parents):
        files = tuple(found for names in (NAMES, OVERRIDES) if (found := _first(folder, names)) is not None)
        if files and files[0].name in NAMES:
            return Sources(files=files, directory=folder, environment=environment, start=start)
    return None


def _first(folder: Path, names: tuple[str, ...]) -> Path | None:
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _dotenv(path: Path, environment: Mapping[str, str]) -> dict[str, str]:
    if not path.is_file():
        return {}
    values = parse(read_text(path), str(path), environment.get)
    return {name: value for name, value in values.items() if value is not None}


class Texts:
    """File contents by path, each read once, and the names under which errors show them."""

    def __init__(self, sources: Sources) -> None:
        self._given = {path.absolute(): text for path, text in sources.texts.items()} | dict(sources.texts)
        self._variables: dict[Path, str] = {}
        self.by_name: dict[str, str] = {}

    @staticmethod
    def shown(path: Path) -> str:
        """A path as errors name it: relative where it lies under the current folder."""
        if str(path) == "-":
            return "standard input"
        try:
            return str(path.absolute().relative_to(Path.cwd()))
        except (ValueError, OSError):
            return str(path)

    def exists(self, path: Path) -> bool:
        return path in self._given or path.absolute() in self._given or path.is_file()

    def read(self, path: Path) -> str:
        """A Compose file. Raises `SpecError` when there is no such file."""
        name = self.shown(path)
        if name not in self.by_name:
            self.by_name[name] = self._text(path, name)
        return self.by_name[name]

    def read_variables(self, path: Path) -> str:
        """An env file; errors never show its lines, they hold secrets."""
        if path not in self._variables:
            self._variables[path] = self._text(path, self.shown(path))
        return self._variables[path]

    def _text(self, path: Path, name: str) -> str:
        for key in (path, path.absolute()):
            if key in self._given:
                return self._given[key]
        if str(path) == "-":
            import sys

            return sys.stdin.read()
        return read_text(path, name)


def project_environment(sources: Sources, texts: Texts, faults: Faults) -> tuple[dict[str, str], tuple[Path, ...]]:
    """The variables for interpolation (the shell wins over env files, a later file over an earlier), and the files given."""
    given = sources.env_files
    if given is None and (named := sources.environment.get("COMPOSE_ENV_FILES")):
        given = tuple(sources.directory / name for name in named.split(",") if name)
    environment = sources.environment
    files = given
    if files is None:
        folders = dict.fromkeys(folder for folder in (sources.start, sources.directory) if folder is not None)
        *before, last = (folder / ".env" for folder in folders)
        for path in before:
            if texts.exists(path):
                environment = read_env_files((path,), environment, texts, faults)
        files = (last,) if texts.exists(last) else ()
    return read_env_files(files, environment, texts, faults), given or ()


def read_env_files(files: tuple[Path, ...], environment: Mapping[str, str], texts: Texts, faults: Faults) -> dict[str, str]:
    """`environment` laid over the variables of the files."""
    found: dict[str, str] = {}

    def warn(name: str) -> None:
        faults.note(unset(name))

    for file in files:
        try:
            values = parse(texts.read_variables(file), texts.shown(file), environment.get, warn, found)
        except SpecError as error:
            faults.problems.extend(error.problems)
            continue
        found.update({name: value for name, value in values.items() if value is not None})
    return {**found, **environment}


def with_directory(sources: Sources) -> Sources:
    """The sources with an absolute project directory."""
    return replace(sources, directory=sources.directory.absolute())

"""The corpus: Compose documents, each with what `docker compose` 2.40 makes of it.

`corpus/<topic>.yaml` holds documents of one file, each under a line `--- # title`; its answers are in `corpus/<topic>.answers.json`.
`corpus/<case>/` is a project of several files, with `case.json` for how it is loaded and `expected.json` for the answer.
In answers the project's folder is "<dir>", the one above it "<above>". `python -m tests.compose.record` makes them anew,
with `--missing` only those that are not there yet.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from devstack.compose.load import Sources

CORPUS = Path(__file__).parent / "corpus"
HOME = "/home/dev"
LISTS = ("services", "images", "volumes", "networks", "profiles")


@dataclass(frozen=True)
class Case:
    """One project of the corpus. `text` is the document of a case that has no folder of its own."""

    name: str
    text: str | None = None
    folder: Path | None = None
    options: dict[str, Any] = field(default_factory=dict)

    def place(self, tmp: Path) -> Path:
        """The folder of the case; a single document is written into `tmp`."""
        if self.folder is not None:
            return self.folder
        target = tmp / f"case-{zlib.crc32(self.name.encode()):08x}"
        target.mkdir(parents=True, exist_ok=True)
        (target / "compose.yaml").write_text(self.text or "")
        return target

    @property
    def files(self) -> list[str]:
        return list(self.options.get("files", ["compose.yaml"]))

    @property
    def environment(self) -> dict[str, str]:
        return {"HOME": HOME, **self.options.get("environment", {})}

    def profiles(self) -> list[str]:
        return list(self.options.get("profiles", ["*"] if self.folder is None else []))

    @property
    def is_sampled(self) -> bool:
        """Whether the lists of `config` are compared too; a process for each of them is too much for all cases."""
        return self.name.startswith("variables") or zlib.crc32(self.name.encode()) % 16 == 0

    def sources(self, folder: Path) -> Sources:
        """How devstack reads the case."""
        env_files = self.options.get("env_files")
        directory = folder / self.options["directory"] if "directory" in self.options else (folder / self.files[0]).parent
        return Sources(
            files=tuple(folder / name for name in self.files),
            directory=directory,
            environment=self.environment,
            env_files=None if env_files is None else tuple(folder / name for name in env_files),
            name=self.options.get("name"),
            profiles=tuple(self.profiles()),
        )

    def command(self) -> list[str]:
        """How Compose reads it, run inside the folder."""
        options = [part for name in self.files for part in ("-f", name)]
        options += [part for name in self.options.get("env_files", []) for part in ("--env-file", name)]
        options += [part for name in self.profiles() for part in ("--profile", name)]
        for key, flag in (("name", "-p"), ("directory", "--project-directory")):
            if key in self.options:
                options += [flag, self.options[key]]
        return [*compose_program(), *options, "config"]

    def answer(self, folder: Path) -> dict[str, Any]:
        """What Compose says: {"model", "hashes"} or {"refused": message}, with "uninterpolated" (the same of `--no-interpolate`)
        and, for a sample of the cases, "lists"."""
        # HOME is made up, so the docker CLI is told where its plugins are.
        config = os.environ.get("DOCKER_CONFIG", str(Path.home() / ".docker"))
        # A process that lives for a moment need not look for garbage: two fifths of its time.
        environment = {"PATH": os.environ["PATH"], "DOCKER_CONFIG": config, "GOGC": "off", **self.environment}

        def run(*more: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [*self.command(), *more], cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False
            )

        raw = run("--no-interpolate", "--format", "json")
        extra: dict[str, Any] = {
            "uninterpolated": refusal(raw, folder) if raw.returncode else {"model": placeholders(json.loads(raw.stdout), folder)}
        }
        if self.is_sampled:
            extra["lists"] = {name: _listed(run(f"--{name}")) for name in LISTS}
            variables = run("--variables", "--format", "json")
            extra["lists"]["variables"] = None if variables.returncode else json.loads(variables.stdout)
        model = run("--format", "json")
        if model.returncode:
            return {**refusal(model, folder), **extra}
        answer: dict[str, Any] = {"model": placeholders(undollar(json.loads(model.stdout)), folder), **extra}
        # Hashes are compared where no path of this folder is in them. `config --hash` also hashes the paths of env files, which
        # the label that `up` writes does not: test_hash_labels.py looks at that one.
        written = "".join(path.read_text() for path in folder.rglob("*.yaml"))
        if not re.search("<dir>|<above>", json.dumps(answer["model"])) and not re.search("env_file|label_file", written):
            answer["hashes"] = dict(line.split() for line in run("--hash", "*").stdout.splitlines())
        return answer


def cases() -> Iterator[Case]:
    for path in sorted(CORPUS.glob("*.yaml")):
        for title, text in documents(path.read_text()):
            yield Case(f"{path.stem}: {title}", text=text)
    for folder in sorted(path for path in CORPUS.iterdir() if path.is_dir()):
        options = folder / "case.json"
        yield Case(folder.name, folder=folder, options=json.loads(options.read_text()) if options.exists() else {})


def documents(text: str) -> Iterator[tuple[str, str]]:
    for block in re.split(r"^--- # ", text, flags=re.MULTILINE)[1:]:
        title, _, body = block.partition("\n")
        yield title, body


def stored() -> dict[str, dict[str, Any]]:
    """The answers by the names of the cases."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(CORPUS.glob("*.answers.json")):
        topic = path.name.removesuffix(".answers.json")
        found |= {f"{topic}: {title}": answer for title, answer in json.loads(path.read_text()).items()}
    for path in sorted(CORPUS.glob("*/expected.json")):
        found[path.parent.name] = json.loads(path.read_text())
    return found


def refusal(done: subprocess.CompletedProcess[str], folder: Path) -> dict[str, Any]:
    """Compose's words, without where its own code broke off."""
    lines = [line for line in done.stderr.strip().splitlines() if "level=warning" not in line]
    said = " ".join(line for line in lines if "goroutine" not in line and ".go:" not in line and "(0x" not in line)
    return {"refused": placeholders(said.partition("github.com/")[0].strip(), folder)}


def _listed(done: subprocess.CompletedProcess[str]) -> list[str] | None:
    """The lines in order, None for a refusal."""
    return None if done.returncode else sorted(done.stdout.splitlines())


def undollar(value: Any) -> Any:
    """Compose prints a dollar sign as two."""
    if isinstance(value, str):
        return value.replace("$$", "$")
    if isinstance(value, list):
        return [undollar(item) for item in value]
    return {key.replace("$$", "$"): undollar(item) for key, item in value.items()} if isinstance(value, dict) else value


def placeholders(value: Any, folder: Path) -> Any:
    """The value without this machine's paths."""
    if isinstance(value, str):
        return value.replace(str(folder), "<dir>").replace(str(folder.parent), "<above>")
    if isinstance(value, list):
        return [placeholders(item, folder) for item in value]
    return {key: placeholders(item, folder) for key, item in value.items()} if isinstance(value, dict) else value


@cache
def compose_program() -> tuple[str, ...]:
    """The plug-in itself where it is found: without the CLI before it, it takes half the time."""
    own = os.environ.get("DOCKER_CONFIG", str(Path.home() / ".docker"))
    folders = [f"/usr/{place}/docker/cli-plugins" for place in ("local/lib", "local/libexec", "lib", "libexec")]
    found = next(
        (path for folder in (own + "/cli-plugins", *folders) if os.access(path := f"{folder}/docker-compose", os.X_OK)), ""
    )
    return (found,) if found else ("docker", "compose")


def compose_is_there() -> bool:
    """Whether a Compose of the series that the answers are from can be run."""
    try:
        found = subprocess.run(["docker", "compose", "version", "--short"], capture_output=True, text=True, timeout=30, check=False)
    except OSError:
        return False
    return found.stdout.startswith("2.40.")

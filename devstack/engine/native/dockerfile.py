"""The few instructions of a Dockerfile that say how its image runs: FROM, WORKDIR, ENV, CMD, ENTRYPOINT, and what it gives to pip."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field

_INSTRUCTION = re.compile(r"^\s*(\w+)\s+(.*)$", re.DOTALL)
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::-([^}]*))?\}|(\w+))")


@dataclass(slots=True)
class Dockerfile:
    """The stage that is built: the image it comes from, and what it adds. `requirements` are files it gives to pip."""

    base: str = ""
    folder: str = "/"
    environment: dict[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()


def read_dockerfile(text: str, target: str | None) -> Dockerfile:
    """Read as far as the wanted stage; one that builds on an earlier stage has what that stage says too."""
    stages: dict[str, Dockerfile] = {}
    arguments: dict[str, str] = {}
    stage = Dockerfile()
    name = ""
    for word, rest in _instructions(text):
        if word == "FROM":
            if target is not None and name == target:
                break
            parts = [part for part in rest.split() if not part.startswith("--")]
            base = _filled(parts[0], arguments)
            stage = _copy(stages[base]) if base in stages else Dockerfile(base=base)
            name = parts[2] if len(parts) > 2 else ""
            stages[name or f"#{len(stages)}"] = stage
        elif word == "ARG":
            key, equals, value = rest.partition("=")
            if equals:
                arguments.setdefault(key.strip(), value.strip().strip("\"'"))
        else:
            _take(stage, word, rest, arguments)
    return stage


def _take(stage: Dockerfile, word: str, rest: str, arguments: dict[str, str]) -> None:
    known = {**arguments, **stage.environment}
    if word == "WORKDIR":
        folder = _filled(rest.strip(), known)
        stage.folder = folder if folder.startswith("/") else f"{stage.folder.rstrip('/')}/{folder}"
    elif word == "ENV":
        words = shlex.split(rest)
        if words and "=" not in words[0]:
            stage.environment[words[0]] = _filled(rest.split(None, 1)[1] if len(words) > 1 else "", known)
        else:
            for pair in words:
                key, _, value = pair.partition("=")
                stage.environment[key] = _filled(value, known)
    elif word == "CMD":
        stage.command = _words(rest)
    elif word == "ENTRYPOINT":
        stage.entrypoint, stage.command = _words(rest), ()
    elif word == "RUN" and "pip" in rest:
        stage.requirements += tuple(re.findall(r"(?:-r|--requirement)[ =]\s*([^\s\\;&]+)", rest))


def _instructions(text: str) -> Iterator[tuple[str, str]]:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for line in re.sub(r"\\[ \t]*\n", " ", "\n".join(lines)).splitlines():
        found = _INSTRUCTION.match(line)
        if found is not None:
            yield found[1].upper(), found[2].strip()


def _words(text: str) -> tuple[str, ...]:
    if text.startswith("["):
        try:
            return tuple(str(word) for word in json.loads(text))
        except ValueError:
            pass  # not JSON, so the engine takes it for a shell's line too
    return ("/bin/sh", "-c", text)


def _filled(text: str, known: dict[str, str]) -> str:
    return _VARIABLE.sub(lambda found: known.get(found[1] or found[3], found[2] or ""), text)


def _copy(stage: Dockerfile) -> Dockerfile:
    return Dockerfile(stage.base, stage.folder, dict(stage.environment), stage.command, stage.entrypoint, stage.requirements)

"""What a spec may ask for beside Compose and env files: .dockerignore, a Makefile, package.json scripts."""

from __future__ import annotations

import json
import re
from pathlib import Path

from devstack.document import problem, read_text
from devstack.errors import Problem, SpecError, Where
from devstack.render.model import MARK
from devstack.spec.find import shown
from devstack.spec.model import Spec

SCRIPTS = {
    "docker:up": "devstack up",
    "docker:down": "devstack down",
    "docker:logs": "devstack logs -f",
    "docker:reset": "devstack reset",
    "docker:ps": "devstack status",
}

_IGNORED = """\
.git
.gitignore
.env
.env.*
!.env.example
.venv
venv
__pycache__
*.pyc
.pytest_cache
.mypy_cache
.ruff_cache
.coverage
htmlcov
node_modules
dist
build
coverage
.vite
.devstack
.idea
.vscode
.DS_Store
Dockerfile*
.dockerignore
compose*.y*ml
docker-compose*.y*ml
"""


def dockerignore() -> str:
    """What never belongs into an image that is built from a source folder: secrets, caches, what the image makes itself."""
    return f"# {MARK}: what stays out of images built from this folder\n{_IGNORED}"


_TARGETS = (
    ("up", "devstack up", "Start everything and wait until it is healthy"),
    ("down", "devstack down", "Stop and remove the containers; data stays"),
    ("logs", "devstack logs -f $(SERVICE)", "Follow the logs (SERVICE=api for one service)"),
    ("ps", "devstack status", "What runs and how it is"),
    ("db-shell", "devstack db-shell", "Open the database"),
    ("verify", "devstack verify", "Prove that the environment works"),
    ("reset", "devstack reset", "Back to a clean state; devstack undo brings the data back"),
)


def makefile(spec: Spec) -> str:
    """The daily commands as Make targets; `make` alone lists them."""
    targets = [item for item in _TARGETS if item[0] != "db-shell" or spec.schema or _has_postgres(spec)]
    names = " ".join(name for name, _, _ in targets)
    lines = [f"# {MARK} from {spec.files[0].name}; edit that instead", ".DEFAULT_GOAL := help", f".PHONY: help {names}", ""]
    lines += ["help: ## This list"]
    lines += ["\t@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf \"  %-10s %s\\n\", $$1, $$2}' $(MAKEFILE_LIST)", ""]
    for name, command, text in targets:
        lines += [f"{name}: ## {text}", f"\t{command}", ""]
    return "\n".join(lines)


def _has_postgres(spec: Spec) -> bool:
    return any(service.kind == "postgres" for service in spec.services.values()) or bool(spec.compose)


def package_json(path: Path) -> str:
    """The package.json at `path` with our scripts in it, the rest as it stands. Raises `SpecError`."""
    if not path.is_file():
        return json.dumps({"private": True, "scripts": SCRIPTS}, indent=2) + "\n"
    text = read_text(path, shown(path))
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise SpecError([problem(Where(shown(path), error.lineno, error.colno), f"is no JSON: {error.msg}", source=text)]) from None
    scripts = found.get("scripts", {}) if isinstance(found, dict) else None
    if not isinstance(scripts, dict):
        raise SpecError([problem(Where(shown(path), 1, 1), "a package.json is an object whose scripts are an object", source=text)])
    others = [name for name, command in SCRIPTS.items() if not _ours(scripts.get(name), command)]
    if others:
        raise SpecError([_theirs(path, text, name, str(scripts[name])) for name in others])
    if all(scripts.get(name) == command for name, command in SCRIPTS.items()):
        return text
    found["scripts"] = {**scripts, **SCRIPTS}
    indent = re.search(r"^([ \t]+)\S", text, re.MULTILINE)
    return json.dumps(found, indent=indent[1] if indent else 2, ensure_ascii=False) + ("\n" if text.endswith("\n") else "")


def _ours(script: object, command: str) -> bool:
    """Is a script absent, or one that devstack wrote (it begins with the same command)?"""
    return script is None or (isinstance(script, str) and script.split()[:2] == command.split()[:2])


def _theirs(path: Path, text: str, name: str, script: str) -> Problem:
    line = next((number for number, item in enumerate(text.splitlines(), 1) if f'"{name}"' in item), 1)
    message = f'the script "{name}" is not devstack\'s: {script}'
    return problem(Where(shown(path), line, 1), message, hint="rename it, or set render.package_json to false", source=text)

"""The shape of the house: imports point one way, and every third-party package has one door."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "devstack"
MODULES = sorted(PACKAGE.rglob("*.py"))

# Each line may import from its own line and from those above it.
FLOORS = (
    ("errors", "labels", "words", "tarfiles", "private"),
    ("compose.model", "compose.service_parts", "compose.values"),
    ("document",),
    ("lock", "compose", "redact"),
    ("spec",),
    ("render",),
    ("engine",),
    ("plan",),
    ("execute", "database"),
    (
        "identity",
        "status",
        "machine",
        "isolation",
        "one_off",
        "transfer",
        "patterns",
        "watching",
        "log_view",
        "diagnosis",
        "project",
        "native_fit",
        "bring_up",
    ),
    ("verify",),
    ("reports",),
    ("cli", "__main__"),
    ("testing",),
    ("pytest_plugin",),
)
DOORS = {
    "docker": "engine",
    "requests": "engine",
    "urllib3": "engine",
    "psycopg": "database/connection.py",
    "yaml": "document",
    "jinja2": "render/templating.py",
    "typer": "cli",
    "rich": "cli",
    "pytest": "pytest_plugin.py",
    "backports": "tarfiles.py",
}
NEVER = ("click",)


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Every imported module's name with its line, imports for the type checker only left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "devstack":
                yield from ((f"devstack.{alias.name}", node.lineno) for alias in node.names)
            else:
                yield node.module, node.lineno


def name_of(path: Path) -> str:
    relative = path.relative_to(PACKAGE).with_suffix("")
    parts = relative.parts[:-1] if relative.name == "__init__" else relative.parts
    return ".".join(parts)


def floor(module: str) -> int | None:
    best: tuple[int, int] | None = None
    for number, names in enumerate(FLOORS):
        for name in names:
            if (module == name or module.startswith(f"{name}.")) and (best is None or len(name) > best[1]):
                best = (number, len(name))
    return best[0] if best else None


def shown(path: Path) -> str:
    return str(path.relative_to(PACKAGE.parent))


@pytest.mark.parametrize("path", MODULES, ids=shown)
def test_imports_point_one_way(path: Path) -> None:
    here = floor(name_of(path))
    if name_of(path) == "":
        return
    assert here is not None, f"{shown(path)} has no floor in FLOORS"
    for module, line in imports(path):
        if module.startswith("devstack."):
            there = floor(module.removeprefix("devstack."))
            assert there is None or there <= here, f"{shown(path)}:{line} imports {module}, which stands above it"


@pytest.mark.parametrize("path", MODULES, ids=shown)
def test_every_third_party_package_has_one_door(path: Path) -> None:
    inside = str(path.relative_to(PACKAGE))
    for module, line in imports(path):
        package = module.split(".")[0]
        door = DOORS.get(package)
        assert package not in NEVER, f"{shown(path)}:{line} imports {package}"
        assert door is None or inside == door or inside.startswith(f"{door}/"), (
            f"{shown(path)}:{line} imports {package} beside its door"
        )


@pytest.mark.parametrize("path", MODULES, ids=shown)
def test_archives_that_are_unpacked_are_filtered_on_every_python(path: Path) -> None:
    """Debian 12's Python 3.11.2 has neither filters nor `TarInfo.replace` in its own `tarfile`."""
    text = path.read_text(encoding="utf-8")
    if path.name != "tarfiles.py" and ("FilterError" in text or "data_filter" in text or ".extract(" in text or "TarInfo" in text):
        unpacks = "filter=" in text or "deep=False" in text
        assert not unpacks or "devstack.tarfiles" in {module for module, _ in imports(path)}, (
            f"{shown(path)} imports tarfile itself"
        )


def test_every_floor_has_somebody_on_it_or_is_named_for_what_comes() -> None:
    names = {name_of(path) for path in MODULES}
    for floor_names in FLOORS:
        for name in floor_names:
            assert any(module == name or module.startswith(f"{name}.") for module in names), name


@pytest.mark.parametrize("path", MODULES, ids=shown)
def test_no_module_is_longer_than_a_person_reads(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400, shown(path)


@pytest.mark.parametrize(
    "module",
    [
        "devstack.cli.app",
        "devstack.cli.session",
        "devstack.plan.up",
        "devstack.engine.native.engine",
        "devstack.engine.native.supervisor",
    ],
)
def test_nobody_pays_for_a_package_that_is_not_used(module: str) -> None:
    """The Docker SDK, psycopg and Jinja2 are imported where an engine, a database or a template is really needed."""
    code = f"import sys, {module}; print(*sorted({{'docker', 'requests', 'psycopg', 'jinja2'}} & sys.modules.keys()))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.split() == []

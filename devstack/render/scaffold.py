"""New projects from templates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from devstack.document import did_you_mean, plain, read
from devstack.errors import DevstackError, Refused, UsageError
from devstack.render.templating import Templates
from devstack.spec.find import shown
from devstack.spec.kinds import templates_root
from devstack.spec.load import project_slug

_ABOUT = "template.yml"
_RENDERED = ".j2"
_DOT = "dot-"


@dataclass(frozen=True, slots=True)
class ProjectTemplate:
    """A project to begin with."""

    name: str
    summary: str
    folder: Path


def templates() -> Mapping[str, ProjectTemplate]:
    """Every project template by name."""
    found = {}
    for path in sorted((templates_root() / "projects").glob(f"*/{_ABOUT}")):
        node = read(path)
        about = plain(node) if node is not None else {}
        summary = about.get("summary", "") if isinstance(about, dict) else ""
        found[path.parent.name] = ProjectTemplate(path.parent.name, str(summary), path.parent)
    return found


def scaffold(template: str, target: Path, name: str) -> tuple[Path, ...]:
    """Write a project into `target`, which is made when missing, and answer the files written, in order.

    All or nothing: an existing file of the same name is a refusal, and a failure on the way takes back what was written.
    Raises `Refused`, `UsageError` for an unknown template or a bad name, `DevstackError` when the disk says no.
    """
    known = templates()
    if template not in known:
        nearest = did_you_mean(template, known)
        hints = [*([nearest] if nearest else []), f"templates: {', '.join(known)}"]
        raise UsageError(f'there is no project template "{template}"', hints=hints)
    if not name or name != project_slug(name):
        slug = project_slug(name)
        raise UsageError(
            f'"{name}" is no project name', hints=[f"for example {slug or 'my-shop'}", "small letters, digits, - and _"]
        )
    files = dict(_files(known[template].folder, target, name))
    if (target / ".gitignore").exists():  # rendering adds to it what it lacks
        files.pop(target / ".gitignore", None)
    existing = [path for path in files if path.exists() or path.is_symlink()]
    if existing:
        names = ", ".join(shown(path) for path in existing)
        raise Refused(
            f"{names} would be overwritten",
            code="exists",
            hints=["choose an empty folder: devstack init DIR", "nothing was written"],
        )
    _write_all(files)
    return tuple(files)


def _files(folder: Path, target: Path, name: str) -> Iterator[tuple[Path, str]]:
    """Where each file of a template goes, and its text."""
    rendered = Templates(folder)
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if not path.is_file() or str(inside) == _ABOUT or "__pycache__" in inside.parts:
            continue
        text = rendered.render(str(inside), {"name": name}) if path.suffix == _RENDERED else path.read_text(encoding="utf-8")
        parts = [f".{part.removeprefix(_DOT)}" if part.startswith(_DOT) else part for part in inside.parts]
        yield target.joinpath(*parts[:-1], parts[-1].removesuffix(_RENDERED)), text


def _write_all(files: Mapping[Path, str]) -> None:
    done: list[Path] = []
    folders: list[Path] = []
    try:
        for path, text in files.items():
            missing = [parent for parent in (path.parent, *path.parent.parents) if not parent.exists()]
            for parent in reversed(missing):
                parent.mkdir()
                folders.append(parent)
            with path.open("x", encoding="utf-8", newline="\n") as out:
                done.append(path)
                out.write(text)
    except OSError as error:
        for path in reversed(done):
            path.unlink(missing_ok=True)
        for parent in reversed(folders):
            parent.rmdir()
        raise DevstackError(f"{shown(Path(error.filename or '.'))} cannot be written: {error.strerror}", code="file") from None

"""Keeping what belongs to one checkout out of version control. Git itself is asked; where there is no git, nothing is done."""

from __future__ import annotations

import subprocess
from pathlib import Path

from devstack.document import read_text
from devstack.render.model import RenderedFile
from devstack.spec.find import shown

_COMMENT = "# Of this checkout only (devstack)"


def ignored_additions(root: Path, files: tuple[RenderedFile, ...]) -> RenderedFile | None:
    """The project's .gitignore with what is missing at its end; None when nothing is missing or this is no repository."""
    env = next((file.path for file in files if file.purpose == "env"), root / ".env")
    wanted = {
        "/" + str(env.relative_to(root)): env,
        "/devstack.local.yml": root / "devstack.local.yml",
        "/.devstack/": root / ".devstack" / "x",
    }
    ignored = _ignored(root, list(wanted.values()))
    if ignored is None:
        return None
    missing = [line for line, path in wanted.items() if str(path) not in ignored]
    if not missing:
        return None
    path = root / ".gitignore"
    text = read_text(path, shown(path)) if path.is_file() else ""
    if text and not text.endswith("\n"):
        text += "\n"
    lines = "".join(f"{line}\n" for line in (_COMMENT, *missing))
    return RenderedFile(path=path, text=(f"{text}\n" if text else "") + lines, purpose="gitignore")


def tracked(root: Path, path: Path) -> bool:
    """Is the file under version control?"""
    result = _git(root, "ls-files", "--error-unmatch", "--", str(path))
    return result is not None and result.returncode == 0


def _ignored(root: Path, paths: list[Path]) -> frozenset[str] | None:
    result = _git(root, "check-ignore", "--no-index", "-z", "--stdin", given="\0".join(map(str, paths)))
    if result is None or result.returncode not in (0, 1):
        return None
    return frozenset(result.stdout.split("\0"))


def _git(root: Path, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str] | None:
    try:
        return subprocess.run(
            ["git", "-C", str(root), *arguments], input=given, capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None

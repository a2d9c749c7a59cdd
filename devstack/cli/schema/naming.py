"""The flow of `schema new`: where the next file goes, and what it is called."""

from __future__ import annotations

import re
import time
from pathlib import Path, PurePosixPath

from devstack.cli.schema.choosing import spec_of
from devstack.cli.session import Session
from devstack.errors import DevstackError, UsageError
from devstack.spec.model import SchemaSpec, Spec

_NUMBER = re.compile(r"(?P<letter>[vV]?)(?P<digits>\d+)(?P<rest>[^\w]*_*|[-_.]+)")
_DATED = 14
"""So many digits are a date and a time: 20260102150405."""
_DOWN = "\n-- devstack: down\n"


def make(session: Session, title: str, named: str | None, *, down: bool) -> None:
    """Write the next file and answer with its path. It is not known to the database before it is applied."""
    spec = spec_of(session)
    entry = _entry(spec, named)
    if entry.tool is not None:
        raise UsageError(
            f"{entry.service}'s schema is made by {entry.tool.name}, which makes its own files",
            hints=[f"devstack exec {entry.tool.run} {_of_tool(entry.tool.name, title)}"],
        )
    from devstack.bring_up import schema_files

    path = next_path(spec.root, entry.files, schema_files(spec, entry), title)
    text = f"-- {title.strip()}\n\n" + (_DOWN if down else "")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise DevstackError(f"{session.relative(spec.root, path)} is there already", code="schema-new") from None
    name = session.relative(spec.root, path)
    session.console.answer({"file": name}, name)
    session.console.say("next: write its SQL, then devstack schema apply")


def next_path(root: Path, patterns: tuple[str, ...], files: tuple[Path, ...], title: str) -> Path:
    """The path of the next file: beside the last one, with the next number or the time of day. Raises DevstackError when none fits."""
    slug = re.sub(r"\W+", "_", title.strip().lower()).strip("_")
    if not slug:
        raise UsageError(f'no file name can be made of "{title}"', hints=["devstack schema new add_orders"])
    last = files[-1] if files else None
    folder = last.parent if last else root / "db"
    path = folder / f"{_prefix(files)}{slug}.sql"
    relative = PurePosixPath(path.relative_to(root).as_posix())
    if not any(_fits(relative, pattern) for pattern in patterns):
        raise DevstackError(
            f"{relative} would not be among the files of the schema ({', '.join(patterns)})",
            hints=["name a pattern under schema.files: db/*.sql"],
            code="schema-new",
        )
    return path


def _fits(path: PurePosixPath, pattern: str) -> bool:
    return path.match(pattern) or path.match(pattern.replace("**/", ""))


def _prefix(files: tuple[Path, ...]) -> str:
    """What the next file's name begins with, in the manner of the last one that is numbered."""
    for path in reversed(files):
        found = _NUMBER.match(path.name)
        if found is None:
            continue
        digits = found["digits"]
        if len(digits) >= _DATED:
            return f"{found['letter']}{time.strftime('%Y%m%d%H%M%S', time.gmtime())}{'0' * (len(digits) - _DATED)}{found['rest']}"
        highest = max(int(m["digits"]) for p in files if (m := _NUMBER.match(p.name)) and len(m["digits"]) < _DATED)
        return f"{found['letter']}{highest + 1:0{len(digits)}}{found['rest']}"
    return "001_" if not files else ""


def _entry(spec: Spec, named: str | None) -> SchemaSpec:
    fits = [e for e in spec.schema if not named or named in (e.database, e.service, f"{e.service}/{e.database}")]
    if len(fits) == 1:
        return fits[0]
    places = [f"{e.service}/{e.database}".rstrip("/") for e in spec.schema]
    if fits:
        raise UsageError("there are several databases", hints=[f"--database {place}" for place in places])
    raise UsageError(f"devstack.yml has no schema for {named}", hints=[f"it has: {', '.join(places)}"])


def _of_tool(tool: str, title: str) -> str:
    return {
        "alembic": f'alembic revision --autogenerate -m "{title}"',
        "prisma": f"npx prisma migrate dev --create-only --name {title}",
        "django": "python manage.py makemigrations",
        "dbmate": f"dbmate new {title}",
    }.get(tool, "...")

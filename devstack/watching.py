"""`develop.watch`: what to do when which files change. Pure but for looking at the files.

Files are looked at again and again (their times and sizes), for that works on every file system, also where no notice of a change
reaches: shared folders of virtual machines, network mounts.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from devstack.compose.model import EMPTY, Json, Service, Stack
from devstack.errors import UsageError
from devstack.patterns import Patterns, any_of

EPHEMERAL = any_of(
    (
        "**/.git",
        "**/*~",
        "**/.*.sw?",
        "**/.*.sw",
        "**/4913",
        "**/.#*",
        "**/#*#",
        "**/.DS_Store",
        "**/*___jb_tmp___",
        "**/*___jb_old___",
    )
)
"""What editors and git leave for a moment."""

Mark: TypeAlias = tuple[int, int, int]
"""A file's time of change, size and inode: when one differs the file has changed."""
Seen: TypeAlias = Mapping[str, Mark]
"""The files of one trigger, by their path below its own ("" is the path itself when it is a file)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exec:
    """The command of `sync+exec`."""

    command: tuple[str, ...]
    user: str = ""
    privileged: bool = False
    working_dir: str = ""
    environment: Mapping[str, str] = EMPTY


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """One entry of `develop.watch`. `ignored` says which paths below `path` do not count."""

    service: str
    path: Path
    action: str
    target: str = ""
    exec: Exec | None = None
    counts: Callable[[str], bool]
    prunes: Callable[[str], bool]

    @property
    def syncs(self) -> bool:
        return self.action.startswith("sync")


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What has to be done for one service now. `sync` maps paths in the container to files here, `remove` are paths there."""

    service: str
    rebuild: bool = False
    restart: bool = False
    sync: Mapping[str, Path] = EMPTY
    remove: tuple[str, ...] = ()
    execs: tuple[Exec, ...] = ()
    changed: tuple[str, ...] = ()
    """The files that changed, as a person would name them."""

    @property
    def action(self) -> str:
        if self.rebuild:
            return "rebuild"
        parts = ["sync"] if self.sync or self.remove else []
        parts += ["restart"] if self.restart else []
        return "+".join(parts + (["exec"] if self.execs else []))


def triggers(stack: Stack, names: Iterable[str] = ()) -> tuple[Trigger, ...]:
    """All triggers of the named services, or of all. Raises `UsageError` when there is none."""
    wanted = tuple(names) or tuple(stack.services)
    found = [trigger for name in wanted for trigger in _of(stack.services[name])]
    if not found:
        raise UsageError(
            "there is nothing to watch: no service has a `develop.watch`",
            hints=["develop: {watch: [{action: sync, path: ./src, target: /app/src}]}"],
        )
    return tuple(found)


def _of(service: Service) -> Iterator[Trigger]:
    develop = service.canonical.get("develop")
    entries = develop.get("watch") if isinstance(develop, dict) else None
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict):
            yield _trigger(service, entry)


def _trigger(service: Service, entry: dict[str, Json]) -> Trigger:
    path = Path(str(entry["path"]))
    action = str(entry["action"])
    if action.startswith("sync") and not entry.get("target"):
        raise UsageError(f"services.{service.name}.develop.watch: {action} of {path} needs a target in the container")
    if action == "rebuild" and service.build is None:
        raise UsageError(f"services.{service.name}.develop.watch: {service.name} has no build, so it cannot be rebuilt")
    ignore, include = any_of(_texts(entry.get("ignore"))), any_of(_texts(entry.get("include")))
    context = Path(service.build.context) if service.build and "://" not in service.build.context else None
    dockerignore = _dockerignore(service, context)

    def ignored(below: str, *, whole: bool) -> bool:
        """`whole`: nothing inside counts either."""
        if EPHEMERAL.match(below) or (ignore.match(below) and not (whole and ignore.takes_back)):
            return True
        inside = _below(path / below, context)
        return inside is not None and dockerignore.match(inside) and not (whole and dockerignore.takes_back)

    return Trigger(
        service=service.name,
        path=path,
        action=action,
        target=str(entry.get("target") or ""),
        exec=_exec(entry.get("exec")),
        counts=lambda below: not ignored(below, whole=False) and (not include.lines or include.match(below)),
        prunes=lambda below: ignored(below, whole=True),
    )


def _below(path: Path, folder: Path | None) -> str | None:
    return path.relative_to(folder).as_posix() if folder is not None and path.is_relative_to(folder) else None


def _dockerignore(service: Service, context: Path | None) -> Patterns:
    """The patterns that keep files out of the image; what never gets there need not be watched. A Dockerfile's own file wins."""
    if context is None:
        return Patterns(())
    dockerfile = context / ((service.build.dockerfile if service.build else "") or "Dockerfile")
    for file in (dockerfile.with_name(dockerfile.name + ".dockerignore"), context / ".dockerignore"):
        if file.is_file():
            return Patterns.read(file.read_text(encoding="utf-8", errors="replace"))
    return Patterns(())


def _texts(value: Json) -> list[str]:
    if isinstance(value, list):
        return [str(item) for item in value]
    return [str(value)] if value else []


def _exec(value: Json) -> Exec | None:
    if not isinstance(value, dict):
        return None
    environment = value.get("environment")
    return Exec(
        command=tuple(_texts(value.get("command"))),
        user=str(value.get("user") or ""),
        privileged=bool(value.get("privileged")),
        working_dir=str(value.get("working_dir") or ""),
        environment={k: str(v) for k, v in environment.items() if v is not None} if isinstance(environment, dict) else {},
    )


def look(trigger: Trigger) -> dict[str, Mark]:
    """The trigger's files as they are now. A path that is not there has none."""
    found: dict[str, Mark] = {}
    try:
        own = trigger.path.lstat()
    except OSError:
        return found
    if not stat.S_ISDIR(own.st_mode):
        return {"": _mark(own)}
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        try:
            entries = list(os.scandir(trigger.path / folder))
        except OSError:
            continue  # gone meanwhile, or not ours to read
        for entry in entries:
            below = f"{folder}/{entry.name}" if folder else entry.name
            try:
                if entry.is_dir(follow_symlinks=False):
                    if not trigger.prunes(below):
                        waiting.append(below)
                elif trigger.counts(below):
                    found[below] = _mark(entry.stat(follow_symlinks=False))
            except OSError:
                continue
    return found


def _mark(found: os.stat_result) -> Mark:
    return found.st_mtime_ns, found.st_size, found.st_ino


def first_sync(found: Iterable[tuple[Trigger, Seen]]) -> tuple[Work, ...]:
    """What brings containers up to what stands here: every file of every trigger that syncs."""
    sync: dict[str, dict[str, Path]] = {}
    for trigger, seen in found:
        if trigger.syncs and seen:
            sync.setdefault(trigger.service, {}).update(_pairs(trigger, seen))
    return tuple(Work(service=service, sync=files) for service, files in sync.items())


def work(changes: Iterable[tuple[Trigger, Seen, Seen]]) -> tuple[Work, ...]:
    """(trigger, before, after) to what has to be done, one piece for each service."""
    by_service: dict[str, list[tuple[Trigger, list[str], list[str]]]] = {}
    for trigger, before, after in changes:
        changed = [below for below, mark in after.items() if before.get(below) != mark]
        gone = [below for below in before if below not in after]
        if changed or gone:
            by_service.setdefault(trigger.service, []).append((trigger, changed, gone))
    return tuple(_work(service, parts) for service, parts in by_service.items())


def _work(service: str, parts: list[tuple[Trigger, list[str], list[str]]]) -> Work:
    names = tuple(
        dict.fromkeys(str(t.path / below) if below else str(t.path) for t, changed, gone in parts for below in (*changed, *gone))
    )
    if any(trigger.action == "rebuild" for trigger, _, _ in parts):
        # The new image has the files too.
        return Work(service=service, rebuild=True, changed=names)
    sync: dict[str, Path] = {}
    remove: list[str] = []
    for trigger, changed, gone in parts:
        if trigger.syncs:
            sync.update(_pairs(trigger, changed))
            remove += [inside(trigger, below) for below in gone]
    return Work(
        service=service,
        restart=any("restart" in trigger.action for trigger, _, _ in parts),
        sync=sync,
        remove=tuple(remove),
        execs=tuple(trigger.exec for trigger, _, _ in parts if trigger.action == "sync+exec" and trigger.exec is not None),
        changed=names,
    )


def _pairs(trigger: Trigger, below: Iterable[str]) -> dict[str, Path]:
    return {inside(trigger, name): trigger.path / name if name else trigger.path for name in below}


def inside(trigger: Trigger, below: str) -> str:
    """Where a file of the trigger is in the container."""
    return f"{trigger.target.rstrip('/')}/{below}" if below else trigger.target

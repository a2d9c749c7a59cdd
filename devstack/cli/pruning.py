"""The flow of `db prune`: what is kept beside the live data, with its size, and taking it away."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from devstack.cli.console import columns
from devstack.cli.data import finish, refuse_remote
from devstack.cli.databases import Database, git, opened, postgres, when
from devstack.cli.losing import human
from devstack.cli.session import Session
from devstack.cli.snapshots import find
from devstack.compose.model import Json
from devstack.database import snapshot as snapshots
from devstack.database.marks import Kept, Mark
from devstack.engine.base import Engine
from devstack.errors import Refused, UsageError
from devstack.words import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing that can go. `why` in a few words; `remove` does it."""

    what: str
    name: str
    size: int | None
    why: str
    remove: Callable[[], None]


def prune(session: Session, names: Sequence[str], service: str, *, everything: bool, yes: bool) -> None:
    """Take away the named snapshots; without a name what can be made again or only serves undo, with `everything` all."""
    with _reached(session, service, in_server=bool(names)) as live:
        if live is None:
            items = [_volume_copies(session.engine, one) for one in _outside(session)]
        else:
            items = _named(live, names) if names else _items(session, live, everything=everything)
        if not items:
            session.console.answer({"removed": [], "freed": 0}, "nothing to prune")
            return
        total = sum(item.size or 0 for item in items)
        session.console.say(f"This takes away for good, {human(total)} in all:")
        session.console.say(columns([[item.what, item.name, human(item.size), item.why] for item in items]))
        if not yes and not session.console.ask("Take it away?"):
            raise Refused("nothing was changed", hints=[" ".join(["devstack db prune", *names, "--yes"])])
        for item in items:
            item.remove()
    removed: list[Json] = [{"what": item.what, "name": item.name, "size": item.size} for item in items]
    session.console.answer({"removed": removed, "freed": total}, f"{counted(len(items), 'thing')} removed, {human(total)} freed")


@contextmanager
def _reached(session: Session, service: str, *, in_server: bool) -> Iterator[Database | None]:
    """The server; None where it does not run or there is none, and copies of volumes are all that can go.

    Raises DatabaseError "not-running" when there is nothing of that either, or when it is about what is `in_server`.
    """
    try:
        name = postgres(session, service).service
    except UsageError as error:
        if error.code != "no-database" or service or in_server:
            raise
        name = ""
    runs = name and any(container.running for container in session.observe().of(name))
    if runs or in_server or (name and not _outside(session)):
        with opened(session, service, there=False) as live:
            yield live
        return
    refuse_remote(session)
    with session.locked():
        finish(session)
        if name:
            text = f"{name} is not running: what is kept on its server is not looked at (devstack up {name})"
            session.console.label("note", text)
        yield None


def _named(live: Database, names: Sequence[str]) -> list[Item]:
    wanted = [find(live, name)[0].database for name in dict.fromkeys(names)]
    found = [kept for kept in live.cluster.kept("snapshot", sizes=True) if kept.database in wanted]
    return [_dropped(live, kept, "snapshot", "") for kept in found]


def _items(session: Session, live: Database, *, everything: bool) -> list[Item]:
    items = [_volume_copies(session.engine, one) for one in _undo_steps(session)]
    for kept in live.cluster.kept("template", "aside", "branch", "snapshot", sizes=True):
        assert kept.mark is not None
        if kept.mark.kind == "template":
            items.append(_dropped(live, kept, "template", "made again by the next reset"))
        elif kept.mark.kind == "aside":
            items.append(_dropped(live, kept, "undo", f"put aside by {kept.mark.name} on {when(kept.mark.when)}"))
        elif kept.mark.kind == "branch" and (everything or not _branch_is_there(session, kept.mark)):
            items.append(_dropped(live, kept, "branch", "the state of that git branch"))
        elif kept.mark.kind == "snapshot" and everything:
            items.append(_dropped(live, kept, "snapshot", f"made on {when(kept.mark.when)}"))
    return items


def _dropped(live: Database, kept: Kept, what: str, why: str) -> Item:
    name = kept.mark.name if kept.mark is not None and what in ("snapshot", "branch") else kept.database
    return Item(what=what, name=name, size=kept.size, why=why, remove=lambda: live.cluster.drop(kept.database))


def _undo_steps(session: Session) -> list[snapshots.Snapshot]:
    found = snapshots.list_snapshots(session.engine, session.stack.name, sizes=True)
    return [one for one in found if one.automatic and not one.holds]


def _outside(session: Session) -> list[snapshots.Snapshot]:
    """Those that are nothing but copies of volumes: no server has a part in them."""
    return [one for one in _undo_steps(session) if not one.databases]


def _volume_copies(engine: Engine, one: snapshots.Snapshot) -> Item:
    size = one.size if one.parts else 0
    return Item(what="undo", name=one.name, size=size, why=f"of {when(one.when)}", remove=lambda: snapshots.remove(engine, one))


def _branch_is_there(session: Session, mark: Mark) -> bool:
    folder = session.stack.directory
    if not git(folder, "rev-parse", "--git-dir"):
        return True  # nobody can say; it stays
    return bool(git(folder, "rev-parse", "--verify", "-q", f"refs/heads/{mark.name}"))

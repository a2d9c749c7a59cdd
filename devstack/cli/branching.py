"""The flow of `db switch`: each git branch has its own state of the database, and the live one is one of them."""

from __future__ import annotations

from devstack.cli.databases import Database, git, mark, opened, say_sessions
from devstack.cli.session import Session
from devstack.compose.model import Json
from devstack.database import marks
from devstack.errors import UsageError

SETTING = "devstack.branch"
"""Which branch the live database is of, as a setting of the database itself: it goes where the database goes."""


def switch(session: Session, branch: str, service: str, database: str, *, was: str) -> None:
    """Keep the live database for the branch it is of, and bring in the one of `branch`; a branch that has none gets a copy.

    `was` names the branch of a live database that does not know it yet.
    """
    branch = branch or current(session)
    with opened(session, service, database) as live:
        before = live.cluster.setting(live.name, SETTING) or was or _first(session, branch)
        if before == branch:
            live.cluster.set(live.name, SETTING, branch)
            answer: Json = {"branch": branch, "from": before, "changed": False, "made": False}
            session.console.answer(answer, f"{live.name} is that of {branch} already")
            return
        say_sessions(session, live)
        incoming, made = _incoming(live, branch)
        live.cluster.set(incoming, SETTING, branch)
        live.cluster.set(live.name, SETTING, before)
        away = marks.branch_name(live.name, before)
        live.cluster.swap(live.name, away, incoming, mark(session, live, "branch", before))
    text = f"{live.name} is that of {branch}" + (f", begun as a copy of {before}'s" if made else "")
    done: Json = {"branch": branch, "from": before, "changed": True, "made": made}
    session.console.answer(done, f"{text}     back: devstack db switch {before}")


def current(session: Session) -> str:
    """The branch that is checked out here."""
    name = git(session.stack.directory, "symbolic-ref", "--short", "-q", "HEAD")
    if not name:
        raise UsageError("no git branch is checked out here", hints=["devstack db switch BRANCH"], code="no-branch")
    return name


def _first(session: Session, branch: str) -> str:
    """The first switch of all: the live database belongs to the branch that was checked out before this one."""
    before = git(session.stack.directory, "rev-parse", "--abbrev-ref", "@{-1}")
    if not before or before in (branch, "HEAD"):
        before = git(session.stack.directory, "symbolic-ref", "--short", "-q", "HEAD")
    return before or "main"


def _incoming(live: Database, branch: str) -> tuple[str, bool]:
    stored = marks.branch_name(live.name, branch)
    if live.cluster.has(stored):
        return stored, False
    return live.cluster.copy(live.name, like=live.name), True

"""The flow of `db fix-credentials`: the server gets the password that stands in .env."""

from __future__ import annotations

from devstack.cli import data
from devstack.cli.databases import postgres
from devstack.cli.session import Session
from devstack.compose.model import Json
from devstack.compose.roles import Postgres
from devstack.engine.base import Container
from devstack.errors import DatabaseError, Refused, UsageError


def fix(session: Session, service: str, *, yes: bool) -> None:
    """Compare, ask, put right, and prove it by connecting."""
    from devstack.database import credentials
    from devstack.database.outcome import WrongPassword

    data.refuse_remote(session)
    role = postgres(session, service)
    if not role.password:
        raise UsageError(f"{role.service} has no password in the files", hints=["set it in .env"], code="no-password")
    with session.locked():
        container = session.container(role.service)
        answer: dict[str, Json] = {"service": role.service, "user": role.user, "changed": False}
        try:
            _connect(session, role, container)
        except WrongPassword:
            pass
        else:
            session.console.answer(answer, f"nothing to fix: the password in .env opens {role.service}")
            return
        session.console.say(f"{role.service} was initialised with another password than the one in .env. No data is touched:")
        session.console.say(f"  only the password of {role.user} is changed, to the one in .env.")
        if not yes and not session.console.ask("Change it?"):
            raise Refused("nothing was changed", hints=["devstack db fix-credentials --yes"])
        credentials.set_password(session.engine, container.id, role, role.password)
        _connect(session, role, container)
    session.console.answer(
        {**answer, "changed": True}, f"{role.user} of {role.service} has the password in .env     next: devstack up"
    )


def _connect(session: Session, role: Postgres, container: Container) -> None:
    """Log in over TCP, as programs do. Raises WrongPassword."""
    from devstack.database.connection import connect
    from devstack.database.reach import target_of

    target = target_of(role, container, session.engine.info.endpoint, "postgres")
    try:
        connect(target, application_name="devstack").close()
    except DatabaseError as error:
        if error.code != "database-missing":
            raise

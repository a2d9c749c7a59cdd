r"""The flow of `db-shell --read-only`: psql in a container of its own, made of the database's image, without its volumes.

In the database's own container every role gets in without a password over the unix socket, so there `\c` or `\!` would lead out of
the role that may only read. From another container the server asks for one, and only that role's is there.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from devstack.cli.session import Session
from devstack.cli.shelling import Wanted, history_file, is_terminal, reader_for
from devstack.cli.shelling_input import sources
from devstack.compose.model import Service
from devstack.compose.roles import Postgres
from devstack.errors import DevstackError

if TYPE_CHECKING:
    from devstack.database.shell import Command
    from devstack.engine.base import Container

_NOBODY = 65534
_HISTORY = "/tmp/psql_history"  # noqa: S108 - in a container of our own


def read_only(session: Session, role: Postgres, database: Container, wanted: Wanted) -> int:
    """psql as the role that may only read; its exit code."""
    from devstack.cli import shelling_builtin
    from devstack.database.clients import psql_command

    reader = reader_for(session, role, wanted).target
    address = next((ip for ip in database.networks.values() if ip), "")
    if not address or address.startswith("127."):
        session.console.label("note", f"{role.service} shares this machine's own network, so this is the shell that is built in")
        return shelling_builtin.open_builtin(session, role, wanted)
    terminal = is_terminal() and not wanted.one_shot
    command = psql_command(
        role, sql=wanted.sql, script=bool(wanted.files), output=wanted.output, interactive=terminal, database=wanted.database,
        reader=replace(reader, host=address, port=role.port), history=_HISTORY if terminal else "",
    )  # fmt: skip
    container = _create(session, session.service(role.service), command, terminal=terminal)
    try:
        return _talk(session, container, wanted, terminal=terminal)
    finally:
        with suppress(DevstackError):
            session.engine.remove(container, anonymous_volumes=True)


def _create(session: Session, service: Service, command: Command, *, terminal: bool) -> str:
    """A container that has nothing of the service's but its image and its networks."""
    from devstack.engine.base import NewContainer
    from devstack.errors import NotFound

    reference = session.stack.image_of(service)
    image = session.engine.image(reference)
    if image is None:
        raise NotFound(f"image {reference} is gone", status=404)
    bare = Service(
        name=service.name,
        canonical={},
        image=reference,
        entrypoint=command.argv[:1],
        command=command.argv[1:],
        environment={**command.environment, "HOME": "/tmp"},  # noqa: S108 - in the container
        user=f"{_NOBODY}:{_NOBODY}",
        working_dir="/tmp",  # noqa: S108 - in the container
        networks=tuple(replace(place, aliases=(), ipv4_address="", ipv6_address="", mac_address="") for place in service.networks),
        cap_drop=("ALL",),
        security_opt=("no-new-privileges:true",),
        tty=terminal,
        stdin_open=True,
    )
    name = f"{session.stack.name}-{service.name}-shell-{secrets.token_hex(6)}"
    new = NewContainer(
        service=bare, number=0, name=name, image=reference, image_id=image.id, one_off=True, publish=False, tty=terminal, stdin=True
    )
    return session.engine.create(session.stack, new)


def _talk(session: Session, container: str, wanted: Wanted, *, terminal: bool) -> int:
    from devstack.database import history
    from devstack.database.shell import talk

    before = b""
    if terminal:
        before, packed = history.pack(history_file(session), _HISTORY, _NOBODY)
        session.engine.write_archive(container, "/tmp", [packed])  # noqa: S108 - in the container
    attached = session.engine.attach(container, tty=terminal, stdin=True)
    try:
        with sources(wanted.files) as (stdin, stderr):
            session.engine.start(container)
            code = talk(attached, stdin=stdin, stderr=stderr, terminal=terminal)
    except BaseException:
        with suppress(DevstackError):
            session.engine.kill(container)  # the server sees that its client is gone and ends the query
        raise
    finally:
        attached.close()
    after = history.unpack(session.engine, container, _HISTORY) if terminal else None
    if after is not None:
        history.keep(history_file(session), before, after)
    return code

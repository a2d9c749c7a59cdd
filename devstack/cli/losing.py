"""What is about to go: named with its size and content before anybody is asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from devstack import labels
from devstack.bring_up.ways import Ways
from devstack.cli.console import columns
from devstack.cli.session import Session
from devstack.compose.model import Volume
from devstack.compose.roles import Postgres
from devstack.database import snapshot as snapshots
from devstack.database.servers import Servers
from devstack.errors import DevstackError, Refused
from devstack.words import counted


def consent(session: Session, chosen: Ways, servers: Servers, *, yes: bool) -> dict[str, int]:
    """Say what a reset takes away and ask; bytes of the volumes, for the snapshot. Raises Refused."""
    measured = sizes(session, chosen.volumes)
    lines = [_database(servers, state.service, state.database) for state in chosen.states]
    lines += [_flushed(session, servers, service, key) for service, key in chosen.flushed.items()]
    lines += [["volume", v.name, human(measured.get(v.name)), _contents(session, v, servers)] for v in chosen.volumes]
    console = session.console
    console.say(f"This takes away the data of {session.stack.name}:")
    console.say(columns(lines))
    for service, why in chosen.reasons.items():
        if why != "--hard":
            console.label("note", f"{service} gets a new volume: {why}")
    console.say("It is kept; `devstack undo` brings everything back.")
    if not yes and not console.ask(f"Reset {session.stack.name}?"):
        raise Refused("nothing was changed", hints=["devstack reset --yes"])
    return measured


def inside(session: Session, chosen: Ways, servers: Servers) -> tuple[str, ...]:
    """The names of snapshots that live on servers whose volumes go."""
    found: list[str] = []
    going = {volume.key for volume in chosen.volumes}
    for service in session.stack.services.values():
        is_going = any(mount.source in going for mount in service.mounts)
        if is_going and isinstance(servers.role(service.name), Postgres):
            found += _inside(session, servers, service.name)
    return tuple(found)


def _inside(session: Session, servers: Servers, service: str) -> list[str]:
    if servers.container(service) is not None:
        try:
            kept = servers.cluster(service).kept("snapshot", "branch")
        except DevstackError:
            pass  # it is too damaged to be asked: that is what this is for
        else:
            return [one.mark.name for one in kept if one.mark is not None]
    return [f"snapshots of {service}"] if snapshots.inside(session.engine, session.stack.name, service) else []


def sizes(session: Session, volumes: Iterable[Volume]) -> dict[str, int]:
    """Bytes of these volumes where the engine knows. It measures every volume it has: not asked where there is none."""
    wanted = {volume.name for volume in volumes}
    if not wanted:
        return {}
    found: Mapping[str, int | None] = {
        volume.name: volume.size for volume in session.engine.volumes(f"{labels.PROJECT}={session.stack.name}", sizes=True)
    }
    return {name: size for name, size in found.items() if name in wanted and size is not None}


def human(size: int | None) -> str:
    if size is None:
        return ""
    if size >= 1e9:
        return f"{size / 1e9:.1f} GB"
    return f"{size / 1e6:.0f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"


def content(servers: Servers, service: str, database: str) -> tuple[int | None, str]:
    """(bytes, "12 tables, 1,203 rows") of a database; (None, "") where it cannot be asked."""
    from devstack.database.connection import connect
    from devstack.database.rows import total

    try:
        with connect(servers.cluster(service).at(database), application_name="devstack") as connection:
            held = total(connection)
    except DevstackError:
        return None, ""  # that it cannot be counted must not stand in the way
    rows = "rows not counted" if held.rows is None else f"{'' if held.exact else 'about '}{counted(held.rows, 'row')}"
    return held.size, f"{counted(held.tables, 'table')}, {rows}"


def _database(servers: Servers, service: str, database: str) -> list[str]:
    size, text = content(servers, service, database)
    return ["database", f"{service}/{database}", human(size), text]


def _flushed(session: Session, servers: Servers, service: str, key: str) -> list[str]:
    kept = "" if key else ", in memory only: no copy is kept of them"
    return ["keys", service, "", f"{counted(servers.keys(service), 'key')}{kept}"]


def _contents(session: Session, volume: Volume, servers: Servers) -> str:
    """How much a running database holds in a volume, and what else of ours lies there; "" elsewhere."""
    for service in session.stack.services.values():
        role = servers.role(service.name)
        mounted = any(mount.source == volume.key for mount in service.mounts)
        if mounted and isinstance(role, Postgres) and servers.container(service.name) is not None:
            _, text = content(servers, service.name, role.database)
            try:
                kept = servers.cluster(service.name).kept("snapshot", "branch", "aside")
            except DevstackError:
                return text
            inside = ", ".join(one.mark.name for one in kept if one.mark is not None and one.mark.kind != "aside")
            return f"{text}; and in it: {inside}" if inside else text
    return ""

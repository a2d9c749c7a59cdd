"""Template databases: a clean state that was made once and is copied from then on. A template that exists is complete."""

from __future__ import annotations

import time
from collections.abc import Callable

from devstack.database.cluster import Cluster
from devstack.database.marks import Kept, Mark, template_name
from devstack.database.target import Target

KEPT = 3
"""How many templates of one database are kept: branches go back and forth."""


def ensure(cluster: Cluster, database: str, key: str, build: Callable[[Target], None]) -> str:
    """The template of that key. Where there is none, `build` fills an empty database like `database`, which becomes it."""
    name = template_name(key)
    if cluster.has(name):
        return name
    work = cluster.make_empty(like=database)
    try:
        build(cluster.at(work))
    except BaseException:
        cluster.discard(work)
        raise
    mark = Mark(
        kind="template", of=database, name=key[:12], project=cluster.project, when=time.time(), server=cluster.version, key=key
    )
    cluster.freeze(work, name, mark)
    for old in kept(cluster, database)[:-KEPT]:
        cluster.drop(old.database)
    return name


def kept(cluster: Cluster, database: str = "", *, sizes: bool = False) -> tuple[Kept, ...]:
    """The templates there are, oldest first."""
    return cluster.kept("template", of=database, sizes=sizes)


def locale(cluster: Cluster, database: str) -> str:
    """Encoding, collation and character type of a database in one word."""
    found = cluster.connection.rows(
        "SELECT concat_ws('/', encoding, datcollate, datctype) FROM pg_database WHERE datname = %s", (database,)
    )
    return str(found[0][0]) if found else ""

"""Whole databases on a real server: copied with all that belongs to them, swapped at once, dropped."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from devstack.database.cluster import Cluster, open_cluster
from devstack.database.connection import Connection, connect
from devstack.database.likeness import read_likeness
from devstack.database.marks import Mark, aside_name, branch_name, decode, snapshot_name
from devstack.database.outcome import DatabaseMissing, StatementRefused
from devstack.database.target import Target
from devstack.errors import DatabaseError

PROJECT = "shop-of-tests"


@pytest.fixture
def cluster(target: Target) -> Iterator[Cluster]:
    with open_cluster(target, PROJECT) as opened:
        yield opened
        opened.sweep()
        for kept in opened.kept("template", "snapshot", "aside", "branch"):
            opened.drop(kept.database)


def mark(cluster: Cluster, kind: str = "aside", name: str = "reset") -> Mark:
    return Mark(
        kind=kind,  # type: ignore[arg-type]
        of=cluster.target.database,
        name=name,
        project=PROJECT,
        when=time.time(),
        server=cluster.version,
    )


def note(target: Target, text: str) -> None:
    with connect(target, application_name="test") as connection:
        connection.run(f"CREATE TABLE IF NOT EXISTS note (body text); INSERT INTO note VALUES ('{text}')")


def notes(target: Target) -> list[str]:
    with connect(target, application_name="test") as connection:
        return [str(body) for (body,) in connection.rows("SELECT body FROM note ORDER BY body")]


DRESS = """
CREATE ROLE {role}; CREATE ROLE "{role} Two";
ALTER DATABASE {db} OWNER TO {role};
REVOKE CONNECT ON DATABASE {db} FROM PUBLIC;
GRANT CREATE ON DATABASE {db} TO "{role} Two" WITH GRANT OPTION;
ALTER DATABASE {db} SET search_path = app, "Odd Name", public;
ALTER DATABASE {db} SET work_mem = '7MB';
ALTER DATABASE {db} SET app.tenant = 'it''s = one';
ALTER ROLE "{role} Two" IN DATABASE {db} SET statement_timeout = '7s';
ALTER DATABASE {db} CONNECTION LIMIT 17;
COMMENT ON DATABASE {db} IS 'the shop''s own';
"""


@pytest.fixture
def dressed(cluster: Cluster, database: Connection) -> Iterator[Cluster]:
    """The live database has an owner, rights, settings, a limit and a comment."""
    name = cluster.target.database
    fault = database.run(DRESS.format(role=f"r_{name}", db=name))
    assert fault is None, fault
    yield cluster
    for found in cluster.databases():
        cluster.connection.run(f"ALTER DATABASE {cluster.connection.identifier(found.database)} OWNER TO CURRENT_USER")
        if found.database.startswith(name):
            cluster.drop(found.database)
    cluster.sweep()
    for role in (f"r_{name}", f"r_{name} Two"):
        assert cluster.connection.run(f"DROP ROLE {cluster.connection.identifier(role)}") is None


def test_a_copy_has_the_data_and_everything_that_belongs_to_the_database(dressed: Cluster) -> None:
    live = dressed.target.database
    note(dressed.target, "kept")
    before = read_likeness(dressed.connection, live)
    assert before.settings and before.rights and before.limit == 17
    work = dressed.copy(live, like=live)
    assert read_likeness(dressed.connection, work) == before
    assert notes(dressed.at(work)) == ["kept"]


def test_an_empty_database_like_another_has_its_locale_and_dress(dressed: Cluster) -> None:
    live = dressed.target.database
    work = dressed.make_empty(like=live)
    assert read_likeness(dressed.connection, work) == read_likeness(dressed.connection, live)
    with pytest.raises(StatementRefused):
        notes(dressed.at(work))


def test_another_locale_and_encoding_are_kept(cluster: Cluster) -> None:
    odd = f"{cluster.target.database}_odd"
    cluster.connection.rows(f"CREATE DATABASE {odd} TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'")
    work = cluster.make_empty(like=odd)
    found = cluster.connection.rows("SELECT pg_encoding_to_char(encoding), datcollate FROM pg_database WHERE datname = %s", (work,))
    assert found == [("LATIN1", "C")]


def test_a_swap_keeps_both_and_a_second_one_brings_back(dressed: Cluster) -> None:
    live = dressed.target.database
    note(dressed.target, "old")
    before = read_likeness(dressed.connection, live)
    first, second = aside_name(live, 1.0), aside_name(live, 2.0)
    assert dressed.swap(live, first, dressed.make_empty(like=live), mark(dressed))
    assert read_likeness(dressed.connection, live) == before
    note(dressed.target, "new")
    (aside,) = dressed.kept("aside")
    assert aside.database == first and aside.mark is not None and aside.mark.comment == "the shop's own"
    assert dressed.swap(live, second, first, mark(dressed))
    assert notes(dressed.target) == ["old"]
    assert read_likeness(dressed.connection, live) == before
    assert notes(dressed.at(second)) == ["new"]


def test_a_swap_that_was_done_is_not_done_again(cluster: Cluster) -> None:
    live = cluster.target.database
    work = cluster.make_empty(like=live)
    assert cluster.swap(live, aside_name(live, 1.0), work, mark(cluster))
    note(cluster.target, "since")
    assert not cluster.swap(live, aside_name(live, 1.0), work, mark(cluster))
    assert notes(cluster.target) == ["since"]


def test_sessions_are_ended_and_clients_that_connect_all_the_time_do_not_stop_a_swap_or_copy(cluster: Cluster) -> None:
    live = cluster.target.database
    note(cluster.target, "busy")
    done = threading.Event()
    seen: list[int] = []

    def hammer() -> None:
        while not done.is_set():
            try:
                with connect(cluster.target, application_name="hammer") as connection:
                    connection.rows("SELECT pg_sleep(0.3)")
                    seen.append(1)
            except DatabaseError:
                continue

    threads = [threading.Thread(target=hammer) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for number in range(3):
            work = cluster.copy(live, like=live)
            assert cluster.swap(live, aside_name(live, number), work, mark(cluster))
        assert notes(cluster.target) == ["busy"]
    finally:
        done.set()
        for thread in threads:
            thread.join(10)


def test_a_failed_swap_changes_nothing(cluster: Cluster) -> None:
    live = cluster.target.database
    note(cluster.target, "kept")
    work = cluster.make_empty(like=live)
    cluster.connection.rows(f"CREATE DATABASE {live}_taken")
    with pytest.raises(StatementRefused):
        cluster.swap(live, f"{live}_taken", work, mark(cluster))
    assert notes(cluster.target) == ["kept"] and cluster.has(work)


def test_a_frozen_database_takes_no_sessions_and_can_be_copied_and_dropped(cluster: Cluster) -> None:
    live = cluster.target.database
    note(cluster.target, "seed")
    name = f"{live}_tpl"
    cluster.freeze(cluster.copy(live, like=live, comment=False), name, mark(cluster, "template", "k"))
    with pytest.raises(DatabaseError):
        notes(cluster.at(name))
    work = cluster.copy(name, like=live)
    assert notes(cluster.at(work)) == ["seed"]
    assert cluster.comment(work) is None
    cluster.drop(name)
    assert not cluster.has(name)
    cluster.drop(name)


def test_sweep_drops_what_was_only_being_made(cluster: Cluster) -> None:
    work = cluster.make_empty(like=cluster.target.database)
    cluster.sweep()
    assert not cluster.has(work) and cluster.has(cluster.target.database)


def test_a_drop_that_nobody_waits_for_is_done(cluster: Cluster) -> None:
    live = cluster.target.database
    names = [cluster.make_empty(like=live) for _ in range(2)]
    with open_cluster(cluster.target, PROJECT) as leaving:
        leaving.drop_later(names)
    end = time.monotonic() + 20
    while any(cluster.has(name) for name in names) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(cluster.has(name) for name in names)


def test_databases_of_other_projects_and_people_are_not_ours(cluster: Cluster) -> None:
    live = cluster.target.database
    theirs = replace(mark(cluster, "snapshot", "x"), project="somebody")
    cluster.freeze(cluster.copy(live, like=live), f"{live}_theirs", theirs)
    cluster.connection.rows(f"CREATE DATABASE {live}_plain")
    assert cluster.kept("snapshot") == ()
    with open_cluster(cluster.target, "somebody") as other:
        assert [kept.database for kept in other.kept("snapshot")] == [f"{live}_theirs"]


def test_the_server_itself_is_never_the_live_database(cluster: Cluster) -> None:
    with open_cluster(replace(cluster.target, database="postgres"), PROJECT) as opened:
        assert opened.connection.target.database == "template1"
    with pytest.raises(DatabaseMissing):
        read_likeness(cluster.connection, "nowhere")


@pytest.mark.parametrize("of", ["shop", "x" * 63, "ü" * 31])
def test_names_fit_and_differ(of: str) -> None:
    names = [
        snapshot_name(of, "a-b.c"),
        aside_name(of, 1763640000.123),
        aside_name(of, 1763640000.124),
        branch_name(of, "feature/x"),
        branch_name(of, "feature-x"),
        branch_name(of, "f" * 90 + "a"),
        branch_name(of, "f" * 90 + "b"),
    ]
    assert len(set(names)) == len(names)
    assert all(len(name.encode()) <= 63 for name in names)


def test_a_comment_of_somebody_else_is_no_mark() -> None:
    assert decode(None) is None
    assert decode("the shop") is None
    assert decode('{"devstack": 1, "kind"') is None
    made = Mark(kind="snapshot", of="a", name="ü", project="p", when=1.5, server=170002, comment='say "hi"')
    assert decode(made.encode()) == made
    assert made.major == 17

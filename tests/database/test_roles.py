"""What a service is, from its image and environment; and whether its data is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from devstack.compose.model import FileMount, FileObject, Mount, Service
from devstack.compose.roles import Postgres, Redis, postgres_mount_problem, role_of


def service(image: str | None, *mounts: Mount, **more: object) -> Service:
    return Service(name="db", canonical={}, image=image, mounts=mounts, **more)  # type: ignore[arg-type]


def volume(target: str, source: str = "data") -> Mount:
    return Mount(type="volume", target=target, source=source)


def bind(target: str) -> Mount:
    return Mount(type="bind", target=target, source="/srv/data")


@pytest.mark.parametrize(
    ("image", "major"),
    [
        ("postgres", None),
        ("postgres:latest", None),
        ("postgres:17", 17),
        ("postgres:17.2-alpine3.20", 17),
        ("postgres:18-bookworm", 18),
        ("postgres:18beta1", 18),
        ("postgres:9.6", 9),
        ("docker.io/library/postgres:16@sha256:" + "0" * 64, 16),
        ("ghcr.io/acme/postgres:17", 17),
        ("localhost:5000/postgres", None),
        ("localhost:5000/postgres:15", 15),
        ("postgis/postgis:17-3.5", 17),
        ("pgvector/pgvector:pg17", 17),
        ("pgvector/pgvector:0.8.0-pg18-trixie", 18),
        ("timescale/timescaledb:2.17.2-pg16", 16),
        ("timescale/timescaledb:latest-pg17", 17),
        ("timescale/timescaledb:2.17.2", None),
        ("bitnami/postgresql:16.4.0", 16),
        ("supabase/postgres:15.8.1.060", 15),
    ],
)
def test_a_postgres_is_known_by_its_image_and_its_major_by_the_tag(image: str, major: int | None) -> None:
    role = role_of(service(image))
    assert isinstance(role, Postgres)
    assert role.major == major


@pytest.mark.parametrize(
    "image",
    [
        None, "", "nginx:1", "postgrest/postgrest:v12", "prometheuscommunity/postgres-exporter:v0.15",
        "prodrigestivill/postgres-backup-local:17", "edoburu/pgbouncer:1", "dpage/pgadmin4:9", "redis/redisinsight:2",
        "oliver006/redis_exporter:v1", "mysql:8", "shop-api",
    ],
)  # fmt: skip
def test_a_companion_of_a_database_is_not_one(image: str | None) -> None:
    assert role_of(service(image, environment={"POSTGRES_PASSWORD": "x", "POSTGRES_HOST": "db"})) is None
    assert role_of(service(image)) is None


def test_an_image_of_our_own_is_a_postgres_when_its_environment_says_so() -> None:
    said = {"POSTGRES_PASSWORD": "x"}
    assert isinstance(role_of(service("acme/shop-postgres:3", environment=said)), Postgres)
    assert role_of(service("acme/shop-postgres:3")) is None


def test_login_comes_from_the_environment_as_the_image_reads_it() -> None:
    role = role_of(service("postgres:17", environment={"POSTGRES_USER": "shop", "POSTGRES_PASSWORD": "s", "POSTGRES_DB": "store"}))
    assert isinstance(role, Postgres)
    assert (role.user, role.password, role.database, role.port) == ("shop", "s", "store", 5432)
    bare = role_of(service("postgres:17", environment={"POSTGRES_HOST_AUTH_METHOD": "trust"}))
    assert isinstance(bare, Postgres)
    assert (bare.user, bare.password, bare.database) == ("postgres", None, "postgres")
    named = role_of(service("postgres:17", environment={"POSTGRES_USER": "shop"}))
    assert isinstance(named, Postgres)
    assert named.database == "shop"


def test_a_password_in_a_secret_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("hidden\n")
    db = service("postgres:17", environment={"POSTGRES_PASSWORD_FILE": "/run/secrets/pw"}, secrets=(FileMount("pw"),))
    role = role_of(db, {"pw": FileObject(key="pw", name="pw", file=str(tmp_path / "pw"))})
    assert isinstance(role, Postgres)
    assert (role.password, role.password_file) == ("hidden", "/run/secrets/pw")
    inline = role_of(db, {"pw": FileObject(key="pw", name="pw", content="inline")})
    assert isinstance(inline, Postgres) and inline.password == "inline"
    unknown = role_of(db)
    assert isinstance(unknown, Postgres) and unknown.password is None


def test_a_role_does_not_show_its_password() -> None:
    role = role_of(service("postgres:17", environment={"POSTGRES_PASSWORD": "hidden"}))
    cache = role_of(service("redis:7", command=("redis-server", "--requirepass", "hidden")))
    assert "hidden" not in repr(role) + repr(cache)


@pytest.mark.parametrize(
    ("command", "environment", "password", "port"),
    [
        ((), {}, None, 6379),
        (("redis-server", "--requirepass", "s"), {}, "s", 6379),
        (("redis-server", "--requirepass", "s", "--port", "6380"), {}, "s", 6380),
        (("sh", "-c", 'exec redis-server --requirepass "$REDIS_PASSWORD"'), {"REDIS_PASSWORD": "s"}, "s", 6379),
        (("redis-server", "--requirepass", "two words"), {}, "two words", 6379),
        (("redis-server", "--requirepass", ""), {"REDIS_PASSWORD": "s"}, None, 6379),
        ((), {"REDIS_PASSWORD": "s"}, "s", 6379),
    ],
)
def test_a_redis_is_known_with_its_password(
    command: tuple[str, ...], environment: dict[str, str], password: str | None, port: int
) -> None:
    for image in ("redis:7-alpine", "valkey/valkey:8", "bitnami/redis", "redis/redis-stack-server:7.4.0-v1"):
        role = role_of(service(image, command=command or None, environment=environment))
        assert role == Redis(service="db", password=password, port=port)


@pytest.mark.parametrize(
    ("image", "mounts", "environment"),
    [
        ("postgres:17", [volume("/var/lib/postgresql/data")], {}),
        ("postgres:17", [bind("/var/lib/postgresql/data/")], {}),
        ("postgres:18", [volume("/var/lib/postgresql")], {}),
        ("postgres:18", [volume("/var/lib/postgresql")], {"PGDATA": "/var/lib/postgresql/18/docker"}),
        ("postgres", [volume("/var/lib/postgresql")], {}),
        ("postgres", [volume("/var/lib/postgresql/data")], {}),
        ("postgres:17", [volume("/pg")], {"PGDATA": "/pg/data"}),
        ("postgres:17", [volume("/var/lib/postgresql/data")], {"PGDATA": "/var/lib/postgresql/data/pgdata"}),
        ("pgvector/pgvector:pg18", [volume("/var/lib/postgresql")], {}),
        ("bitnami/postgresql:16", [volume("/bitnami/postgresql")], {}),
        ("nginx", [], {}),
    ],
)
def test_data_that_is_kept_is_no_problem(image: str, mounts: list[Mount], environment: dict[str, str]) -> None:
    assert postgres_mount_problem(service(image, *mounts, environment=environment)) is None


@pytest.mark.parametrize(
    ("image", "mounts", "environment", "said"),
    [
        ("postgres:17", [], {}, "nothing is mounted"),
        ("postgres:17", [bind("/docker-entrypoint-initdb.d/postgres")], {}, "nothing is mounted"),
        ("postgres:17", [volume("/var/lib/postgres/data")], {}, "/var/lib/postgres/data is mounted"),
        ("postgres:17", [volume("/var/lib/postgresql")], {}, "mount a named volume at /var/lib/postgresql/data"),
        ("postgres:18", [volume("/var/lib/postgresql/data")], {}, "mount a named volume at /var/lib/postgresql"),
        ("pgvector/pgvector:0.8.1-pg18", [volume("/var/lib/postgresql/data")], {}, "/var/lib/postgresql"),
        ("postgres:17", [volume("/var/lib/postgresql/data", "")], {}, "has no name"),
        ("postgres:17", [Mount(type="tmpfs", target="/var/lib/postgresql/data")], {}, "in memory"),
        ("postgres:17", [volume("/var/lib/postgresql/data")], {"PGDATA": "/data"}, "mount a named volume at /data"),
        ("postgres:17", [Mount(type="volume", target="/var/lib/postgresql/data", source="d", read_only=True)], {}, "read-only"),
    ],
)
def test_data_that_would_be_lost_is_told_with_the_line_to_write(
    image: str, mounts: list[Mount], environment: dict[str, str], said: str
) -> None:
    problem = postgres_mount_problem(service(image, *mounts, environment=environment))
    assert problem is not None
    assert said in problem


def test_a_tmpfs_given_in_short_form_counts() -> None:
    problem = postgres_mount_problem(service("postgres:17", tmpfs=("/var/lib/postgresql/data:size=1g",)))
    assert problem is not None and "in memory" in problem


@pytest.mark.parametrize(
    "command",
    [
        {"command": ("psql", "-f", "/seed.sql")},
        {"command": ("sleep", "infinity")},
        {"entrypoint": ("sh", "-ec", "pg_dump -h db -U postgres shop > /backup/shop.sql")},
        {"entrypoint": ("/usr/bin/pg_dump",), "command": ("-h", "db")},
        {"command": ("bash", "-c", "until pg_isready -h db; do sleep 1; done")},
    ],
)
def test_a_client_of_the_postgres_image_is_no_database(command: dict[str, tuple[str, ...]]) -> None:
    assert role_of(service("postgres:17", **command)) is None


@pytest.mark.parametrize(
    "command",
    [
        {"command": ("-c", "log_statement=all")},
        {"command": ("postgres", "-c", "fsync=off")},
        {"command": ("sh", "-c", "exec docker-entrypoint.sh postgres -c fsync=off")},
        {"entrypoint": ("/usr/local/bin/wait-then-start",)},
    ],
)
def test_a_server_with_other_words_on_its_command_line_is_still_one(command: dict[str, tuple[str, ...]]) -> None:
    assert isinstance(role_of(service("postgres:17", **command)), Postgres)


def test_the_password_of_a_redis_is_also_found_where_its_client_looks_for_it() -> None:
    role = role_of(service("redis:7", environment={"REDISCLI_AUTH": "sesame"}))
    assert isinstance(role, Redis) and role.password == "sesame"

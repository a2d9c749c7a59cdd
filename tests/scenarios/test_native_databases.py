"""PostgreSQL without its image: databases that are copies of one that was initialised before, and those that cannot be."""

from __future__ import annotations

import json
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests import warm
from tests.engine.native_home import home
from tests.scenarios.checkout import free_ports

PASSWORDS = {"shop": 'it\'s "one"\\; -- $x', "again": "another", "odd": "odd one", "sums": "sums", "open": ""}
KINDS = Path(__file__).parents[2] / "templates" / "services"
SERVICES = {
    "shop": {"POSTGRES_USER": "shop"},
    "again": {"POSTGRES_USER": "shop", "POSTGRES_DB": 'a "shop"; --'},
    "odd": {"POSTGRES_USER": "odd-user", "POSTGRES_DB": "postgres"},
    "sums": {"POSTGRES_USER": "shop", "POSTGRES_INITDB_ARGS": "--data-checksums"},
    "open": {"POSTGRES_HOST_AUTH_METHOD": "trust"},
}


class Servers:
    """Five servers in one stack, and how to log in to them."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder, self.environment = folder, environment
        self.ports = dict(zip(SERVICES, free_ports(len(SERVICES)), strict=True))

    def devstack(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return warm.run(words, cwd=self.folder, env=self.environment, given=stdin, timeout=120)

    def write(self, services: dict[str, dict[str, str]]) -> None:
        made = {
            name: {
                "image": "postgres:17",
                # Twice the dollar sign: Compose reads one as the beginning of a variable.
                "environment": {**given, **({"POSTGRES_PASSWORD": PASSWORDS[name].replace("$", "$$")} if PASSWORDS[name] else {})},
                "ports": [f"127.0.0.1:{self.ports[name]}:5432"],
            }
            for name, given in services.items()
        }
        (self.folder / "compose.yaml").write_text(json.dumps({"name": self.name, "services": made}))

    @property
    def name(self) -> str:
        return self.folder.name

    def ask(self, name: str, sql: str, *, password: str | None = None) -> str:
        user = SERVICES[name].get("POSTGRES_USER", "postgres")
        database = SERVICES[name].get("POSTGRES_DB", user)
        said = PASSWORDS[name] if password is None else password
        with psycopg.connect(
            host="127.0.0.1", port=self.ports[name], user=user, dbname=database, password=said or "none"
        ) as session:
            row = session.execute(sql.encode()).fetchone()
        assert row is not None
        return str(row[0])


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    folder = tmp_path_factory.mktemp("native") / f"t-native-{secrets.token_hex(3)}"
    folder.mkdir()
    with home() as environment:
        made = Servers(folder, {**environment, "CI": "1"})
        made.write(SERVICES)
        done = made.devstack("up")
        assert done.returncode == 0, done.stdout + done.stderr
        yield made
        made.devstack("down")


@pytest.mark.parametrize("name", [name for name in SERVICES if PASSWORDS[name]])
def test_each_server_is_opened_by_its_own_password_only(servers: Servers, name: str) -> None:
    assert servers.ask(name, "select 1") == "1"
    for other in {*PASSWORDS.values(), "unused", "x"} - {PASSWORDS[name], ""}:
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            servers.ask(name, "select 1", password=other)


def test_what_was_asked_of_initdb_holds(servers: Servers) -> None:
    assert {name: servers.ask(name, "show data_checksums") for name in SERVICES} == {**dict.fromkeys(SERVICES, "off"), "sums": "on"}
    assert servers.ask("open", "select 1", password="anything") == "1"
    assert {servers.ask(name, "select datcollate from pg_database where datname = current_database()") for name in SERVICES} == {
        "C.UTF-8"
    }


def test_one_initialised_folder_serves_those_that_may_share_it(servers: Servers) -> None:
    caches = list(Path(servers.environment["DEVSTACK_NATIVE_HOME"], "caches").iterdir())
    kept = sorted(path.name for folder in caches for path in folder.iterdir())
    assert [name.rsplit("-", 2)[0] for name in kept] == ["initdb-postgres-trust", "initdb-shop-scram-sha-256"]
    assert {folder.stat().st_mode & 0o777 for folder in caches} == {0o700}


SECOND = r"""
set -eu
place=$(mktemp -d)
mkdir "$place/bin" "$place/data" "$place/cache"
cat >"$place/native.sh"
# Another one is first, as this one sees it: the folder is there once this one has made its own. No luck is needed.
printf '#!/bin/sh\n%s "$@" >&2 && cp -Rp "$2" "${2%%.*}"\n' "$(command -v initdb)" >"$place/bin/initdb"
# What a third one, which copies just now, would meet.
cat >"$place/bin/mv" <<END
#!/bin/sh
"$(command -v mv)" "\$@"
code=\$?
find "$place/cache" -mindepth 2 -maxdepth 2 -name 'initdb-*' >>"$place/met"
exit \$code
END
chmod +x "$place"/bin/*
PATH="$place/bin:$PATH" DEVSTACK_DATA="$place/data" DEVSTACK_CACHE="$place/cache" POSTGRES_DB=postgres sh "$place/native.sh" true
cat "$place/met" "$place/data/pgdata/PG_VERSION"
ls "$place/cache"
rm -rf "$place"
"""


def test_the_folder_of_one_that_was_first_is_never_written_to(servers: Servers) -> None:
    """Others may be copying it: what came and went in it made their copies fail."""
    done = servers.devstack("exec", "again", "sh", "-c", SECOND, stdin=(KINDS / "postgres" / "native.sh").read_text())
    assert done.returncode == 0, done.stderr
    version, *kept = done.stdout.split()
    assert version.isdigit() and [name.rsplit("-", 2)[0] for name in kept] == ["initdb-shop-scram-sha-256"]


def test_a_database_that_cannot_be_made_is_told_without_the_password(servers: Servers) -> None:
    folder = servers.folder.with_name(f"{servers.name}-wrong")
    folder.mkdir()
    wrong = Servers(folder, servers.environment)
    wrong.write({"again": {"POSTGRES_USER": "shop", "POSTGRES_DB": "template0"}})
    done = wrong.devstack("up")
    said = done.stdout + done.stderr + wrong.devstack("logs").stdout
    wrong.devstack("down")
    assert done.returncode == 1 and 'database "template0" already exists' in said and PASSWORDS["again"] not in said

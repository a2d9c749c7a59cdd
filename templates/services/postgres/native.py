"""PostgreSQL without its image: does once what the image's entrypoint does, then becomes the server.

Runs as the user that owns the data. PGPORT, PGHOST (the folder of the socket) and DEVSTACK_DATA are given by devstack, POSTGRES_* and
the command by the Compose file, as for the image. Needs nothing but Python.
"""

import os
import shutil
import subprocess
import sys
import tempfile

ENV = os.environ
ROOT = ENV["DEVSTACK_DATA"]
DATA = os.path.join(ROOT, "pgdata")
PART = os.path.join(ROOT, "pgdata.part")
SCRIPTS = ENV.get("DEVSTACK_INITDB", "")


def given(name):
    """A setting, or the content of the file that <name>_FILE names."""
    path = ENV.get(name + "_FILE")
    if path:
        with open(path, encoding="utf-8") as file:
            return file.read().rstrip("\n")
    return ENV.get(name, "")


def run(*words, **more):
    subprocess.run(words, check=True, stdin=more.pop("stdin", subprocess.DEVNULL), **more)


def make():
    """A new data folder; it gets its name when it is whole, so that half a one is never taken for a database."""
    user = given("POSTGRES_USER") or "postgres"
    password = given("POSTGRES_PASSWORD")
    trusted = ENV.get("POSTGRES_HOST_AUTH_METHOD") == "trust"
    if not password and not trusted:
        sys.exit("POSTGRES_PASSWORD is empty: the server would let nobody in")
    shutil.rmtree(PART, ignore_errors=True)
    os.makedirs(PART, mode=0o700)
    with tempfile.NamedTemporaryFile("w", dir=ROOT) as file:
        file.write((password or "unused") + "\n")
        file.flush()
        run(
            "initdb", "-D", PART, "-U", user, f"--pwfile={file.name}", "--auth-local=trust",
            f"--auth-host={'trust' if trusted else 'scram-sha-256'}", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync",
            *given("POSTGRES_INITDB_ARGS").split(), stdout=subprocess.DEVNULL,
        )  # fmt: skip
    database = given("POSTGRES_DB") or user
    if database != "postgres":
        statement = 'CREATE DATABASE "{}"'.format(database.replace('"', '""'))
        done = subprocess.run(
            ["postgres", "--single", "-j", "-F", "-D", PART, "postgres"],
            input=statement + "\n\n", text=True, capture_output=True, check=False,
        )  # fmt: skip
        if done.returncode or "ERROR" in done.stderr or "FATAL" in done.stderr:
            sys.exit(done.stderr)
    if SCRIPTS and os.path.isdir(SCRIPTS):
        first_scripts(user, database)
    subprocess.run(["sync", "-f", PART], check=False, stderr=subprocess.DEVNULL)
    os.rename(PART, DATA)


def first_scripts(user, database):
    """The scripts of /docker-entrypoint-initdb.d, with a server that only this process reaches."""
    options = f"-c listen_addresses='' -k '{ENV['PGHOST']}' -p {ENV['PGPORT']}"
    run("pg_ctl", "-D", PART, "-w", "-s", "-o", options, "start", stdout=subprocess.DEVNULL)
    try:
        for name in sorted(os.listdir(SCRIPTS)):
            path = os.path.join(SCRIPTS, name)
            psql = ["psql", "-v", "ON_ERROR_STOP=1", "--no-password", "--no-psqlrc", "-q", "-U", user, "-d", database]
            print(f"{name}: running", flush=True)
            if name.endswith(".sh"):
                run("bash", path, env={**ENV, "PGUSER": user, "PGDATABASE": database})
            elif name.endswith(".sql"):
                run(*psql, "-f", path)
            elif name.endswith(".sql.gz"):
                with subprocess.Popen(["gzip", "-dc", path], stdout=subprocess.PIPE) as unpacked:
                    run(*psql, stdin=unpacked.stdout)
            else:
                print(f"{name}: ignored", flush=True)
    finally:
        run("pg_ctl", "-D", PART, "-w", "-s", "-m", "fast", "stop")


def forget_stale_lock():
    """After a reboot the number in postmaster.pid may be another program's; the server would refuse to start because of it."""
    path = os.path.join(DATA, "postmaster.pid")
    try:
        with open(path, encoding="utf-8") as file:
            number = int(file.readline())
        with open(f"/proc/{number}/cmdline", "rb") as file:
            words = file.read().split(b"\0")
    except FileNotFoundError:
        return  # no lock, or nobody has the number: the server itself sees that
    except (ValueError, OSError):
        return
    if DATA.encode() not in words:
        os.unlink(path)


def main():
    if not os.path.exists(os.path.join(DATA, "PG_VERSION")):
        make()
    forget_stale_lock()
    words = sys.argv[1:] or ["postgres"]
    if words[0].startswith("-"):
        words.insert(0, "postgres")
    if words[0] == "postgres":
        words[1:1] = ["-D", DATA, "-h", "127.0.0.1", "-k", ENV["PGHOST"], "-p", ENV["PGPORT"]]
    os.execvp(words[0], words)


main()

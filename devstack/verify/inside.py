"""Looking at the network from inside a container, with whatever tool its image has."""

from __future__ import annotations

from dataclasses import dataclass

from devstack.engine.base import Engine
from devstack.errors import DevstackError

NO_TOOL = 97
"""Exit code of our script where the image has nothing to connect with."""

# One script for every image: each line is tried where its program is there. 0: connected, 1: not, 97: nothing to try with.
_CONNECT = r"""
host=$1 port=$2
if command -v python3 >/dev/null 2>&1; then
  exec python3 -c 'import socket,sys
try: socket.create_connection((sys.argv[1], int(sys.argv[2])), 3)
except OSError as e: sys.exit(str(e))' "$host" "$port"
fi
if command -v node >/dev/null 2>&1; then
  exec node -e 'const [host, port] = process.argv.slice(1), s = require("net").connect({host, port: +port, timeout: 3000})
const fail = e => { console.error(e && e.message || "timed out"); process.exit(1) }
s.on("connect", () => process.exit(0)); s.on("error", fail); s.on("timeout", fail)' "$host" "$port"
fi
if command -v nc >/dev/null 2>&1; then
  nc -w 3 "$host" "$port" </dev/null >/dev/null 2>&1 && exit 0
  nc -z -w 3 "$host" "$port" 2>&1 && exit 0
  echo "nc: no connection to $host:$port" >&2; exit 1
fi
if command -v bash >/dev/null 2>&1; then
  timeout 3 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$host" "$port"; exit $?
fi
if command -v perl >/dev/null 2>&1; then
  exec perl -MIO::Socket::INET -e 'IO::Socket::INET->new(PeerAddr=>$ARGV[0],PeerPort=>$ARGV[1],Timeout=>3) or die "$@\n"' "$host" "$port"
fi
exit 97
"""
_RESOLVE = r"""
host=$1
if command -v getent >/dev/null 2>&1; then
  getent hosts "$host" >/dev/null && exit 0
  echo "$host is not known here" >&2; exit 1
fi
if command -v nslookup >/dev/null 2>&1; then nslookup "$host" >/dev/null 2>&1 && exit 0; echo "$host is not known here" >&2; exit 1; fi
if command -v python3 >/dev/null 2>&1; then exec python3 -c 'import socket,sys; socket.gethostbyname(sys.argv[1])' "$host"; fi
exit 97
"""
ENGINES_RESOLVER = "127.0.0.11:"
"""Where the engine's own name server listens in every container of a network."""
_LISTENING = "cat /proc/net/tcp /proc/net/tcp6 2>/dev/null"


@dataclass(frozen=True, slots=True)
class Found:
    """Whether the connection came about, in words."""

    ok: bool
    text: str


def connect(engine: Engine, container: str, host: str, port: int | None) -> Found:
    """From inside a container to a host's port, or only to its name. Raises `DevstackError` where the image has no tool for it."""
    script = _CONNECT if port is not None else _RESOLVE
    words = ["/bin/sh", "-c", script, "sh", host, *([str(port)] if port is not None else [])]
    done = engine.exec(container, words)
    said = (done.stderr or done.stdout).decode(errors="replace").strip()
    if done.exit_code == NO_TOOL or _has_no_shell(done.exit_code, said):
        raise DevstackError("the image has no program to connect with (sh with python3, node, nc, bash or perl)", code="no-tool")
    if done.exit_code == 0:
        return Found(True, f"{host}:{port} takes connections" if port is not None else f"{host} is known")
    return Found(False, said.splitlines()[-1] if said else f"no connection to {host}:{port}")


def _has_no_shell(exit_code: int, said: str) -> bool:
    return exit_code in (126, 127) and ("no such file" in said.lower() or "executable file not found" in said.lower())


def listening(engine: Engine, container: str) -> list[str] | None:
    """The TCP ports that something in the container listens on ("0.0.0.0:8000"); None where it cannot be seen."""
    try:
        done = engine.exec(container, ["/bin/sh", "-c", _LISTENING])
    except DevstackError:
        return None
    if done.exit_code != 0:
        return None
    rows = [line.split() for line in done.text.splitlines()]
    found = {_address(row[1]) for row in rows if len(row) > 3 and row[3] == "0A"}
    return sorted(address for address in found if not address.startswith(ENGINES_RESOLVER))


def _address(text: str) -> str:
    """ "0100007F:1F90" as "127.0.0.1:8000"."""
    address, _, port = text.partition(":")
    if len(address) == 8:
        host = ".".join(str(int(address[i : i + 2], 16)) for i in (6, 4, 2, 0))
    else:
        host = "[::]" if not address.strip("0") else "[::1]" if address.endswith("01000000") else "[...]"
    return f"{host}:{int(port, 16)}"

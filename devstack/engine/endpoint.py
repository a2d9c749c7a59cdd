"""Which engine: the flag, the environment, the Docker context, or a socket known to be used by one.

Needs no SDK: an engine is recognised by what `GET /_ping` answers.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from devstack.engine.observed import Endpoint
from devstack.errors import EngineError, UsageError

SCHEMES = ("unix", "tcp", "http", "https", "ssh", "npipe")
PATIENCE = 2.0
"""Seconds a known socket has to answer a ping."""


def resolve(flag: str | None, environment: Mapping[str, str]) -> Endpoint:
    """The endpoint to use, by precedence: `flag` (a URL; "docker" and None mean any), $DOCKER_HOST, $DOCKER_CONTEXT, the current
    context, the first known socket where an engine answers. What is chosen explicitly is not second-guessed.

    Raises `EngineError` with everything that was tried, `UsageError` for a URL that is none.
    """
    chosen = _chosen(flag, environment)
    if chosen is not None:
        return chosen
    tried = []
    for known in candidates(environment):
        why = why_not(known)
        if not why:
            return known
        tried.append((known, why))
    raise no_engine(tried, unset=("$DOCKER_HOST", "$DOCKER_CONTEXT"))


def candidates(environment: Mapping[str, str]) -> tuple[Endpoint, ...]:
    """The sockets that engines are known to use, most likely first, whether they exist or not."""
    home = Path(environment.get("HOME") or Path.home())
    runtime = Path(environment.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
    places = [
        (Path("/var/run/docker.sock"), 'context "default"'),
        (runtime / "docker.sock", "rootless Docker"),
        (home / ".docker/run/docker.sock", "Docker Desktop"),
        (home / ".docker/desktop/docker.sock", "Docker Desktop"),
        (home / ".colima/default/docker.sock", "Colima"),
        (home / ".orbstack/run/docker.sock", "OrbStack"),
        (home / ".rd/docker.sock", "Rancher Desktop"),
        (runtime / "podman/podman.sock", "rootless Podman"),
        (Path("/run/podman/podman.sock"), "Podman"),
    ]
    return tuple(Endpoint(f"unix://{path}", source) for path, source in places)


def why_not(endpoint: Endpoint, timeout: float = PATIENCE) -> str:
    """Why no engine answers on a Unix socket, in plain words; "" when one does. Other transports are not looked at."""
    if not endpoint.url.startswith("unix://"):
        return ""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(timeout)
            connection.connect(endpoint.url.removeprefix("unix://"))
            connection.sendall(b"GET /_ping HTTP/1.1\r\nHost: engine\r\nConnection: close\r\n\r\n")
            answer = connection.recv(65536)
    except FileNotFoundError:
        return "no such file"
    except PermissionError:
        return "permission denied"
    except ConnectionRefusedError:
        return "connection refused: nothing listens there"
    except TimeoutError:
        return f"no answer within {timeout:g} s"
    except OSError as error:
        return (error.strerror or str(error)).lower()
    is_engine = answer.startswith(b"HTTP/1.") and b"api-version:" in answer.lower()
    return "" if is_engine else "it does not answer like a container engine"


def no_engine(tried: Iterable[tuple[Endpoint, str]], *, unset: Iterable[str] = ()) -> EngineError:
    """The error for it: each place with why not, and what to do about the most telling one."""
    tried = list(tried)
    lines = [f"{name} (unset)" for name in unset]
    lines += [f"{endpoint.source} {endpoint.url}: {why}" for endpoint, why in tried]
    denied = [endpoint for endpoint, why in tried if why == "permission denied"]
    hints = ["start Docker", "devstack doctor"]
    if denied:
        path = denied[0].url.removeprefix("unix://")
        hints = [
            f"let your user into the group that owns {path} (Docker: the group docker), then log in again",
            "or use rootless Docker: https://docs.docker.com/engine/security/rootless/",
        ]
    return EngineError("no container engine answers", details=[("tried", "\n".join(lines))], hints=hints)


def exposed(endpoint: Endpoint) -> str:
    """What is unsafe about the way to this engine, "" when nothing is."""
    plain = endpoint.url.startswith(("tcp://", "http://")) and not endpoint.tls
    if not plain or endpoint.local:
        return ""
    return f"{endpoint.url} is plain TCP: who reaches it is root on that machine; use ssh:// or TLS with client certificates"


def _chosen(flag: str | None, environment: Mapping[str, str]) -> Endpoint | None:
    if flag and flag != "docker":
        return _endpoint(flag, "--engine", environment)
    if environment.get("DOCKER_HOST"):
        return _endpoint(environment["DOCKER_HOST"], "$DOCKER_HOST", environment)
    folder = Path(environment.get("DOCKER_CONFIG") or Path(environment.get("HOME") or Path.home()) / ".docker")
    name, source = environment.get("DOCKER_CONTEXT", ""), "$DOCKER_CONTEXT"
    if not name:
        name, source = _current_context(folder), f"{folder / 'config.json'}"
    return _context(folder, name, source) if name and name != "default" else None


def _endpoint(url: str, source: str, environment: Mapping[str, str]) -> Endpoint:
    if url.startswith("/"):
        url = f"unix://{url}"
    scheme, separator, rest = url.partition("://")
    if not separator:
        raise UsageError(
            f'{source}: "{url}" is no address of an engine', hints=["write it like unix:///var/run/docker.sock or tcp://host:2376"]
        )
    if scheme not in SCHEMES or not rest:
        raise UsageError(f'{source}: "{url}" is no address of an engine: {", ".join(SCHEMES)} are known')
    tls = ""
    if scheme in ("tcp", "https") and (environment.get("DOCKER_TLS_VERIFY") or environment.get("DOCKER_TLS")):
        tls = environment.get("DOCKER_CERT_PATH") or str(Path(environment.get("HOME") or Path.home()) / ".docker")
    return Endpoint(url, source, local=_is_local(url), tls=tls)


def _is_local(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("unix", "npipe") or parts.hostname in ("localhost", "127.0.0.1", "::1")


def _current_context(folder: Path) -> str:
    """The context that `docker context use` chose; a config file that cannot be read chooses none, as for Docker's own tools."""
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError):
        return ""
    name = config.get("currentContext") if isinstance(config, dict) else None
    return name if isinstance(name, str) else ""


def _context(folder: Path, name: str, source: str) -> Endpoint:
    digest = hashlib.sha256(name.encode()).hexdigest()
    meta = folder / "contexts/meta" / digest / "meta.json"
    try:
        url = json.loads(meta.read_text("utf-8"))["Endpoints"]["docker"]["Host"]
    except FileNotFoundError:
        known = ", ".join(sorted(_context_names(folder))) or "none"
        raise EngineError(
            f'there is no Docker context "{name}" (chosen by {source})',
            details=[("contexts", known)],
            hints=["docker context use default", "docker context ls"],
        ) from None
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise EngineError(f'the Docker context "{name}" cannot be read: {meta}: {error}') from error
    tls = folder / "contexts/tls" / digest / "docker"
    return Endpoint(str(url), f'context "{name}"', local=_is_local(str(url)), tls=str(tls) if tls.is_dir() else "")


def _context_names(folder: Path) -> Iterable[str]:
    for meta in (folder / "contexts/meta").glob("*/meta.json"):
        try:
            yield str(json.loads(meta.read_text("utf-8"))["Name"])
        except (OSError, ValueError, LookupError, TypeError):
            continue

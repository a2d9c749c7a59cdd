"""Files into containers, short-lived containers of our own, and copies of volumes."""

from __future__ import annotations

import contextlib
import io
import tarfile
import time
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from devstack import labels
from devstack.engine import observing
from devstack.engine.base import ExecResult, Helper
from devstack.engine.create.filled import Body
from devstack.engine.create.mounts import CopiedFile
from devstack.engine.logs import log_lines
from devstack.engine.wire import Wire, pieces
from devstack.errors import EngineError, EngineRefused, NotFound

WAIT = 30.0
"""Seconds of one wait for a helper's end; between two the engine is asked whether it still runs."""


def archive(files: Iterable[CopiedFile]) -> bytes:
    """A plain tar with the files at their absolute paths. Never compressed: engines before 29.5 unpack with the container's own
    programs (CVE-2026-41567)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for file in files:
            entry = tarfile.TarInfo(str(PurePosixPath(file.target)).lstrip("/"))
            entry.size, entry.mode, entry.uid, entry.gid = len(file.content), file.mode, file.uid, file.gid
            entry.mtime = int(time.time())
            tar.addfile(entry, io.BytesIO(file.content))
    return buffer.getvalue()


def copy_in(wire: Wire, container: str, files: Iterable[CopiedFile]) -> None:
    """Put files into a container that has not started."""
    data = archive(files)
    doing = f"copying secrets and configs into {container}"
    try:
        wire.again(doing, lambda c: c.put_archive(container, "/", data))
    except EngineRefused as error:
        if "read-only" in error.message:
            raise EngineRefused(
                f"a read_only service can only have secrets and configs from a file: {error.message}",
                status=error.status,
                hints=["give the secret a file: instead of environment: or content:"],
            ) from error
        raise


def helper_body(helper: Helper) -> Body:
    """A container that carries our label and none of Compose's: no tool takes it for part of a stack."""
    binds = [f"{name}:{target}:{'ro' if read_only else 'rw'},nocopy" for name, (target, read_only) in helper.mounts.items()]
    return {
        "Image": helper.image,
        "Entrypoint": list(helper.command[:1]),
        "Cmd": list(helper.command[1:]),
        "User": helper.user,
        "Env": [f"{key}={value}" for key, value in helper.environment.items()],
        "Labels": {**helper.labels, labels.HELPER: helper.purpose},
        "Healthcheck": {"Test": ["NONE"]},
        "StopTimeout": 1,
        "HostConfig": {
            "Binds": binds,
            "NetworkMode": helper.network,
            "RestartPolicy": {"Name": "no"},
            "LogConfig": {"Type": "json-file", "Config": {}},
        },
    }


@contextlib.contextmanager
def short_lived(wire: Wire, helper: Helper) -> Iterator[str]:
    """A helper container, created and not started; gone when the context ends, however it ends."""
    doing = f"making a container to {helper.purpose}"
    container = wire.call(
        doing,
        lambda c: str(c.create_container_from_config(helper_body(helper))["Id"]),  # type: ignore[no-untyped-call]
    )
    try:
        yield container
    finally:
        with contextlib.suppress(NotFound):
            wire.again(f"removing the container to {helper.purpose}", lambda c: c.remove_container(container, v=True, force=True))


def run_helper(wire: Wire, helper: Helper) -> ExecResult:
    with short_lived(wire, helper) as container:
        wire.call(f"starting the container to {helper.purpose}", lambda c: c.start(container))
        code = ended(wire, container, helper.purpose)
        out: dict[str, list[str]] = {"stdout": [], "stderr": []}
        for line in log_lines(wire, container, follow=False, tail=None, since=None, until=None, timestamps=False):
            out[line.stream].append(line.text + "\n")
        return ExecResult(code, "".join(out["stdout"]).encode(), "".join(out["stderr"]).encode())


def ended(wire: Wire, container: str, purpose: str) -> int:
    """Wait for the end; the exit code comes from the container's state, for a wait also ends when the engine stops."""
    doing = f"waiting for the container to {purpose}"
    while True:
        with contextlib.suppress(EngineError):
            wire.call(doing, lambda c: c.wait(container, timeout=WAIT))  # type: ignore[arg-type]
        code = wire.again(doing, lambda c: observing.end_code(c.inspect_container(container)))
        if code is not None:
            return code


def copy_volume(wire: Wire, source: str, target: str, *, image: str) -> None:
    """All files with owners, modes and times. Where the image has no `cp`, the engine itself streams a tar across."""
    helper = Helper(
        purpose=f"copy volume {source} to {target}",
        image=image,
        command=("cp", "-a", "/from/.", "/to/"),
        mounts={source: ("/from", True), target: ("/to", False)},
    )
    try:
        result = run_helper(wire, helper)
    except EngineRefused as error:
        if "executable file not found" not in error.message:
            raise
        _stream_across(wire, helper)
        return
    if result.exit_code:
        words = result.stderr.decode(errors="replace").strip() or f"cp ended with {result.exit_code}"
        raise EngineRefused(f"volume {source} could not be copied to {target}", details=[("cp says", words[-2000:])])


def _stream_across(wire: Wire, helper: Helper) -> None:
    """One container that never starts has both volumes: its archive of one is unpacked into the other."""
    with short_lived(wire, helper) as container:
        data, _ = wire.call(f"reading to {helper.purpose}", lambda c: c.get_archive(container, "/from/."))
        parts = pieces(f"reading to {helper.purpose}", data)
        done = wire.call(f"writing to {helper.purpose}", lambda c: c.put_archive(container, "/to", parts))
        if not done:
            raise EngineRefused(f"the engine did not unpack what it had to {helper.purpose}")

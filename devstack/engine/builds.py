"""Building images: with Buildx where it is installed, else with the engine's classic builder (`classic`)."""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import shutil
import signal
import subprocess
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from devstack.compose.model import Build, Service, Stack
from devstack.engine import classic, images
from devstack.engine.asked import Asked, failure
from devstack.engine.base import ObservedImage, OnProgress, Progress
from devstack.engine.labelling import image_labels
from devstack.engine.wire import Wire
from devstack.errors import DevstackError

QUIET = 60.0
"""Seconds of a silent build after which the engine is asked whether it is alive."""
_STEP = re.compile(r"#\d+ \[(?P<stage>(?!internal)[^\]]*?) *(?P<number>\d+)/(?P<count>\d+)\] (?P<what>.*)")
_OWN_VARIABLES = re.compile(r"DOCKER_|BUILDX_|BUILDKIT_|LD_|(PATH|HOME|USER|TMPDIR|SHELL)$")


def build(
    wire: Wire, stack: Stack, service: Service, *, on_progress: OnProgress | None, pull: bool, no_cache: bool
) -> ObservedImage:
    """Raises `DevstackError` ("build") with the builder's last lines."""
    if service.build is None:
        raise DevstackError(f"{service.name} has nothing to build", code="build")
    report = on_progress or (lambda _: None)
    asked = Asked(stack, service, service.build, pull or service.build.pull, no_cache or service.build.no_cache)
    if has_buildx():
        _buildx(wire, asked, report)
    else:
        classic.build(wire, asked, report)
    found = images.look(wire, asked.image)
    if found is None:
        raise failure(asked, ["the build ended well, and the image is not there"])
    return found


def has_buildx() -> bool:
    docker = shutil.which("docker")
    if docker is None:
        return False
    done = subprocess.run([docker, "buildx", "version"], capture_output=True, check=False, timeout=30)
    return done.returncode == 0


@dataclass(slots=True)
class Command:
    """A Buildx call. Values travel in `environment`, never among the arguments, which every user of the machine can read."""

    words: list[str]
    environment: dict[str, str]
    stdin: str | None = None

    def add(self, flag: str, values: Iterable[str]) -> None:
        for value in values:
            self.words += [flag, value]


def buildx_command(asked: Asked, environment: Mapping[str, str]) -> Command:
    """The arguments, the environment and (for an inline Dockerfile) the standard input of `docker buildx build`."""
    b, tags = asked.build, dict.fromkeys((asked.image, *asked.build.tags))
    command = Command(["docker", "buildx", "build", "--progress=plain", "--load"], dict(environment))
    command.add("--tag", tags)
    labels = image_labels(asked.stack, asked.service, "buildkit")
    command.add("--label", (f"{key}={value}" for key, value in labels.items()))
    _arguments(command, b)
    _secrets(command, asked)
    command.add("--target", [b.target] if b.target else [])
    command.add("--platform", [asked.platform] if asked.platform else [])
    command.add("--cache-from", b.cache_from)
    command.add("--cache-to", b.cache_to)
    command.add("--build-context", (f"{name}={_context(asked, at)}" for name, at in b.additional_contexts.items()))
    command.add("--allow", (*b.entitlements, *(["security.insecure"] if b.privileged else [])))
    command.add("--add-host", (text.replace("=", ":", 1) for text in b.extra_hosts))
    command.add("--ssh", b.ssh)
    command.add("--ulimit", (f"{u.name}={u.soft}:{u.hard}" for u in b.ulimits))
    command.add("--network", [b.network] if b.network else [])
    command.add("--shm-size", [str(b.shm_size)] if b.shm_size else [])
    # Attestations carry the time, and with them each build of the same files would be another image.
    command.words += [f"--provenance={b.provenance or 'false'}"]
    command.words += [f"--sbom={b.sbom}"] if b.sbom else []
    command.words += ["--pull"] if asked.pull else []
    command.words += ["--no-cache"] if asked.no_cache else []
    if b.inline is not None:
        command.stdin = b.inline
        command.add("--file", ["-"])
    elif b.dockerfile:
        command.add("--file", [_dockerfile(b)])
    command.words.append(b.context)
    return command


def _dockerfile(b: Build) -> str:
    remote = "://" in b.context or b.context.startswith("git@")
    return b.dockerfile or "" if remote else str(Path(b.context) / (b.dockerfile or "Dockerfile"))


def _arguments(command: Command, b: Build) -> None:
    """`--build-arg NAME` alone takes the value from the environment. Names that would steer the client itself go the plain way."""
    for name, value in b.args.items():
        if value is None and name not in command.environment:
            continue
        if value is None or not _OWN_VARIABLES.match(name):
            command.add("--build-arg", [name])
            command.environment |= {} if value is None else {name: value}
        else:
            command.add("--build-arg", [f"{name}={value}"])


def _secrets(command: Command, asked: Asked) -> None:
    for number, used in enumerate(asked.build.secrets):
        item = asked.stack.secrets[used.source]
        name = used.target or used.source
        if item.file:
            command.add("--secret", [f"id={name},src={item.file}"])
        elif item.content is not None:
            variable = f"DEVSTACK_BUILD_SECRET_{number}"
            command.environment[variable] = item.content
            command.add("--secret", [f"id={name},env={variable}"])


def _context(asked: Asked, place: str) -> str:
    kind, _, name = place.partition(":")
    other = asked.stack.services.get(name) or asked.stack.disabled.get(name)
    return f"docker-image://{asked.stack.image_of(other)}" if kind == "service" and other else place


def _buildx(wire: Wire, asked: Asked, report: OnProgress) -> None:
    command = buildx_command(asked, client_environment(wire, os.environ))
    steps, last = Steps(), deque[str](maxlen=400)
    with _process(command) as process:
        for line in _lines(process, wire):
            last.append(line)
            report(steps.add(line))
        code = process.wait()
    if code:
        raise failure(asked, (_plain(line) for line in last))


def client_environment(wire: Wire, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment with which the Docker CLI talks to the very engine that we talk to."""
    kept = {k: v for k, v in environment.items() if k not in ("DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")}
    tls = {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": wire.endpoint.tls} if wire.endpoint.tls else {}
    return {**kept, "DOCKER_HOST": wire.endpoint.url, "NO_COLOR": "1", **tls}


@contextlib.contextmanager
def _process(command: Command) -> Iterator[subprocess.Popen[bytes]]:
    """In a process group of its own: the plug-in that does the work outlives the CLI that started it."""
    process = subprocess.Popen(
        command.words,
        env=command.environment,
        stdin=subprocess.DEVNULL if command.stdin is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        if command.stdin is not None and process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(command.stdin.encode())
                process.stdin.close()
        yield process
    finally:
        if process.poll() is None:
            _end_group(process)
        if process.stdout is not None:
            process.stdout.close()


def _end_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(1.0)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _lines(process: subprocess.Popen[bytes], wire: Wire) -> Iterator[str]:
    output = process.stdout
    assert output is not None
    rest = b""
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        while True:
            if not selector.select(QUIET):
                wire.ping()
                continue
            data = os.read(output.fileno(), 65536)
            if not data:
                break
            *whole, rest = (rest + data).split(b"\n")
            yield from (line.decode(errors="replace").rstrip("\r") for line in whole)
    if rest:
        yield rest.decode(errors="replace")


def _plain(line: str) -> str:
    """A line without the number of its build step."""
    return re.sub(r"^#\d+ (\d+\.\d+ )?", "", line)


@dataclass(slots=True)
class Steps:
    """Counts the steps of all stages in Buildx's plain output."""

    seen: set[tuple[str, str]] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)
    current: str = ""

    def add(self, line: str) -> Progress:
        step = _STEP.match(line)
        if step:
            self.counts[step["stage"]] = int(step["count"])
            self.seen.add((step["stage"], step["number"]))
            self.current = step["what"]
        text = f"{len(self.seen)}/{sum(self.counts.values())} steps" if step else _plain(line)
        return Progress(text, len(self.seen), sum(self.counts.values()))

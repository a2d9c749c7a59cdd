"""Probes that are programs of the project's own: commands and Python functions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from devstack.errors import DevstackError
from devstack.spec.model import ProbeSpec
from devstack.spec.shapes import seconds_of
from devstack.verify.base import Answer, Ground
from devstack.verify.probes.texts import problems, wishes
from devstack.verify.speak import host_of

USUAL_TIMEOUT = 60.0
LINES = 20

# The function runs in a process of its own: what it imports, prints or breaks stays there.
_RUNNER = """
import importlib.util, json, sys
path, name, given = sys.argv[1:4]
sys.path.insert(0, __import__("os").path.dirname(path))
spec = importlib.util.spec_from_file_location("devstack_check", path)
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
answer = getattr(module, name)(json.load(open(given)))
if answer is False:
    sys.exit("it gave False")
if isinstance(answer, str) and answer:
    print(answer)
"""


def shell(ground: Ground, spec: ProbeSpec) -> Answer:
    """A command in a container, or on the host with the connection variables of the stack under test."""
    given = spec.options.get("run")
    words = [str(word) for word in given] if isinstance(given, list) else ["/bin/sh", "-c", str(given)]
    shown = " ".join(map(str, given)) if isinstance(given, list) else str(given)
    code = int(spec.number("exit") or 0)
    expected = ", ".join(filter(None, (f"{shown}: exit {code}", wishes(spec))))
    timeout = seconds_of(spec.text("timeout")) or USUAL_TIMEOUT
    try:
        if spec.text("service"):
            done = ground.engine.exec(ground.container(spec.text("service")).id, words)
            ended, output = done.exit_code, (done.stdout + done.stderr).decode(errors="replace")
        else:
            ended, output = _on_host(ground, words, timeout)
    except DevstackError as error:
        return Answer(expected=expected, saw=error.message, wrong=True, fix=error.hints)
    wrong = [f"exit {ended}"] if ended != code else []
    wrong += problems(spec, output)
    evidence = tuple(output.splitlines()[-LINES:])
    return Answer(
        expected=expected, saw="; ".join(wrong) or f"exit {ended}", wrong=bool(wrong), evidence=evidence if wrong else evidence[-3:]
    )


def _on_host(ground: Ground, words: list[str], timeout: float) -> tuple[int, str]:
    environment = {**os.environ, **variables(ground)}
    try:
        done = subprocess.run(
            words,
            cwd=ground.root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        said = (error.stdout or b"").decode(errors="replace").strip().splitlines()
        raise DevstackError(f"it did not end within {timeout:g} s", details=[("it wrote", "\n".join(said[-5:]))]) from None
    except OSError as error:
        raise DevstackError(f"{words[0]} cannot be run: {error.strerror}") from None
    return done.returncode, done.stdout.decode(errors="replace")


def variables(ground: Ground) -> dict[str, str]:
    """What leads to the stack under test: the adopted form of `devstack env`, and SERVICE_URL / SERVICE_PORT for each published port."""
    from devstack.render.adopted import stack_connections

    found = {item.variable: item.value for item in stack_connections(ground.stack)}
    for service, numbers in ports(ground).items():
        name = service.upper().replace("-", "_").replace(".", "_")
        first = next(iter(numbers.values()), None)
        if first is not None:
            found.setdefault(f"{name}_PORT", str(first))
            found.setdefault(f"{name}_URL", f"http://localhost:{first}")
    found["DEVSTACK_PROJECT"] = ground.stack.name
    return found


def ports(ground: Ground) -> dict[str, dict[str, int]]:
    """Service -> port in the container -> port on this machine, as bound now."""
    found: dict[str, dict[str, int]] = {}
    for container in ground.containers():
        for binding in container.bindings:
            if binding.published and container.number <= 1:
                found.setdefault(container.service, {})[str(binding.target)] = binding.published
    return found


def python(ground: Ground, spec: ProbeSpec) -> Answer:
    """A function of the project: it fails by raising, or by giving False."""
    file, _, name = spec.text("function").rpartition(":")
    expected = f"{file}:{name} raises nothing"
    path = ground.root / file
    if not file or not path.is_file():
        return Answer(
            expected=expected,
            saw=f"there is no file {file or name}",
            wrong=True,
            fix=("FILE.py:FUNCTION below the project's folder",),
        )
    bound = ports(ground)
    host = next((host_of(ground, b) for c in ground.containers() for b in c.bindings if b.published), "127.0.0.1")
    given = {
        "project": ground.stack.name,
        "variables": variables(ground),
        "ports": bound,
        "urls": {service: f"http://{host}:{next(iter(numbers.values()))}" for service, numbers in bound.items()},
    }
    with tempfile.TemporaryDirectory(prefix="devstack-check-") as folder:
        argument = Path(folder) / "stack.json"
        argument.touch(mode=0o600)
        argument.write_text(json.dumps(given), encoding="utf-8")
        try:
            words = [sys.executable, "-c", _RUNNER, str(path), name, str(argument)]
            ended, output = _on_host(ground, words, seconds_of(spec.text("timeout")) or USUAL_TIMEOUT)
        except DevstackError as error:
            return Answer(expected=expected, saw=error.message, wrong=True, fix=error.hints)
    lines = output.strip().splitlines()
    saw = lines[-1] if lines else f"it ended with {ended}" if ended else "as expected"
    return Answer(expected=expected, saw=saw, wrong=ended != 0, evidence=tuple(lines[-LINES:]) if ended else ())

"""Probes over the network: from this machine to published ports, and from container to container."""

from __future__ import annotations

import json
from collections.abc import Iterator

from devstack.errors import DevstackError
from devstack.spec.model import ProbeSpec
from devstack.spec.shapes import seconds_of
from devstack.verify import inside
from devstack.verify.base import Answer, Ground
from devstack.verify.model import Mode
from devstack.verify.probes.texts import problems, short, wishes
from devstack.verify.speak import HttpAnswer, host_of, http_address, request, speak

USUAL_TIMEOUT = 10.0


def port(ground: Ground, spec: ProbeSpec) -> Answer:
    """A port by the number it is published at by default, or by its number in the container. A twin has other numbers on the host."""
    number = int(spec.number("port") or 0)
    wanted = spec.text("service")
    found = [(s, p) for s in ground.declared.services.values() if wanted in ("", s.name) for p in s.ports]
    matching = [(s, p.target) for s, p in found if p.published == str(number)] or [
        (s, p.target) for s, p in found if p.target == number
    ]
    expected = f"{wanted or 'a service'} answers on port {number}"
    if not matching:
        told = ", ".join(f"{s.name} {p.published}:{p.target}" for s, p in found) or "no port"
        return Answer(expected=expected, saw=f"published: {told}", wrong=True, fix=(f"publish it: 127.0.0.1:{number}:...",))
    service, target = matching[0]
    try:
        container = ground.container(service.name)
    except DevstackError as error:
        return Answer(expected=expected, saw=error.message, wrong=True, fix=error.hints)
    binding = next((b for b in container.bindings if b.target == target and b.published), None)
    if binding is None:
        return Answer(expected=expected, saw="the engine has not bound it", wrong=True)
    heard = speak(ground, ground.stack.services[service.name], container, binding)
    at = "" if binding.published == number else f" (on the twin at {host_of(ground, binding)}:{binding.published})"
    return Answer(expected=f"{heard.expected} on port {number}", saw=f"{heard.saw}{at}", wrong=heard.wrong)


def http(ground: Ground, spec: ProbeSpec) -> Answer:
    """One request; a body that is a mapping is sent as JSON."""
    service = ground.stack.services.get(spec.text("service"))
    method, path = spec.text("method") or "GET", spec.text("path") or "/"
    allowed = [int(str(item)) for item in spec.texts("status")]
    wish = " or ".join(map(str, allowed)) or "a status below 400"
    expected = ", ".join(filter(None, (f"{method} {path}: {wish}", wishes(spec))))
    if service is None:
        return Answer(expected=expected, saw=f"{spec.text('service')} does not run", wrong=True)
    if ground.mode is Mode.LIVE and method not in ("GET", "HEAD"):
        return Answer(expected=expected, saw=f"{method} may change something, so it is not sent to a running stack", skip=True)
    try:
        container = ground.container(service.name)
        address = http_address(ground, service, container, int(spec.number("port") or 0) or None)
        answer = _ask(spec, address, method, path)
    except DevstackError as error:
        return Answer(expected=expected, saw=error.message, wrong=True, fix=error.hints)
    wrong = list(_unlike(spec, answer, allowed))
    evidence = (f"{answer.status} {short(answer.text.strip())}",)
    return Answer(expected=expected, saw="; ".join(wrong) or f"status {answer.status}", wrong=bool(wrong), evidence=evidence)


def _unlike(spec: ProbeSpec, answer: HttpAnswer, allowed: list[int]) -> Iterator[str]:
    if (allowed and answer.status not in allowed) or (not allowed and answer.status >= 400):
        yield f"status {answer.status}"
    yield from problems(spec, answer.text)


def _ask(spec: ProbeSpec, address: tuple[str, int], method: str, path: str) -> HttpAnswer:
    body = spec.options.get("body")
    headers = {name: str(value) for name, value in spec.mapping("headers").items()}
    sent = None
    if isinstance(body, dict):
        sent = json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **headers}
    elif body is not None:
        sent = str(body).encode()
    timeout = seconds_of(spec.text("timeout")) or USUAL_TIMEOUT
    return request(*address, method=method, path=path, headers=headers, body=sent, timeout=timeout)


def reachable(ground: Ground, spec: ProbeSpec) -> Answer:
    """From one container to another, by name."""
    return _path(ground, spec, wanted=True)


def unreachable(ground: Ground, spec: ProbeSpec) -> Answer:
    """What one container must not reach."""
    return _path(ground, spec, wanted=False)


def _path(ground: Ground, spec: ProbeSpec, *, wanted: bool) -> Answer:
    source, target = spec.text("from"), spec.text("to")
    number = int(spec.number("port") or 0) or None
    expected = f"{target}{f':{number}' if number else ''} {'is' if wanted else 'is not'} reached from {source}"
    try:
        found = inside.connect(ground.engine, ground.container(source).id, target, number)
    except DevstackError as error:
        return Answer(
            expected=expected, saw=error.message, skip=error.code == "no-tool", wrong=error.code != "no-tool", fix=error.hints
        )
    return Answer(expected=expected, saw=found.text, wrong=found.ok is not wanted)

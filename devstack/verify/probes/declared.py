"""Probes of what is written down: services as they are declared, files, variables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from devstack.compose.model import Service
from devstack.errors import DevstackError
from devstack.spec.model import ProbeSpec
from devstack.verify.base import Answer, Ground
from devstack.verify.probes.texts import problems, wishes


def service(ground: Ground, spec: ProbeSpec) -> Answer:
    """A service as the files declare it, enabled by a profile or not."""
    name = spec.text("service")
    expected = ", ".join(f"{key}: {value}" for key, value in spec.options.items() if key != "service") or "it is declared"
    found = {**ground.declared.disabled, **ground.declared.services}.get(name)
    if found is None:
        return Answer(expected=expected, saw=f"there is no service {name}", wrong=True)
    wrong = list(_differs(ground, spec, found))
    return Answer(expected=f"{name}: {expected}", saw="; ".join(wrong) or "as declared", wrong=bool(wrong))


def _differs(ground: Ground, spec: ProbeSpec, found: Service) -> Iterator[str]:
    image, build = spec.text("image"), spec.text("build")
    if image and not fnmatchcase(found.image_name, image):
        yield f"its image is {found.image_name or 'built here'}"
    if build and (found.build is None or Path(found.build.context) != (ground.root / build).resolve()):
        yield f"it is built from {found.build.context}" if found.build else "it is not built"
    probed = _is_probed(ground, found)
    if "healthcheck" in spec.options and probed is not spec.flag("healthcheck", True):
        yield "it has a health check" if probed else "it has no health check"
    volume, _, target = spec.text("volume").partition(":")
    mounts = [f"{mount.source}:{mount.target}" for mount in found.mounts if mount.type == "volume"]
    if volume and not any(m.startswith(f"{volume}:") and (not target or m == f"{volume}:{target}") for m in mounts):
        yield f"it mounts {', '.join(mounts) or 'no volume'}"
    if spec.text("profile") and spec.text("profile") not in found.profiles:
        yield f"its profiles are {', '.join(found.profiles) or 'none'}"
    waits = {dependency.service for dependency in found.depends_on}
    for other in spec.texts("depends_on"):
        if other not in waits:
            yield f"it does not wait for {other}"
    network = spec.text("network")
    if network and network not in {attachment.network for attachment in found.networks}:
        yield f"it is not on {network}"


def _is_probed(ground: Ground, found: Service) -> bool:
    if found.healthcheck is not None:
        return not found.healthcheck.disable and found.healthcheck.test != ("NONE",)
    image = ground.engine.image(ground.declared.image_of(found))
    return image is not None and bool(image.healthcheck)


def file(ground: Ground, spec: ProbeSpec) -> Answer:
    """A file of the project, or of a container."""
    path, wanted = spec.text("path"), spec.flag("exists", True)
    expected = f"{path}: {'it is not there' if not wanted else wishes(spec) or 'it is there'}"
    if spec.text("service"):
        return _in_container(ground, spec, path, expected, wanted)
    found = sorted(ground.root.glob(path.lstrip("/"))) if "*" in path else [p for p in [ground.root / path] if p.exists()]
    if not found or not wanted:
        saw = f"{len(found)} there" if len(found) != 1 else "it is there"
        return Answer(expected=expected, saw=saw if found else "it is not there", wrong=bool(found) is not wanted)
    if not any(key in spec.options for key in ("contains", "lacks", "json")):
        return Answer(expected=expected, saw="it is there")
    if not all(p.is_file() for p in found):
        return Answer(expected=expected, saw="it is a folder", wrong=True)
    wrong = list(problems(spec, "\n".join(p.read_text(encoding="utf-8", errors="replace") for p in found)))
    return Answer(expected=expected, saw="; ".join(wrong) or "as expected", wrong=bool(wrong))


def _in_container(ground: Ground, spec: ProbeSpec, path: str, expected: str, wanted: bool) -> Answer:
    try:
        container = ground.container(spec.text("service"))
        there = ground.engine.stat(container.id, path) is not None
    except DevstackError as error:
        return Answer(expected=expected, saw=error.message, wrong=True, fix=error.hints)
    if not there or not wanted:
        return Answer(expected=expected, saw="it is there" if there else "it is not there", wrong=there is not wanted)
    if not any(key in spec.options for key in ("contains", "lacks", "json")):
        return Answer(expected=expected, saw="it is there")
    done = ground.engine.exec(container.id, ["cat", path])
    wrong = list(problems(spec, done.text)) if done.exit_code == 0 else [f"cat ended with {done.exit_code}"]
    return Answer(expected=expected, saw="; ".join(wrong) or "as expected", wrong=bool(wrong))


def env(ground: Ground, spec: ProbeSpec) -> Answer:
    """The variables of a service's container as the engine has them. Values are not shown: they may be secret."""
    names, values, match = spec.texts("names"), spec.mapping("values"), spec.mapping("match")
    expected = ", ".join([*names, *values, *(f"{name} matching {pattern}" for name, pattern in match.items())])
    try:
        detail = ground.container(spec.text("service")).detail
    except DevstackError as error:
        return Answer(expected=expected, saw=error.message, wrong=True, fix=error.hints)
    there = detail.environment if detail else {}
    wrong = [f"{name} is not set" for name in (*names, *values, *match) if not there.get(name)]
    wrong += [f"{name} has another value" for name, value in values.items() if there.get(name) and there[name] != str(value)]
    for name, pattern in match.items():
        if there.get(name) and not re.search(str(pattern), there[name]):
            wrong.append(f"{name} does not match {pattern}")
    return Answer(expected=expected, saw="; ".join(wrong) or "all as expected", wrong=bool(wrong))

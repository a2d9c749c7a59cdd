"""files: no secret stands in a file that is committed, in a container's arguments, or in an image of ours."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from devstack.compose.model import Service
from devstack.compose.passwords import passwords_in
from devstack.errors import DevstackError, Where
from devstack.redact import SECRET_NAME, USERINFO, secrets_of
from devstack.spec.find import LOCAL_NAMES, shown
from devstack.verify.base import Ground, Topic
from devstack.verify.checks.rendered import secret_names
from devstack.verify.model import Result, Severity
from devstack.verify.places import place, text_of
from devstack.words import counted

SHAPES = {
    "an AWS access key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a GitHub token": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,})\b"),
    "a GitLab token": re.compile(r"\bglpat-[A-Za-z0-9_-]{20,}"),
    "a Slack token": re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}"),
    "an API key (sk-...)": re.compile(r"\bsk-[A-Za-z0-9_-]{20,}"),
    "a Stripe key": re.compile(r"\b[sr]k_live_[A-Za-z0-9]{16,}"),
    "a Google API key": re.compile(r"\bAIza[0-9A-Za-z_-]{35}\b"),
    "an npm token": re.compile(r"\bnpm_[A-Za-z0-9]{36}\b"),
    "a PyPI token": re.compile(r"\bpypi-AgEI[A-Za-z0-9_-]{20,}"),
    "a SendGrid key": re.compile(r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
    "a Hugging Face token": re.compile(r"\bhf_[A-Za-z0-9]{30,}\b"),
    "a signed token (JWT)": re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
}
LITERAL = re.compile(
    r"""(?<![\w$])(?<!\$\{)(?P<name>[A-Za-z0-9_]*(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY|ACCESS_?KEY|CREDENTIAL)[A-Za-z0-9_]*)
    ["']?\s*[:=]\s*["']?(?P<value>[^\s"'#,}]+)""",
    re.VERBOSE | re.IGNORECASE,
)
ABOUT = re.compile(
    r"(?:_FILE|_PATH|_URL|_TTL|_NAME|_ID|_LENGTH|_FOR|_SECONDS|_MINUTES|_ALGORITHM|_EXPIRY|_EXPIRES\w*|_LIMIT|_METHOD)$", re.I
)
PLAIN = re.compile(r"(?:true|false|null|none|\d+(?:\.\d+)?|/.*|\^.*|\*+)$", re.I)
"""Values that are no secrets: a switch, a number, a path, a pattern, what is masked."""
SHORTEST = 8
LONG, MIXED = 16, 3.4
"""A literal of this length and entropy (bits a character) was made by a machine: it is a real secret, not a word for a lesson."""


@dataclass(frozen=True, slots=True)
class Find:
    """One secret in a file. `strong`: it is surely one."""

    where: Where
    what: str
    name: str = ""
    strong: bool = True

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def secrets(ground: Ground) -> Iterator[Result]:
    """No secret in the files that are committed; passwords that are only words there are a warning."""
    topic = Topic(
        check="files.secrets", title="no secret in files that are committed", expected="secrets stand in .env only, and are named"
    )
    files = committed(ground)
    values = known(ground)
    found = [find for file in files for find in scan(text_of(ground, file), shown(file), values)]
    found = [find for find in found if find.name not in ground.allow.secrets]
    strong = [find for find in found if find.strong]
    if strong:
        yield topic.failed(f"{len(strong)} found", evidence=map(str, strong), fix=_fixes(strong[0]), where=strong[0].where)
    else:
        yield topic.passed(f"none in {counted(len(files), 'file')}")
    weak = [find for find in found if not find.strong]
    if weak:
        literal = Topic(
            check="files.secrets",
            of="literal",
            title="no password written out in files that are committed",
            expected="a variable such as ${DB_PASSWORD}",
            severity=Severity.WARNING,
        )
        yield literal.failed(f"{len(weak)} found", evidence=map(str, weak), fix=_fixes(weak[0]), where=weak[0].where)


def _fixes(find: Find) -> list[str]:
    name = find.name or "NAME"
    return [f"put it into .env and write ${{{name}}} here", f"if it is meant: verify: allow: {{secrets: [{name}]}}"]


def committed(ground: Ground) -> list[Path]:
    """The files of the environment that go under version control: Compose files, devstack.yml, .env.example, Dockerfiles."""
    spec = ground.spec
    found = [*ground.declared.files, *(path for path in (spec.files if spec else ()) if path.name not in LOCAL_NAMES)]
    if spec and spec.render.env_example is not None:
        found.append(spec.render.env_example)
    for service in ground.declared.services.values():
        if service.build is not None and Path(service.build.context).is_dir():
            found.append(Path(service.build.context) / (service.build.dockerfile or "Dockerfile"))
    return list(dict.fromkeys(file for file in found if file.is_file() or text_of(ground, file)))


def known(ground: Ground) -> dict[str, str]:
    """The secret values of this checkout by the name of their variable, but those so short that they may stand anywhere by chance."""
    return {name: value for name, value in in_env(ground).items() if len(value) >= SHORTEST}


def in_env(ground: Ground) -> dict[str, str]:
    """All secret values of this checkout by the name of their variable."""
    return secret_names(ground.spec.render.env if ground.spec else ground.declared.directory / ".env")


def scan(text: str, file: str, values: dict[str, str]) -> Iterator[Find]:
    """Every secret in a text: known values, known shapes of tokens, and literals where a password's name stands before them."""
    for number, line in enumerate(text.splitlines(), 1):
        where = Where(file, number)
        names = [name for name, value in values.items() if value in line or quote(value, safe="") in line]
        shapes = [what for what, pattern in SHAPES.items() if pattern.search(line)]
        if names:
            yield Find(where, f"the value of {names[0]} in .env", names[0])
        elif shapes:
            yield Find(where, shapes[0])
        elif not line.lstrip().startswith("#"):
            yield from _literal(line, where)


def _literal(line: str, where: Where) -> Iterator[Find]:
    for found in LITERAL.finditer(line):
        name, value = found["name"], found["value"]
        given = re.fullmatch(r"\$\{\w+:?-(.*)\}?", value)
        value = given.group(1).rstrip("}") if given else value
        if not value or "$" in value or ABOUT.search(name) or PLAIN.match(value) or name.upper() in ("TOKEN", "SECRET", "SECRETS"):
            continue
        what = f"{name} has a literal {'default' if given else 'value'}"
        yield Find(where, what, name, strong=is_random(value))
    for address in USERINFO.finditer(line):
        password = address["password"]
        if "$" not in password and "*" not in password and "{" not in password:
            yield Find(where, "a password inside a URL", strong=is_random(password))


def is_random(value: str) -> bool:
    """Whether a text looks as if a machine made it."""
    if len(value) < LONG or not re.search(r"\d", value) or not re.search(r"[A-Za-z]", value):
        return False
    counts = Counter(value)
    entropy = -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values())
    words = re.findall(r"[a-z]{4,}", value.lower())
    return entropy >= MIXED and sum(map(len, words)) < len(value) * 0.6


def arguments(ground: Ground) -> Iterator[Result]:
    """No secret where every user of the machine or of the image can read it: arguments, labels, build arguments, image settings."""
    topic = Topic(
        check="files.arguments",
        title="no secret in arguments, labels, builds or images",
        expected="passwords are given by variables or files",
    )
    values = {value for value in (*secrets_of(ground.declared, commands=False), *known(ground).values()) if len(value) >= SHORTEST}
    services = ground.declared.services
    own = set(in_env(ground).values())
    found = [line for service in services.values() for line in _exposed(ground, service, values, own)]
    if found:
        yield _found(ground, topic, found)
    else:
        yield topic.passed(f"none in {counted(len(services), 'service')}")
    weak = [line for service in services.values() for line in _written(service, own)]
    if weak:
        literal = Topic(
            check="files.arguments", of="literal", title="no password written out in arguments",
            expected=topic.expected, severity=Severity.WARNING,
        )  # fmt: skip
        yield _found(ground, literal, weak)


def _found(ground: Ground, topic: Topic, lines: list[str]) -> Result:
    service, _, key = lines[0].partition(":")[0].partition(" ")
    return topic.failed(
        f"{len(lines)} found",
        evidence=lines,
        fix=["give it by a variable of the container, or as a secret file (secrets: in Compose)"],
        where=place(ground, "services", service, key),
    )


def _written(service: Service, own: set[str]) -> Iterator[str]:
    """Passwords of arguments that are nobody's secret: words for a lesson, as in files."""
    for key, words in _arguments(service):
        if any(not _is_secret(password, own) for password in passwords_in(words)):
            yield f"{service.name} {key}: a password is written out, which `docker inspect` and `ps` show"


def _is_secret(password: str, own: set[str]) -> bool:
    return password in own or is_random(password)


def _arguments(service: Service) -> tuple[tuple[str, Sequence[str]], ...]:
    probe = service.healthcheck.test if service.healthcheck else ()
    return ("command", service.command or ()), ("entrypoint", service.entrypoint or ()), ("healthcheck", probe)


def _exposed(ground: Ground, service: Service, values: set[str], own: set[str]) -> Iterator[str]:
    allowed = set(ground.allow.secrets)
    others: list[tuple[str, Sequence[str]]] = [("labels", tuple(service.labels.values()))]
    if service.build is not None:
        others.append(("build", [v or "" for name, v in service.build.args.items() if name not in allowed]))
    for key, words in (*_arguments(service), *others):
        given = passwords_in(words) if key not in ("labels", "build") else ()
        if _holds(words, values) or any(_is_secret(password, own) for password in given):
            yield f"{service.name} {key}: holds a secret value, which `docker inspect` and `ps` show"
    if service.build is not None and _is_in_image(ground, service, values, allowed):
        yield f"{service.name} build: a secret is built into {ground.declared.image_of(service)}"


def _is_in_image(ground: Ground, service: Service, values: set[str], allowed: set[str]) -> bool:
    """Whether the settings or the layers' history of a built image, which go wherever the image goes, hold a secret."""
    try:
        image = ground.engine.image(ground.declared.image_of(service))
        steps = ground.engine.history(image.id) if image is not None else ()
    except DevstackError:
        return False  # the engine says so where it is needed
    if image is None:
        return False
    settings = {name: value for name, value in image.environment.items() if name not in allowed}
    if any(SECRET_NAME.search(name) and not ABOUT.search(name) and is_random(value) for name, value in settings.items()):
        return True
    if _holds([*settings.values(), *image.command, *image.entrypoint, *image.labels.values()], values, shapes=True):
        return True
    spared = {value for name, value in _given(ground, service).items() if name in allowed and value}
    return _holds([_without(step, spared) for step in steps], values - spared, shapes=True)


def _given(ground: Ground, service: Service) -> dict[str, str]:
    """Values by the names that may be allowed: those of `.env` and of the build's arguments."""
    given = {name: value or "" for name, value in service.build.args.items()} if service.build else {}
    return {**known(ground), **given}


def _without(text: str, values: Iterable[str]) -> str:
    for value in values:
        text = text.replace(value, "")
    return text


def _holds(words: Iterable[str], values: set[str], *, shapes: bool = False) -> bool:
    texts = list(words)
    if any(value in word for word in texts for value in values):
        return True
    return shapes and any(pattern.search(word) for word in texts for pattern in SHAPES.values())

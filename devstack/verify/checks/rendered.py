"""files: what is rendered is up to date, Compose accepts it, every variable has a value, `.env` is for its owner's eyes only."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

from devstack.compose.interpolate import unset
from devstack.compose.template import references
from devstack.errors import DevstackError, Where
from devstack.redact import SECRET_NAME
from devstack.spec.find import shown
from devstack.verify.base import Ground, Topic
from devstack.verify.model import Result
from devstack.verify.places import text_of
from devstack.words import counted

PATIENCE = 20.0
DIFF_LINES = 20


def rendered(ground: Ground) -> Iterator[Result]:
    """The files on disk are what devstack.yml renders to."""
    topic = Topic(check="files.rendered", title="rendered files are up to date", expected="what `devstack render` would write")
    spec = ground.spec
    if spec is None:
        yield topic.skipped("there is no devstack.yml: nothing is rendered")
        return
    from devstack.render.render import render, stale

    made = render(spec, project=ground.declared.name)
    compose = next((file.path for file in made.files if file.purpose == "compose"), None)
    if compose is not None and not compose.exists():
        yield topic.skipped(f"{shown(compose)} is not rendered yet")
        return
    differing = stale(made)
    if not differing:
        yield topic.passed(f"{counted(len(made.files), 'file')}, as devstack.yml says")
        return
    lines = [line for diff in differing for line in diff.text.splitlines()]
    names = ", ".join(shown(diff.path) for diff in differing)
    more = [f"... {len(lines) - DIFF_LINES} more lines"] if len(lines) > DIFF_LINES else []
    yield topic.failed(
        f"{names} would be written differently",
        evidence=[*lines[:DIFF_LINES], *more],
        fix=["devstack render", "devstack up (renders too, and applies what changed)"],
        where=Where(shown(differing[0].path)),
    )


def compose(ground: Ground) -> Iterator[Result]:
    """`docker compose config` takes the same files, so that nobody needs devstack to run them."""
    topic = Topic(check="files.compose", title="docker compose accepts the files", expected="docker compose config ends with 0")
    files = ground.declared.files
    missing = [file for file in files if not file.is_file()]
    if missing:
        yield topic.skipped(f"{shown(missing[0])} is not on disk")
        return
    program = shutil.which("docker")
    if program is None:
        yield topic.skipped("there is no docker command on this machine")
        return
    sources = ground.project.sources
    words = [program, "compose", "-p", ground.declared.name, "--project-directory", str(ground.declared.directory)]
    words += [word for file in files for word in ("-f", str(file))]
    words += [word for file in sources.env_files or () if file.is_file() for word in ("--env-file", str(file))]
    words += [word for name in sources.profiles for word in ("--profile", name)]
    try:
        done = subprocess.run(
            [*words, "config", "-q"],
            env={**os.environ, **sources.environment},
            cwd=ground.declared.directory,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        yield topic.skipped(f"docker compose does not answer: {error}")
        return
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    if done.returncode == 0:
        yield topic.passed("it accepts them")
    elif any("is not a docker command" in line or "unknown shorthand flag: 'p'" in line for line in lines):
        yield topic.skipped("docker has no compose plug-in here")
    else:
        yield topic.failed(f"it ends with {done.returncode}", evidence=lines[-10:], fix=["docker compose config"])


def variables(ground: Ground) -> Iterator[Result]:
    """Every variable that the Compose files use has a value or a default."""
    topic = Topic(check="files.variables", title="every variable has a value", expected="no variable falls back to an empty text")
    stack = ground.declared
    named = {name: where for file in stack.files for name, where in _references(ground, file)}
    missing = sorted(name for name in named if any(unset(name) in note for note in stack.notes))
    if missing:
        yield topic.failed(
            f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set",
            evidence=[f"{named[name]}: ${{{name}}} is used here" for name in missing],
            fix=[f"set {missing[0]} in {shown(_env_file(ground))}", f"give it a default: ${{{missing[0]}:-value}}"],
            where=named[missing[0]],
        )
    else:
        yield topic.passed(f"{len(named)} variables, all with a value or a default" if named else "no variable is used")


def _references(ground: Ground, file: Path) -> Iterator[tuple[str, Where]]:
    for number, line in enumerate(text_of(ground, file).splitlines(), 1):
        if not line.lstrip().startswith("#"):
            for reference in references(line):
                yield reference.name, Where(shown(file), number)


def _env_file(ground: Ground) -> Path:
    return ground.spec.render.env if ground.spec else ground.declared.directory / ".env"


def env(ground: Ground) -> Iterator[Result]:
    """`.env` is read by its owner only, and never committed."""
    path = _env_file(ground)
    topic = Topic(
        check="files.env", title=f"{shown(path)} is private", expected="mode 0600, ignored by git", where=Where(shown(path))
    )
    if not path.is_file():
        yield topic.skipped(f"there is no {shown(path)}")
        return
    if not any(SECRET_NAME.search(name) for name in secret_names(path)):
        yield topic.passed("it holds no secret")
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        yield topic.failed(f"its mode is {mode:04o}: others on this machine can read it", fix=[f"chmod 600 {shown(path)}"])
        return
    state = _in_git(path)
    if state == "tracked":
        fix = [f"git rm --cached {shown(path)}", "change the passwords that were committed"]
        yield topic.failed("it is under version control, with its passwords", fix=fix)
    elif state == "seen":
        fix = [f"echo /{path.name} >> {shown(path.parent / '.gitignore')}"]
        yield topic.failed("git does not ignore it: the next `git add .` commits its passwords", fix=fix)
    else:
        yield topic.passed(f"mode {mode:04o}, {'ignored by git' if state else 'in no git repository'}")


def secret_names(path: Path) -> dict[str, str]:
    """The variables of an env file whose names say that they are secret, with their values."""
    from devstack.spec.variables import read_env

    try:
        found = read_env(path, os.environ)
    except DevstackError:
        return {}  # told where the file is read for the stack
    return {name: value for name, value in found.items() if value and SECRET_NAME.search(name)}


def _in_git(path: Path) -> str:
    """How git sees a file: "tracked", "ignored", "seen", or "" where there is no git or no repository."""

    def git(*words: str) -> int:
        try:
            return subprocess.run(
                ["git", "-C", str(path.parent), *words], capture_output=True, timeout=PATIENCE, check=False
            ).returncode
        except (OSError, subprocess.TimeoutExpired):
            return 128

    if git("rev-parse", "--is-inside-work-tree"):
        return ""
    if git("ls-files", "--error-unmatch", "--", path.name) == 0:
        return "tracked"
    return "ignored" if git("check-ignore", "-q", "--", path.name) == 0 else "seen"

"""`--report`, `--bundle`, `--compare`: a verify's report in files, and what is remembered of it."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from devstack import __version__, project
from devstack.cli.session import Session
from devstack.compose.model import Json
from devstack.document import did_you_mean
from devstack.errors import DevstackError, SpecError, UsageError
from devstack.redact import MASK, SECRET_NAME
from devstack.reports import FORMATS, bundle, github, history
from devstack.reports.history import Slower
from devstack.reports.masking import masked
from devstack.verify.base import Topic
from devstack.verify.model import Mode, Report, Result
from devstack.verify.past import past_of

SUMMARY = "GITHUB_STEP_SUMMARY"
WORKSPACE = "GITHUB_WORKSPACE"
LAST = history.FILE.with_name("last.html")


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """What is to be written: (format, where) pairs, a bundle on failure. Where is None only for `github`, which knows itself."""

    reports: tuple[tuple[str, Path | None], ...] = ()
    bundle: Path | None = None
    compare: bool = False


def telling(reports: Sequence[str], bundle_path: Path | None, *, compare: bool) -> Telling:
    """The options as one value. Raises `UsageError` before anything is started."""
    if bundle_path is not None:
        _writable(bundle_path, "--bundle")
    return Telling(reports=tuple(map(_one, reports)), bundle=bundle_path, compare=compare)


def _one(text: str) -> tuple[str, Path | None]:
    name, equals, path = text.partition("=")
    if name not in FORMATS:
        hint = did_you_mean(name, FORMATS)
        raise UsageError(f"--report {text}: there is no format {name}", hints=[hint or f"formats: {', '.join(FORMATS)}"])
    if not path:
        if name == "github" and not equals:
            return name, None
        raise UsageError(f"--report {text}: this is not FORMAT=PATH", hints=[f"--report {name}=report.{name}"])
    _writable(Path(path), "--report")
    return name, Path(path)


def _writable(path: Path, option: str) -> None:
    if path.is_dir():
        raise UsageError(f"{option} {path}: this is a folder", hints=["name a file in it"])


def remember(session: Session, runs: Sequence[Report], report: Report) -> tuple[Report, tuple[Slower, ...]]:
    """The report with the runs before it, and what was slower than it usually is. These runs are remembered from now on."""
    root = session.project.directory
    past = history.of_mode(history.read(root), str(report.mode))
    now = [past_of(run) for run in runs]
    try:
        history.add(root, now)
    except OSError as error:
        session.console.label("history", f"this run is not remembered: {error.strerror}: {error.filename}")
    known = (*past, *now[:-1])
    return replace(report, past=known[-history.WINDOW :]), history.slower(now[-1], known)


def comparison(found: Sequence[Slower], report: Report) -> list[str]:
    """What `--compare` says."""
    if not report.past:
        return ["nothing to compare with: this is the first run here"]
    if not found:
        return [f"nothing is slower than in the median of the last {len(report.past)} runs"]
    lines = ["slower than in the median of earlier runs:"]
    for item in found:
        times = f"{item.seconds:6.1f} s instead of {item.usual:.1f} s"
        more = f"  {item.seconds / item.usual:.1f} times as long" if item.usual >= 0.05 else ""
        lines.append(f" ! {item.what:<28} {times}{more}  ({item.runs} runs)")
    return lines


@contextmanager
def guarded(session: Session, wanted: Telling) -> Iterator[None]:
    """On GitHub the lines of programs are no workflow commands, whatever they begin with, until ours are written."""
    if not any(name == "github" for name, _ in wanted.reports):
        yield
        return
    token = f"devstack-{secrets.token_hex(16)}"
    session.console.say(f"::stop-commands::{token}")
    try:
        yield
    finally:
        session.console.say(f"::{token}::")


def keep_page(session: Session, report: Report) -> None:
    """The last run's page, for whoever wants to see more of a failure than a terminal shows."""
    path = session.project.directory / LAST
    try:
        _put(path, FORMATS["html"](masked(report, session.console.redactor.mask)).encode())
    except DevstackError as error:
        session.console.label("report", error.message)
        return
    if not report.ok:
        session.console.label("report", session.relative(Path.cwd(), path))


def write(session: Session, wanted: Telling, report: Report) -> None:
    """Every report that was asked for, masked. Raises `DevstackError` when one cannot be written."""
    if not wanted.reports and (wanted.bundle is None or report.ok):
        return
    hidden = masked(report, session.console.redactor.mask)
    for name, path in wanted.reports:
        if name == "github":
            _github(session, path, hidden)
        elif path is not None:
            _put(path, FORMATS[name](hidden).encode())
            session.console.label("report", f"{name}: {path}")
    if wanted.bundle is not None and not report.ok:
        _put(wanted.bundle, bundle.pack(hidden, _files(session), _findings(session)))
        session.console.label("bundle", str(wanted.bundle))


def _github(session: Session, path: Path | None, report: Report) -> None:
    """The step's summary, added to what stands there, and the annotations; on stderr, which the runner reads too, because stdout may be
    one JSON document."""
    place = path or (Path(os.environ[SUMMARY]) if os.environ.get(SUMMARY) else None)
    if place is not None:
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("a", encoding="utf-8") as file:
                file.write(FORMATS["github"](report))
        except OSError as error:
            raise _unwritable(place, error) from None
    else:
        session.console.label(
            "report", f"github: ${SUMMARY} is not set, so there is no step summary; --report github=PATH writes one"
        )
    top = os.environ.get(WORKSPACE)
    here = Path.cwd()
    prefix = str(here.relative_to(top)) if top and here.is_relative_to(top) and here != Path(top) else ""
    for line in github.commands(report, prefix):
        session.console.say(line)


def _put(path: Path, content: bytes) -> None:
    """Write a file whole: who reads it meanwhile sees the old one or the new one."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f".{path.name}.{os.getpid()}")
        new.write_bytes(content)
        new.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from None


def _unwritable(path: Path, error: OSError) -> DevstackError:
    return DevstackError(f"{path} cannot be written: {error.strerror}", code="file")


def _files(session: Session) -> dict[str, str]:
    """The files that the stack is made of, masked; in an env file every value whose name says that it is secret."""
    try:
        opened = session.project
    except DevstackError:
        return {}
    spec, root = opened.spec, opened.directory
    paths = [*opened.stack.files, *((*spec.files, spec.render.env) if spec else (root / ".env",))]
    found: dict[str, str] = {}
    for path in dict.fromkeys(path for path in paths if path.is_file()):
        text = path.read_text(encoding="utf-8", errors="replace")
        # Relative to the project, and never out of the archive's folder.
        name = str(path.relative_to(root)) if path.is_relative_to(root) else path.name
        shown = _masked_env(text) if path.name.startswith(".env") else text
        found[name] = session.console.redactor.mask(shown)
    return found


def _masked_env(text: str) -> str:
    lines = []
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        secret = equals and value and not line.startswith("#") and SECRET_NAME.search(name)
        lines.append(f"{name}={MASK}" if secret else line)
    return "\n".join(lines) + "\n"


def _findings(session: Session) -> list[Json]:
    from devstack.cli.examining import findings

    def hidden(value: Json) -> Json:
        mask = session.console.redactor.mask
        return (
            {key: mask(item) if isinstance(item, str) else item for key, item in value.items()}
            if isinstance(value, dict)
            else value
        )

    return [hidden(finding.as_json()) for finding in findings(session)]


def of_error(session: Session, mode: Mode, error: DevstackError) -> Report:
    """A verify that could not be made, as a report: CI reads files, and one that is missing says nothing."""
    topic = Topic(check="verify", title="verify can be made", expected="sound files and an engine that answers")
    results: tuple[Result, ...] = (topic.error(error),)
    if isinstance(error, SpecError):
        results = tuple(
            replace(
                topic.failed(f"{p.path}: {p.message}", evidence=p.excerpt, fix=[p.hint] if p.hint else [], where=p.where),
                id=f"verify.{n}",
            )
            for n, p in enumerate(error.problems, start=1)
        )
    name = project.folder_of(session.selection).name
    return Report(project=name, subject=name, mode=mode, version=__version__, begun=time.time(), results=results)

"""`devstack init --ci`: a workflow that runs `verify`, for a project that has a devstack.yml or a Compose file."""

from __future__ import annotations

import json
import re
import subprocess
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import unquote, urlsplit

from devstack.cli.session import Session
from devstack.errors import DevstackError, Refused, UsageError

PLACES = {"github": Path(".github/workflows/devstack.yml"), "gitlab": Path(".gitlab-ci.yml")}
VARIABLE = "DEVSTACK_PACKAGE"
UNKNOWN = {"github": "${{ vars.DEVSTACK_PACKAGE }}", "gitlab": ""}


def write(session: Session, folder: Path, ci: str, package: str) -> None:
    """Write the workflow of `ci`. `package` is what pip installs devstack from there; "": as it was installed here.

    Raises `UsageError` for a CI it does not know, `Refused` where the file is there already.
    """
    from devstack.spec.kinds import templates_root

    if ci not in PLACES:
        raise UsageError(f"--ci {ci}: no workflow for that", hints=[f"--ci {' or --ci '.join(PLACES)}"])
    path = folder / PLACES[ci]
    if path.exists() or path.is_symlink():
        raise Refused(
            f"there is a {PLACES[ci]} already",
            code="exists",
            hints=["nothing was written", "devstack verify is the command to add to it"],
        )
    known = package or installed_from()
    text = (templates_root() / "ci" / f"{ci}.yml").read_text(encoding="utf-8")
    if ci == "gitlab" and not known:  # a variable that a job sets itself would hide the project's
        text = re.sub(rf"^ *# .*\n.*{VARIABLE}: @GITLAB_PACKAGE\n", "", text, flags=re.MULTILINE)
    text = text.replace(f"@{ci.upper()}_PACKAGE", json.dumps(known) if known else UNKNOWN[ci])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise DevstackError(f"{path} cannot be written: {error.strerror}", code="file") from None
    what = "repository variable" if ci == "github" else "CI/CD variable"
    next_step = (
        f"it installs devstack from {known}"
        if known
        else f"set the {what} {VARIABLE} to what pip installs devstack from there, such as git+https://HOST/OWNER/devstack@v0.1.0"
    )
    session.console.answer({"created": [str(PLACES[ci])], "package": known or None}, f"created  {PLACES[ci]}\nnext     {next_step}")


def installed_from() -> str:
    """What pip would install this very devstack from elsewhere: the repository it came from, by its commit; "" when that is not known.

    The bare name is never the answer: on PyPI it belongs to somebody else.
    """
    try:
        text = distribution("devstack").read_text("direct_url.json")
    except PackageNotFoundError:
        return ""
    try:
        origin = json.loads(text or "{}")
        url, vcs = str(origin["url"]), origin.get("vcs_info")
        if vcs:
            return f"{vcs['vcs']}+{_without_user(url)}@{vcs['commit_id']}"
        return _of_folder(Path(unquote(urlsplit(url).path))) if url.startswith("file:") else _without_user(url)
    except (ValueError, KeyError, TypeError):
        return ""


def _of_folder(folder: Path) -> str:
    """The repository a folder is a clone of. A remote that only this machine knows, or one with a login in it, is no answer."""
    remote, commit = _git(folder, "remote", "get-url", "origin"), _git(folder, "rev-parse", "HEAD")
    return f"git+{_without_user(remote)}@{commit}" if remote.startswith("https://") and commit else ""


def _without_user(url: str) -> str:
    """The address without a name and password: they do not go into a file that is committed."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if parts.scheme in ("http", "https") else url


def _git(folder: Path, *words: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""

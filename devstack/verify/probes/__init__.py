"""Kinds of probes: what criteria and the project's own checks may ask for. One function a kind; the kinds are declared in spec/probes.py."""

from __future__ import annotations

from devstack.verify.base import Probe
from devstack.verify.probes import answers, declared, programs, seen, stores

PROBES: dict[str, Probe] = {
    "service": declared.service,
    "file": declared.file,
    "env": declared.env,
    "healthy": seen.healthy,
    "startup": seen.startup,
    "persists": seen.persists,
    "log": seen.log,
    "port": answers.port,
    "http": answers.http,
    "reachable": answers.reachable,
    "unreachable": answers.unreachable,
    "sql": stores.sql,
    "redis": stores.redis,
    "shell": programs.shell,
    "python": programs.python,
}
LATE = ("persists", "startup")
"""Kinds that read the results of built-in checks, so they come after them."""

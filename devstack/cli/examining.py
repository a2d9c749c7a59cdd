"""The flow of `doctor`."""

from __future__ import annotations

import os

from devstack import diagnosis
from devstack.cli.session import NATIVE, Session
from devstack.compose.model import Stack
from devstack.engine.base import Engine
from devstack.errors import DevstackError, UsageError

MARKS = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "bad": ("✗", "red")}


def examine(session: Session) -> bool:
    """Show every finding; True when none is bad."""
    found = findings(session)
    console = session.console
    good = all(finding.state != "bad" for finding in found)
    lines: list[str] = []
    for finding in found:
        mark, colour = MARKS[finding.state]
        lines.append(f" {console.paint(mark, colour)} {finding.subject:<12} {finding.text}")
        if finding.fix:
            lines.append(f"   {'':<12} fix: {finding.fix}")
    console.answer({"findings": [finding.as_json() for finding in found]}, "\n".join(lines), ok=good)
    return good


def findings(session: Session) -> list[diagnosis.Finding]:
    """All that is looked at."""
    return [*_machine(session), *diagnosis.of_environment(os.environ), *_stack(session)]


def _machine(session: Session) -> list[diagnosis.Finding]:
    try:
        engine = session.engine
    except DevstackError as error:
        return [*diagnosis.of_machine(error), *diagnosis.of_disk(None)]
    return [*diagnosis.of_machine(None), *diagnosis.of_engine(engine), *diagnosis.of_leftovers(engine)]


def _differences(engine: Engine, stack: Stack) -> list[diagnosis.Finding]:
    """How services that run without containers differ from those in them."""
    if engine.info.name != NATIVE:
        return []
    from devstack.native_fit import differences

    return [diagnosis.Finding(subject="native", state="warn", text=text) for text in differences(engine, stack)]


def _stack(session: Session) -> list[diagnosis.Finding]:
    """What concerns the stack of this folder, when there is one and an engine to ask."""
    try:
        stack = session.stack
        engine = session.engine
        return [*_differences(engine, stack), *diagnosis.of_ports(engine, stack, engine.observe(stack.name))]
    except UsageError:
        return [diagnosis.Finding(subject="stack", state="ok", text="no devstack.yml and no Compose file here")]
    except DevstackError as error:
        if error.code == "engine":
            return []
        return [diagnosis.Finding(subject="stack", state="bad", text=error.message, fix="; ".join(error.hints))]

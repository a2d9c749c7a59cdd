"""Which services of a stack cannot run without containers, and how the others differ from what their images would be."""

from __future__ import annotations

from devstack.compose.model import Stack
from devstack.engine.base import Engine
from devstack.engine.native.engine import NativeEngine
from devstack.errors import DevstackError

DIFFERENCES = (
    "no isolation: services see this machine's files, users and processes, and listen on its loopback address",
    "programs and libraries are this machine's or a package registry's, not the image's",
    "collations, locales and extensions of PostgreSQL may differ from the image's",
    "limits, capabilities, read-only file systems and networks of their own are not there",
)
"""What a proof on the native engine does not show about containers."""


def unable(engine: Engine, stack: Stack, *, strict: bool) -> dict[str, str]:
    """Service -> why it is left out. Raises DevstackError when `strict`, or when nothing would be left."""
    assert isinstance(engine, NativeEngine)
    found = {}
    hints: list[str] = []
    for name, service in stack.services.items():
        missing = engine.images.why_not(service)
        if missing is not None:
            found[name] = f"{name} is left out: {missing.why}"
            hints += missing.hints
    if found and (strict or len(found) == len(stack.services)):
        raise DevstackError(
            "not every service can run without containers" if strict else "no service can run without containers",
            details=[("left out", "\n".join(found.values()))],
            hints=[*dict.fromkeys(hints), "start a container engine, and leave out --engine native"],
            code="no-native-way",
        )
    return found


def differences(engine: Engine, stack: Stack) -> tuple[str, ...]:
    """How this engine differs from containers, in general and for this stack; () for a container engine."""
    if not isinstance(engine, NativeEngine):
        return ()
    tools = {name: engine.images.tool_of(service) for name, service in stack.services.items()}
    own = tuple(f"{name}: {tool.note}" for name, tool in tools.items() if tool is not None and tool.note)
    return (*DIFFERENCES, *own)

"""Ports, mounts and commands that are typed on a command line, read as a Compose file's are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from devstack.compose import mounts, ports, shellwords
from devstack.compose.decode import decode_service
from devstack.compose.model import Json, Mount, Port
from devstack.compose.paths import absolute
from devstack.compose.shapes import Faults
from devstack.document import node_of
from devstack.errors import UsageError, Where

LOCAL = "127.0.0.1"


def typed_ports(texts: Sequence[str]) -> tuple[Port, ...]:
    """`-p` options; one without an address is published on 127.0.0.1 only."""
    faults = Faults()
    found = ports.ports(node_of(list(texts), Where("-p")), "-p", faults)
    _refuse(faults, "-p")
    service = decode_service("", {"ports": found}, ())
    return tuple(replace(port, host_ip=port.host_ip or LOCAL) for port in service.ports)


def typed_mounts(texts: Sequence[str], folder: Path) -> tuple[Mount, ...]:
    """`-v` options; relative paths begin in `folder`."""
    items: list[Json] = []
    for text in texts:
        source, colon, rest = text.partition(":")
        typed = source.startswith((".", "~"))
        items.append(f"{absolute(source, folder, str(Path.home()))}:{rest}" if colon and typed else text)
    faults = Faults()
    found = mounts.mounts(node_of(items, Where("-v")), "-v", faults)
    _refuse(faults, "-v")
    return decode_service("", {"volumes": found}, ()).mounts


def typed_words(text: str, option: str) -> tuple[str, ...]:
    """A command in one text, split into words."""
    try:
        words, rest = shellwords.split(text)
    except ValueError as error:
        raise UsageError(f"{option} {text!r}: {error}") from error
    if rest:
        raise UsageError(f"{option} {text!r}: {rest} needs a shell", hints=[f"{option} 'sh -c ...'"])
    return tuple(words)


def _refuse(faults: Faults, option: str) -> None:
    if faults.problems:
        raise UsageError(f"{option}: {faults.problems[0].message}")

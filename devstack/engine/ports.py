"""Ports on this machine: whether one can be bound, and who holds it."""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

from devstack.engine.base import Container

PROC = Path("/proc")
_LISTEN = "0A"
_NO_IPV6 = (errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT, errno.EADDRNOTAVAIL)
_PROXIES = ("docker-proxy", "rootlessport", "rootlesskit", "slirp4netns", "pasta", "gvproxy", "com.docker.backend")
"""Programs by which container engines publish ports."""
_TABLES = {"tcp": ("tcp", "tcp6"), "udp": ("udp", "udp6")}

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who has a port: a container (`container` is its name), or a process (`pid`, `command`), as far as it can be seen."""

    container: str = ""
    id: str = ""
    project: str = ""
    service: str = ""
    pid: int = 0
    command: str = ""

    @property
    def program(self) -> str:
        """The last part of the command's first word."""
        return Path(self.command.split(" ", 1)[0]).name.rstrip(":")

    @property
    def is_proxy(self) -> bool:
        """Whether the process only holds the port for a container."""
        return not self.container and self.program in _PROXIES

    def __str__(self) -> str:
        if self.container:
            return f"container {self.container}" + (f" of {self.project}" if self.project else "")
        if self.pid:
            return f"{self.program}, pid {self.pid} ({self.command})"
        return "a process of another user"


def bindable(host_ip: str, port: int, protocol: str = "tcp") -> bool:
    """Whether the port can be published now, found out by binding it as the engine's proxy does. A connect would prove nothing.

    "" means every address: then both IPv4 and, where the machine has it, IPv6 must be free. Connections in
    TIME_WAIT do not count. An address that this machine does not have cannot be bound.
    """
    kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
    if host_ip:
        return _obstacle(host_ip, kind, port) == 0
    return _obstacle("0.0.0.0", kind, port) == 0 and _obstacle("::", kind, port) in (0, *_NO_IPV6)


def _obstacle(host_ip: str, kind: socket.SocketKind, port: int) -> int:
    """The error number of binding the port, 0 for none."""
    address = host_ip.strip("[]")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, kind) as probe:
            if kind == socket.SOCK_STREAM:
                # Otherwise the remains of closed connections would look like a holder; a listener still does.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind((address, port))
            if kind == socket.SOCK_STREAM:
                # With SO_REUSEADDR two sockets may share a port until one listens.
                probe.listen(1)
    except OSError as error:
        return error.errno or errno.EIO
    return 0


def holder(port: int, host_ip: str, protocol: str, containers: Iterable[Container]) -> Holder | None:
    """Who has the port on this address. A container is named before the proxy process that works for it.

    None when nobody is seen to have it. A holder with neither container nor pid is there and belongs to another user.
    """
    for container in containers:
        for binding in container.bindings:
            if binding.published == port and binding.protocol == protocol and _meet(host_ip, binding.host_ip):
                return Holder(container=container.name, id=container.id, project=container.project, service=container.service)
    inodes = {inode for address, inode in _sockets(port, protocol) if _meet(host_ip, str(address))}
    if not inodes:
        return None
    pid = _owner(inodes)
    return Holder(pid=pid, command=_command(pid)) if pid else Holder()


def _meet(wanted: str, held: str) -> bool:
    """Whether two addresses get in each other's way: equal, or one of them every address."""
    everywhere = ("", "0.0.0.0", "::")
    return wanted in everywhere or held in everywhere or _same(wanted, held)


def _same(one: str, other: str) -> bool:
    try:
        return ip_address(one.strip("[]")) == ip_address(other.strip("[]"))
    except ValueError:
        return one == other


def _sockets(port: int, protocol: str) -> Iterator[tuple[Address, str]]:
    """(local address, inode) of the sockets that listen on a port (TCP) or are bound to it (UDP)."""
    for table in _TABLES.get(protocol, ()):
        try:
            lines = (PROC / "net" / table).read_text("ascii").splitlines()[1:]
        except OSError:
            continue
        for fields in map(str.split, lines):
            address, _, number = fields[1].partition(":")
            if int(number, 16) == port and (protocol != "tcp" or fields[3] == _LISTEN):
                yield _address(address), fields[9]


def _address(text: str) -> Address:
    """The kernel writes addresses as 32-bit words in the machine's own byte order."""
    words = [int(text[i : i + 8], 16) for i in range(0, len(text), 8)]
    data = b"".join(struct.pack("=I", word) for word in words)
    if len(data) == 4:
        return IPv4Address(data)
    found = IPv6Address(data)
    return found.ipv4_mapped or found


def _owner(inodes: set[str]) -> int:
    """The process that has one of the sockets open; 0 when it is not ours to see."""
    wanted = {f"socket:[{inode}]" for inode in inodes}
    for folder in PROC.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            for link in (folder / "fd").iterdir():
                if os.readlink(link) in wanted:  # noqa: PTH115 - not a path: "socket:[123]"
                    return int(folder.name)
        except OSError:
            continue
    return 0


def _command(pid: int) -> str:
    try:
        words = (PROC / str(pid) / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
        text = b" ".join(words).decode(errors="replace")
        return text or (PROC / str(pid) / "comm").read_text().strip()
    except OSError:
        return ""

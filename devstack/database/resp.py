"""A small Redis client of our own, for where there is no redis-cli: commands as words, answers as redis-cli gives them to a pipe."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import BinaryIO

from devstack.errors import DatabaseError

Reply = str | int | None | list["Reply"]
_PATIENCE = 10.0


class ServerSays(Exception):
    """The server answered with an error, in its own words."""


class Redis:
    """One session with a server. Raises DatabaseError where nobody answers or the password is wrong."""

    def __init__(self, host: str, port: int, password: str | None, service: str) -> None:
        self._service = service
        try:
            self._socket = socket.create_connection((host, port), timeout=_PATIENCE)
        except OSError as error:
            raise DatabaseError(f"{service} does not answer at {host}:{port}: {error.strerror or error}") from None
        self._socket.settimeout(None)
        self._file: BinaryIO = self._socket.makefile("rb")
        try:
            if password is not None:
                self.ask(["AUTH", password])
            self.ask(["CLIENT", "SETNAME", "devstack-shell"])
        except ServerSays as error:
            raise DatabaseError(f"{service} refuses the session: {error}") from None

    def ask(self, words: list[str]) -> Reply:
        """Send one command and give its answer. Raises ServerSays."""
        return self.together([words])[0]

    def together(self, commands: Sequence[Sequence[str]]) -> list[Reply]:
        """Send commands as one message and give their answers. Raises the first ServerSays, with all answers taken in."""
        replies: list[Reply] = []
        refused: ServerSays | None = None
        try:
            self._socket.sendall(b"".join(map(packed, commands)))
            for _ in commands:
                try:
                    replies.append(self._reply())
                except ServerSays as error:
                    refused = refused or error
        except OSError as error:
            raise DatabaseError(f"{self._service} closed the connection: {error.strerror or error}") from None
        if refused is not None:
            raise refused
        return replies

    def close(self) -> None:
        self._file.close()
        self._socket.close()

    def _reply(self) -> Reply:
        line = self._file.readline()
        if not line.endswith(b"\r\n"):
            raise DatabaseError(f"{self._service} closed the connection")
        kind, rest = line[:1], line[1:-2].decode("utf-8", "replace")
        match kind:
            case b"+":
                return rest
            case b"-":
                raise ServerSays(rest)
            case b":":
                return int(rest)
            case b"$":
                return None if rest == "-1" else self._file.read(int(rest) + 2)[:-2].decode("utf-8", "replace")
            case b"*":
                return None if rest == "-1" else [self._reply() for _ in range(int(rest))]
            case _:
                raise DatabaseError(f"{self._service} does not speak the protocol of Redis")


def packed(command: Sequence[str]) -> bytes:
    """A command as the protocol has it."""
    words = [word.encode() for word in command]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def shown(reply: Reply) -> str:
    """The answer in lines, one for each element."""
    if isinstance(reply, list):
        return "\n".join(shown(item) for item in reply)
    return "" if reply is None else str(reply)

"""The way to an engine over ssh: a private Unix socket here, whose every connection is an `ssh` of the user's own.

The far Docker CLI joins its engine's socket to the standard input and output that ssh carries. The SDK's own way needs another
package, and would not share the user's ssh settings, agent and known hosts.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import tempfile
import threading
from pathlib import Path
from urllib.parse import urlsplit


class Tunnel:
    """Open from its making to `close`. `url` is what the SDK is given."""

    def __init__(self, target: str) -> None:
        self._command = ssh_command(target)
        self._folder = tempfile.TemporaryDirectory(prefix="devstack-ssh-")
        path = Path(self._folder.name) / "engine.sock"
        self._errors = (Path(self._folder.name) / "errors").open("w+b")
        self._children: list[subprocess.Popen[bytes]] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(64)
        self.url = f"unix://{path}"
        threading.Thread(target=self._accept, daemon=True, name="ssh").start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                end = connection.fileno()
                self._children = [child for child in self._children if child.poll() is None]
                with contextlib.suppress(OSError):
                    # In a session of its own: Ctrl-C is ours to handle, and there is no terminal to ask for a password on.
                    child = subprocess.Popen(self._command, stdin=end, stdout=end, stderr=self._errors, start_new_session=True)
                    self._children.append(child)

    def said(self) -> str:
        """What ssh complained about last, "" for nothing."""
        lines = Path(self._errors.name).read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for child in self._children:
            child.terminate()
            child.wait()
        self._errors.close()
        self._folder.cleanup()


def ssh_command(url: str) -> list[str]:
    """`ssh://user@host:22` as the command that joins the far engine to its standard input and output."""
    parts = urlsplit(url)
    user = ["-l", parts.username] if parts.username else []
    port = ["-p", str(parts.port)] if parts.port else []
    return ["ssh", *user, *port, "--", parts.hostname or "", "docker system dial-stdio"]

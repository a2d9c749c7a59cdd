"""Where a database is: an address with a user, a password that never shows, and a database name."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True, slots=True, repr=False)
class Target:
    """A database to connect to. `password` None: the server asks for none. `service` is its name in the stack, for messages.

    `near` is another address of the same server, for devstack's own sessions: nobody is shown it.
    """

    host: str
    port: int
    user: str
    password: str | None
    database: str
    service: str = ""
    near: tuple[str, int] | None = None

    def __repr__(self) -> str:
        return f"Target({self.masked})"

    @property
    def masked(self) -> str:
        """The connection string with the password hidden."""
        return self._url("****")

    @property
    def url(self) -> str:
        """The connection string with the password in it: for a person who asked for it, never for a log."""
        return self._url(quote(self.password or "", safe=""))

    def _url(self, password: str) -> str:
        secret = f":{password}" if self.password is not None else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"postgresql://{quote(self.user, safe='')}{secret}@{host}:{self.port}/{quote(self.database, safe='')}"

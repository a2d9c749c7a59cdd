"""Secrets never leave through what we print: every known secret value is masked, wherever it stands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

from devstack.compose.model import Service, Stack
from devstack.compose.passwords import passwords_in
from devstack.compose.roles import Postgres, role_of

MASK = "****"
SECRET_NAME = re.compile(
    r"PASS(WORD|WD|PHRASE)?\b|PASSWORD|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY|ACCESS_?KEY|CREDENTIAL", re.IGNORECASE
)
USERINFO = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://[^\s:/@]*):(?P<password>[^\s@/]+)@", re.IGNORECASE)
SHORTEST = 4
PLACEHOLDER = re.compile(r"(pass(word|wd|phrase)?|secret|token|(api_?|private_?|access_?)?key|credential)s?", re.IGNORECASE)
"""Values that are the words for a secret: what we say about secrets is full of them."""


class Redactor:
    """Masks a set of secret values, also when they are URL-encoded, and passwords inside URLs.

    A value that is itself the word "secret" or "password" is masked where it stands as a value only: alone, or after "=", ": " or a quote.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        forms = {form for value in values if len(value) >= SHORTEST for form in (value, quote(value, safe=""))}
        longest_first = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(_pattern_of, longest_first))) if longest_first else None

    def mask(self, text: str) -> str:
        """The text without secrets."""
        text = USERINFO.sub(rf"\g<scheme>:{MASK}@", text)
        return self._pattern.sub(MASK, text) if self._pattern else text


def _pattern_of(form: str) -> str:
    if PLACEHOLDER.fullmatch(form):
        return rf"\A{form}\Z|(?:(?<=[=\"'])|(?<=: )){form}(?![\w-])"
    return re.escape(form)


class Unmasked(Redactor):
    """Masks nothing."""

    def mask(self, text: str) -> str:
        return text


def secrets_of(stack: Stack, *, commands: bool = True) -> tuple[str, ...]:
    """The values of a stack that are secret by their variable's name, or are passwords in URLs or (with `commands`) in commands,
    or contents of secrets.

    A value that is also an ordinary word of the stack (a service, a user, a database, an image of the same text) is left out:
    masking it would hide half of every line and protect nothing.
    """
    secret: set[str] = set()
    ordinary: set[str] = {stack.name, *stack.services, *stack.networks, *stack.volumes}
    for service in (*stack.services.values(), *stack.disabled.values()):
        ordinary.update(_names_of(service))
        for name, value in service.environment.items():
            if not value:
                continue
            if SECRET_NAME.search(name) and not name.endswith(("_FILE", "_FOR")):
                secret.add(value)
            else:
                ordinary.add(value)
                secret.update(match["password"] for match in USERINFO.finditer(value))
        probe = service.healthcheck.test if service.healthcheck else ()
        for words in (service.entrypoint, service.command, probe) if commands else ():
            secret.update(passwords_in(words or ()))
    secret.update(item.content.strip() for item in stack.secrets.values() if item.content)
    return tuple(sorted(secret - ordinary))


def _names_of(service: Service) -> Iterator[str]:
    """The words of a service's image, and whom its database knows where nobody says a name."""
    yield from re.split(r"[/:@]", service.image or "")
    role = role_of(service)
    if isinstance(role, Postgres):
        yield from (role.user, role.database)

"""Secrets never leave through what we print: every known secret value is masked, wherever it stands."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote

from devstack.compose.model import Stack

MASK = "****"
SECRET_NAME = re.compile(
    r"PASS(WORD|WD|PHRASE)?\b|PASSWORD|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY|ACCESS_?KEY|CREDENTIAL", re.IGNORECASE
)
USERINFO = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://[^\s:/@]*):(?P<password>[^\s@/]+)@", re.IGNORECASE)
SHORTEST = 4


class Redactor:
    """Masks a set of secret values, also when they are URL-encoded, and passwords inside URLs."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        forms = {form for value in values if len(value) >= SHORTEST for form in (value, quote(value, safe=""))}
        longest_first = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(re.escape(form) for form in longest_first)) if longest_first else None

    def mask(self, text: str) -> str:
        """The text without secrets."""
        text = USERINFO.sub(rf"\g<scheme>:{MASK}@", text)
        return self._pattern.sub(MASK, text) if self._pattern else text


class Unmasked(Redactor):
    """Masks nothing."""

    def mask(self, text: str) -> str:
        return text


def secrets_of(stack: Stack) -> tuple[str, ...]:
    """The values of a stack that are secret by their variable's name, or are passwords in URLs, or contents of secrets.

    A value that is also an ordinary word of the stack (a service, a user, a database of the same text) is left out: masking it
    would hide half of every line and protect nothing.
    """
    secret: set[str] = set()
    ordinary: set[str] = set(stack.services)
    for service in (*stack.services.values(), *stack.disabled.values()):
        for name, value in service.environment.items():
            if not value:
                continue
            if SECRET_NAME.search(name) and not name.endswith(("_FILE", "_FOR")):
                secret.add(value)
            else:
                ordinary.add(value)
                secret.update(match["password"] for match in USERINFO.finditer(value))
    secret.update(item.content.strip() for item in stack.secrets.values() if item.content)
    return tuple(sorted(secret - ordinary))

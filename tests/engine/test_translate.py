"""No exception of the SDK, of what it is built on, or of the sockets below comes out as itself."""

from __future__ import annotations

import errno
import http.client
import inspect
import socket
from contextlib import suppress
from types import ModuleType
from typing import Any

import docker.errors
import pytest
import requests
import urllib3
import urllib3.exceptions

from devstack.engine.translate import reason, translated
from devstack.errors import Conflict, DevstackError, EngineError, EngineRefused, NotFound, PortTaken


def exceptions_of(module: ModuleType) -> list[type[Exception]]:
    found = {item for _, item in inspect.getmembers(module, inspect.isclass) if issubclass(item, Exception)}
    return sorted(
        (item for item in found if not issubclass(item, Warning)),
        key=lambda item: (item.__name__, item.__module__, item.__qualname__),
    )


EVERY = [*exceptions_of(docker.errors), *exceptions_of(requests.exceptions), *exceptions_of(urllib3.exceptions)]
EVERY += [TypeError, KeyError, IndexError, ValueError, AttributeError, ConnectionResetError, BrokenPipeError, TimeoutError]
EVERY += [socket.gaierror, FileNotFoundError, PermissionError, UnicodeDecodeError, OSError]


def instance(kind: type[Exception]) -> Exception:
    """One without its constructor, which every kind has differently; its fields are there, empty."""
    if kind is urllib3.exceptions.InvalidChunkLength:
        return urllib3.exceptions.InvalidChunkLength(urllib3.HTTPResponse(), b"x")
    if issubclass(kind, http.client.IncompleteRead):
        return kind(0 if kind.__module__.startswith("urllib3") else b"", 1)  # type: ignore[arg-type]
    error: Any = kind.__new__(kind)
    fields = ("response", "explanation", "container", "command", "image", "exit_status", "build_log", "name", "param", "length")
    for field in fields:
        with suppress(AttributeError, TypeError):
            setattr(error, field, None)
    for field in ("msg", "partial"):
        with suppress(AttributeError, TypeError):
            setattr(error, field, "")
    return error  # type: ignore[no-any-return]


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_every_family_becomes_one_of_our_errors(kind: type[Exception]) -> None:
    with pytest.raises(DevstackError) as caught, translated("testing"):
        raise instance(kind)
    assert isinstance(caught.value, EngineError | EngineRefused)
    assert isinstance(caught.value.__cause__, kind)


@pytest.mark.parametrize(("status", "kind"), [(404, NotFound), (409, Conflict), (500, EngineRefused), (403, EngineRefused)])
def test_a_refusal_keeps_its_status_and_the_engines_words(status: int, kind: type[EngineRefused]) -> None:
    response = requests.Response()
    response.status_code = status
    with pytest.raises(EngineRefused) as caught, translated("creating it"):
        raise docker.errors.APIError("x", response=response, explanation="No such thing: it")
    assert type(caught.value) is kind
    assert (caught.value.status, caught.value.message) == (status, "No such thing: it")
    assert ("while", "creating it") in caught.value.details


def test_our_own_errors_and_interrupts_pass_through() -> None:
    with pytest.raises(PortTaken), translated("testing"):
        raise PortTaken("8080")
    with pytest.raises(KeyboardInterrupt), translated("testing"):
        raise KeyboardInterrupt


def test_the_reason_is_found_at_the_bottom_of_the_wrapping() -> None:
    bottom = PermissionError(errno.EACCES, "Permission denied")
    wrapped = requests.exceptions.ConnectionError(urllib3.exceptions.ProtocolError("Connection aborted.", bottom))
    assert reason(docker.errors.DockerException(wrapped)) == "permission denied"


def test_an_abandoned_reply_and_a_late_one_are_told_apart() -> None:
    with pytest.raises(EngineError, match="in time"), translated("asking"):
        raise requests.exceptions.ReadTimeout("60")
    with pytest.raises(EngineError, match="broke off"), translated("asking"):
        raise requests.exceptions.ChunkedEncodingError("x")

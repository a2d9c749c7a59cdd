"""Every exception the Docker SDK lets out, as one of ours.

The SDK raises several families, most of them no `DockerException`: its own, `requests`', `urllib3`'s, plain socket errors, and
`TypeError` and its like when a reply has an unexpected shape.
"""

from __future__ import annotations

import errno
import http.client
from collections.abc import Iterator
from contextlib import contextmanager

import docker.errors
import requests
import urllib3.exceptions

from devstack.errors import Conflict, DevstackError, EngineError, EngineRefused, EngineSilent, NotFound

FAMILIES: tuple[type[Exception], ...] = (
    docker.errors.DockerException,
    docker.errors.ContextException,
    docker.errors.StreamParseError,
    requests.exceptions.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
    TypeError,
    ValueError,
    LookupError,
    AttributeError,
)

LINE = OSError | urllib3.exceptions.HTTPError | http.client.HTTPException
"""Those of them that speak of the connection; the rest speak of what came over it."""


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Within it every failure of the SDK becomes an `EngineError` or `EngineRefused`. `doing` completes "while ..."."""
    try:
        yield
    except DevstackError:
        raise
    except FAMILIES as error:
        raise as_ours(error, doing) from error


def as_ours(error: Exception, doing: str) -> DevstackError:
    if isinstance(error, docker.errors.APIError):
        return refusal(error.status_code, str(error.explanation or error), doing)
    if isinstance(error, docker.errors.DockerException | docker.errors.ContextException):
        return _unanswered(error, doing) if _cause(error) else EngineError(f"the Docker SDK gave up while {doing}: {error}")
    if isinstance(error, requests.exceptions.JSONDecodeError) or not isinstance(error, LINE):
        return EngineError(f"the engine sent an unreadable reply while {doing} ({type(error).__name__}: {error})")
    return _unanswered(error, doing)


def refusal(status: int | None, words: str, doing: str) -> EngineRefused:
    """The engine said no, by HTTP status. Its words are kept: they are the best there is."""
    kinds: dict[int | None, type[EngineRefused]] = {404: NotFound, 409: Conflict}
    kind = kinds.get(status, EngineRefused)
    hints = ["free space on the engine's disk: docker system df"] if "no space left on device" in words else []
    return kind(words.strip() or f"the engine refused {doing}", status=status, details=[("while", doing)], hints=hints)


def dropped(error: BaseException) -> bool:
    """Whether the connection broke before an answer: the request may or may not have been carried out."""
    if isinstance(error, requests.exceptions.Timeout | urllib3.exceptions.TimeoutError | TimeoutError):
        return False
    broken = (requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError, urllib3.exceptions.ProtocolError)
    return isinstance(error, (*broken, ConnectionError))


def reason(error: BaseException) -> str:
    """Why nobody answered, in plain words."""
    cause = _cause(error)
    words = {
        errno.ENOENT: "no such file",
        errno.EACCES: "permission denied",
        errno.EPERM: "permission denied",
        errno.ECONNREFUSED: "connection refused: nothing listens there",
        errno.ECONNRESET: "the connection was reset",
        errno.EPIPE: "the connection was closed",
        errno.ENOTSOCK: "not a socket",
        errno.EHOSTUNREACH: "host unreachable",
        errno.ENETUNREACH: "network unreachable",
        errno.ETIMEDOUT: "no answer",
    }
    if isinstance(cause, OSError) and cause.errno in words:
        return words[cause.errno]
    return str(cause or error).strip() or type(error).__name__


def _cause(error: BaseException) -> OSError | None:
    """The socket error at the bottom of a chain of wrappers, which hide it in causes, contexts and arguments."""
    seen: set[int] = set()
    queue: list[object] = [error]
    while queue:
        item = queue.pop(0)
        if not isinstance(item, BaseException) or id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, OSError) and item.errno is not None and not isinstance(item, requests.exceptions.RequestException):
            return item
        queue += [item.__cause__, item.__context__, getattr(item, "reason", None), *item.args]
    return None


def _unanswered(error: Exception, doing: str) -> EngineError:
    if isinstance(error, requests.exceptions.Timeout | urllib3.exceptions.TimeoutError | TimeoutError):
        return EngineSilent(f"the engine did not answer in time while {doing}", hints=["is it frozen? try: docker info"])
    broken = isinstance(
        error, requests.exceptions.ChunkedEncodingError | urllib3.exceptions.ProtocolError | http.client.HTTPException
    )
    what = "broke off its reply" if broken else "stopped answering"
    return EngineError(f"the engine {what} while {doing} ({reason(error)})", hints=["look whether it runs: docker info"])

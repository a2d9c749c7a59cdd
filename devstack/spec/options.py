"""The types of a kind's options: what each accepts, and how a wrong value is explained."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from devstack.document import MappingNode, Node, ScalarNode, SequenceNode, did_you_mean, kind_of, plain
from devstack.spec.cron import schedule_problem
from devstack.spec.faults import MARKS

if TYPE_CHECKING:
    from devstack.compose.model import Json

IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]{0,62}\Z")
DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:us|ms|s|m|h|d|w))+\Z")
_URL_PATH = re.compile(r"/[A-Za-z0-9._~!&()*+,;=:@%/?-]*\Z")
_VERSION = re.compile(r"[\w][\w.-]{0,127}\Z", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option of a kind. A text `default` may be a template over the other options' context."""

    name: str
    type: str
    default: Json = None
    shown: str = ""
    """What a manual says instead of a default that is a template: "the project's name"."""
    help: str = ""
    choices: tuple[str, ...] = ()
    required: bool = False

    @property
    def default_text(self) -> str:
        """The default as a manual shows it; "" where there is none."""
        if self.shown or self.default is None:
            return self.shown
        if isinstance(self.default, bool):
            return "true" if self.default else "false"
        return "" if self.default in ({}, []) else str(self.default)


class Wrong(Exception):
    """A value does not fit its option. `hint` is one sentence that says what would."""

    def __init__(self, message: str, hint: str = "", node: Node | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.node = node


def value_of(option: Option, node: Node) -> Json:
    """The value of an option as its type reads it. Raises `Wrong`."""
    value = TYPES[option.type](node)
    if option.choices and value not in option.choices:
        nearest = did_you_mean(str(value), option.choices)
        raise Wrong(f'"{value}" is not one of: {", ".join(option.choices)}', nearest)
    if _holds_mark(value):
        raise Wrong("holds a private-use character (U+E000 or U+E001)")
    return value


def _holds_mark(value: Json) -> bool:
    if isinstance(value, str):
        return any(mark in value for mark in MARKS)
    if isinstance(value, dict):
        return any(_holds_mark(key) or _holds_mark(item) for key, item in value.items())
    return isinstance(value, list) and any(_holds_mark(item) for item in value)


def _string(node: Node) -> str:
    if isinstance(node, ScalarNode) and isinstance(node.value, str):
        return node.value
    hint = f'quote it: "{node.text}"' if isinstance(node, ScalarNode) and node.value is not None else ""
    raise Wrong(f"text is expected, this is {kind_of(node)}", hint)


def _version(node: Node) -> str:
    if isinstance(node, ScalarNode) and isinstance(node.value, float):
        raise Wrong(f"a version is text, this is the number {node.text}", f'quote it: "{node.text}"')
    whole = isinstance(node, ScalarNode) and isinstance(node.value, int) and not isinstance(node.value, bool)
    text = node.text if whole and isinstance(node, ScalarNode) else _string(node)
    if text == "latest":
        raise Wrong('"latest" moves from day to day', "name the version that the project is made for")
    if not _VERSION.match(text):
        raise Wrong(f'"{text}" is not an image tag', "letters, digits, dots, dashes and underscores")
    return text


def _boolean(node: Node) -> bool:
    if isinstance(node, ScalarNode):
        if isinstance(node.value, bool):
            return node.value
        if "$" in node.text and node.value in ("true", "false"):  # what a variable gives is text
            return node.value == "true"
        meant = {"yes": "true", "on": "true", "no": "false", "off": "false"}.get(node.text.lower(), "")
        raise Wrong(f"true or false is expected, this is {kind_of(node)}", f"write {meant}" if meant else "")
    raise Wrong(f"true or false is expected, this is {kind_of(node)}")


def _integer(node: Node) -> int:
    if isinstance(node, ScalarNode) and not isinstance(node.value, bool):
        if isinstance(node.value, int) and node.value >= 0:
            return node.value
        if isinstance(node.value, str) and re.fullmatch(r"[0-9]{1,9}", node.value):
            return int(node.value)
    raise Wrong(f"a whole number is expected, this is {_shown(node)}")


def _port(node: Node) -> int:
    try:
        number = _integer(node)
    except Wrong:
        raise Wrong(f"a port is expected, this is {_shown(node)}", "a number from 1 to 65535") from None
    if not 1 <= number <= 65535:
        raise Wrong(f"{number} is no port", "a number from 1 to 65535")
    return number


def _urlpath(node: Node) -> str:
    text = _string(node)
    if text and not _URL_PATH.match(text):
        raise Wrong(f'"{text}" is no path of a URL', "it begins with / and holds no spaces or quotes, for example /healthz")
    return text


def _identifier(node: Node) -> str:
    text = _string(node)
    if not IDENTIFIER.match(text):
        slug = identifier(text)
        raise Wrong(f'"{text}" is not a plain SQL name', f'small letters, digits and underscores, 63 at most, for example "{slug}"')
    return text


def identifier(text: str) -> str:
    """The nearest plain SQL name."""
    slug = re.sub(r"[^a-z0-9_]+", "_", text.lower()).strip("_") or "app"
    return (slug if not slug[0].isdigit() else f"_{slug}")[:63]


def _duration(node: Node) -> str:
    text = str(node.value) if isinstance(node, ScalarNode) else ""
    if not DURATION.match(text):
        raise Wrong(f"a duration is expected, this is {_shown(node)}", "a number with its unit, for example 10s, 1m30s or 500ms")
    return text


def _command(node: Node) -> Json:
    if isinstance(node, SequenceNode):
        words: list[Json] = []
        for item in node.items:
            if not isinstance(item, ScalarNode) or item.value is None:
                raise Wrong(f"an argument is text, this is {kind_of(item)}", node=item)
            words.append(item.value if isinstance(item.value, str) else item.text)
        if not words or not words[0]:
            raise Wrong("the command is empty")
        return words
    text = _string(node)
    try:
        if not shlex.split(text):
            raise Wrong("the command is empty")
    except ValueError as error:
        raise Wrong(f"the command cannot be split into words: {str(error).lower()}", "close the quote, or write a list") from None
    return text


def _cron(node: Node) -> str:
    text = _string(node)
    problem = schedule_problem(text)
    if problem:
        raise Wrong(problem, 'minute hour day-of-month month day-of-week, for example "0 3 * * *"')
    return text


def _mapping(node: Node) -> Json:
    if not isinstance(node, MappingNode):
        raise Wrong(f"a mapping (key: value) is expected, this is {kind_of(node)}")
    for entry in node:
        if not isinstance(entry.value, ScalarNode) or entry.value.value is None:
            raise Wrong(f'"{entry.key}" is {kind_of(entry.value)}, a single value is expected', node=entry.value)
    # The text as written: 1.10 stays 1.10.
    return {entry.key: plain(entry.value) if isinstance(plain(entry.value), (str, bool)) else _text(entry.value) for entry in node}


def _text(node: Node) -> str:
    return node.text if isinstance(node, ScalarNode) else ""


def _list(node: Node) -> Json:
    if not isinstance(node, SequenceNode):
        raise Wrong(f"a list is expected, this is {kind_of(node)}")
    return [_string(item) for item in node.items]


def _shown(node: Node) -> str:
    return f'"{node.text}"' if isinstance(node, ScalarNode) and isinstance(node.value, str) else kind_of(node)


TYPES: Mapping[str, Callable[[Node], Json]] = MappingProxyType(
    {
        "string": _string,
        "version": _version,
        "boolean": _boolean,
        "integer": _integer,
        "port": _port,
        "path": _string,
        "urlpath": _urlpath,
        "identifier": _identifier,
        "duration": _duration,
        "choice": _string,
        "command": _command,
        "cron": _cron,
        "mapping": _mapping,
        "list": _list,
    }
)

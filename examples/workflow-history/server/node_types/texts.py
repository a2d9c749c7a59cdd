"""Nodes that make something of what they are given: text_template, regex_extract, json_path."""

import json
from typing import Annotated, Any, Literal

import regex
from pydantic import AfterValidator, Field

from server.node_types import paths
from server.node_types.base import Config, Context, NodeFailed, NodeKind, NodeType
from server.values import Storable, kind_of, shown

SECONDS = 1.0


def _regex(pattern: str) -> str:
    try:
        regex.compile(pattern)
    except (regex.error, RecursionError, OverflowError, ValueError) as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return pattern


def _path(path: str) -> str:
    paths.compiled(path)
    return path


Template = Annotated[Storable, Field(max_length=20_000), AfterValidator(paths.check_template)]
Pattern = Annotated[Storable, Field(min_length=1, max_length=1000), AfterValidator(_regex)]
Path = Annotated[Storable, Field(min_length=1, max_length=500), AfterValidator(_path)]


class TextTemplateConfig(Config):
    template: Template


class TextTemplate(NodeKind):
    """Text with {{ input }}, {{ input.name }}, {{ run.input }}, {{ steps[0].output }} filled in."""

    node_type: Literal[NodeType.TEXT_TEMPLATE]
    config: TextTemplateConfig

    def run(self, value: Any, context: Context) -> Any:
        return paths.filled(self.config.template, context.names(value), shown)


class RegexExtractConfig(Config):
    pattern: Pattern
    #: By number (0 is all that matched) or by name.
    group: int | Storable = 0
    #: Every match, as a list, or the first one.
    all: bool = False


class RegexExtract(NodeKind):
    """What a regular expression finds in a text."""

    node_type: Literal[NodeType.REGEX_EXTRACT]
    config: RegexExtractConfig

    def run(self, value: Any, context: Context) -> Any:
        if not isinstance(value, str):
            raise NodeFailed(f"regex_extract wants text, and was given {kind_of(value)}")
        seconds = min(SECONDS, context.seconds_left())
        pattern = regex.compile(self.config.pattern)
        try:
            if self.config.all:
                matches = pattern.finditer(value, timeout=seconds)
                return [match.group(self.config.group) for match in matches]
            match = pattern.search(value, timeout=seconds)
            if match is not None:
                return match.group(self.config.group)
        except TimeoutError:
            raise NodeFailed(f"the pattern had no answer after {seconds:g} s") from None
        except (IndexError, OverflowError):
            raise NodeFailed(f"the pattern has no group {self.config.group!r}") from None
        raise NodeFailed(f"nothing in the text matches {self.config.pattern}")


class JsonPathConfig(Config):
    path: Path
    #: Every value that the path selects, as a list, or the first one.
    all: bool = False


class JsonPath(NodeKind):
    """What a JSONPath selects. Text is read as JSON first."""

    node_type: Literal[NodeType.JSON_PATH]
    config: JsonPathConfig

    def run(self, value: Any, context: Context) -> Any:
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except (ValueError, RecursionError) as error:
                raise NodeFailed(f"the input is text, and no JSON: {error}") from None
        values = paths.found(self.config.path, value)
        if self.config.all:
            return values
        if not values:
            raise NodeFailed(f"{self.config.path} selects nothing")
        return values[0]

"""JSONPath (RFC 9535), and the placeholders of templates, which are such paths."""

import re
from collections.abc import Callable
from itertools import islice
from typing import Any

from jsonpath_rfc9535 import JSONPathEnvironment, JSONPathError, JSONPathQuery

from server.node_types.base import NodeFailed

MOST_MATCHES = 10_000
PLACEHOLDER = re.compile(r"\{\{\s*(.*?)\s*\}\}", re.DOTALL)

environment = JSONPathEnvironment()
# They take regular expressions, and nothing could stop one that does not end.
for function in ("match", "search"):
    del environment.function_extensions[function]


def compiled(path: str) -> JSONPathQuery:
    """Raises ValueError with what is wrong with a path."""
    try:
        return environment.compile(path)
    except (JSONPathError, RecursionError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(f"not a JSONPath (RFC 9535): {first}") from None


def found(path: str, value: Any) -> list[Any]:
    """What a path selects, in document order."""
    try:
        query = compiled(path)
        matches = list(islice(query.finditer(value), MOST_MATCHES + 1))
    except (ValueError, JSONPathError, RecursionError) as error:
        raise NodeFailed(f"{path}: {error}") from None
    if len(matches) > MOST_MATCHES:
        raise NodeFailed(f"{path} selects more than {MOST_MATCHES} values")
    return [match.value for match in matches]


def check_template(template: str) -> str:
    """Raises ValueError for a placeholder that is no path to one value."""
    for placeholder in PLACEHOLDER.findall(template):
        try:
            query = compiled(f"$.{placeholder}")
        except ValueError as error:
            raise ValueError(f"{{{{ {placeholder} }}}}: {error}") from None
        if not query.singular_query():
            raise ValueError(f"{{{{ {placeholder} }}}} may stand for more than one value")
    return template


def filled(template: str, names: dict[str, Any], show: Callable[[Any], str]) -> str:
    """A template with its placeholders replaced: {{ input.name }}, {{ steps[0].output }}."""

    def replace(match: re.Match[str]) -> str:
        values = found(f"$.{match[1]}", names)
        if not values:
            raise NodeFailed(f"{{{{ {match[1]} }}}}: there is no such value")
        return show(values[0])

    return PLACEHOLDER.sub(replace, template)

"""Comparing what was seen with what was asked for: texts, values, paths in JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from devstack.compose.model import Json
from devstack.spec.model import ProbeSpec

SHOWN = 200


def problems(spec: ProbeSpec, text: str) -> Iterator[str]:
    """What of `equals`, `contains`, `lacks` and `json` does not hold for a text."""
    if "equals" in spec.options and not same(spec.options["equals"], text.strip()):
        yield f"it is {short(text.strip())}"
    for wanted in spec.texts("contains"):
        if wanted not in text:
            yield f'"{wanted}" is not in it'
    for unwanted in spec.texts("lacks"):
        if unwanted in text:
            yield f'"{unwanted}" is in it'
    if isinstance(spec.options.get("json"), dict):
        yield from in_json(spec.mapping("json"), text)


def in_json(wanted: Mapping[str, Json], text: str) -> Iterator[str]:
    """What of the wanted values, by path, a JSON text does not have."""
    try:
        document: Json = json.loads(text)
    except ValueError:
        yield f"it is no JSON: {short(text.strip())}"
        return
    for path, value in wanted.items():
        there, found = at(document, path)
        if not there:
            yield f"{path} is not there"
        elif not same(value, found):
            yield f"{path} is {short(json.dumps(found, ensure_ascii=False))}"


def at(document: Json, path: str) -> tuple[bool, Json]:
    """The value at "a.0.b", and whether there is one; a key with dots in it is found too."""
    if not path:
        return True, document
    if isinstance(document, dict):
        for key in sorted(document, key=len, reverse=True):
            if path == key or path.startswith(f"{key}."):
                there, found = at(document[key], path[len(key) + 1 :])
                if there:
                    return True, found
    head, _, rest = path.partition(".")
    if isinstance(document, list) and head.isdigit() and int(head) < len(document):
        return at(document[int(head)], rest)
    return False, None


def same(wanted: Json, found: Json) -> bool:
    """Whether two values are the same, a number and its text too."""
    return wanted == found or _plain(wanted) == _plain(found)


def _plain(value: Json) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value) if not isinstance(value, dict | list) else json.dumps(value, sort_keys=True)


def short(text: str) -> str:
    """A text as evidence: its beginning, in quotes."""
    line = text.replace("\n", "⏎ ")
    return f'"{line[:SHOWN]}{"..." if len(line) > SHOWN else ""}"'


def wishes(spec: ProbeSpec) -> str:
    """What is asked of a text, in words."""
    parts = [f"it is {short(_plain(spec.options['equals']))}"] if "equals" in spec.options else []
    parts += [f'"{text}" in it' for text in spec.texts("contains")]
    parts += [f'no "{text}" in it' for text in spec.texts("lacks")]
    parts += [f"{path} is {json.dumps(value, ensure_ascii=False)}" for path, value in spec.mapping("json").items()]
    return ", ".join(parts)

"""Writing `!reset` and `!override`: an overlay over adopted files means nothing without them, and plain data has no place for them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from devstack.document import MappingNode, Node, dump, plain

if TYPE_CHECKING:
    from devstack.compose.model import Json

# A key that carries its value's tag until it stands in the text; no key of a file holds this character.
_CARRIER = "\ue003"
_CARRIED = re.compile(rf'^(\s*(?:- )*)("?)([^\n{_CARRIER}]*){_CARRIER}(reset|override)("?):', re.MULTILINE)


def tagged(node: Node) -> Json:
    """The document without its positions; the tags of mapping values are carried in their keys."""
    if not isinstance(node, MappingNode):
        return plain(node)
    found = {}
    for entry in node:
        tag = entry.value.tag
        carried = f"{_CARRIER}{tag[1:]}" if tag in ("!reset", "!override") else ""
        found[entry.key + carried] = tagged(entry.value)
    return found


def dump_tagged(value: Json) -> str:
    """As `dump`, with the carried tags where YAML wants them."""
    return _CARRIED.sub(r"\1\2\3\5: !\4", dump(value))

"""`volumes` of a service: `SOURCE:TARGET:OPTIONS` and the long form, one canonical entry for each target."""

from __future__ import annotations

import posixpath
import re

from devstack.compose.fieldtypes import is_empty, text_map
from devstack.compose.merge import keyed, scalar_text
from devstack.compose.model import Json
from devstack.compose.shapes import Faults
from devstack.compose.units import size
from devstack.document import MappingNode, Node, ScalarNode, SequenceNode, did_you_mean, plain

_DRIVE = re.compile(r"[A-Za-z]:")
_PROPAGATION = frozenset(("shared", "rshared", "slave", "rslave", "private", "rprivate"))
_OPTIONS = ("ro", "rw", "z", "Z", "nocopy", "cached", "delegated", "consistent", *sorted(_PROPAGATION))


def mounts(node: Node, path: str, faults: Faults) -> Json:
    """The canonical list; of two mounts at one target the last one stays, where the first one stood."""
    found: dict[str, Json] = {}
    for index, item in enumerate(node.items if isinstance(node, SequenceNode) else ()):
        inner = f"{path}[{index}]"
        try:
            entry = _long(item) if isinstance(item, MappingNode) else short_mount(item, inner, faults)
        except ValueError as error:
            faults.add(item, inner, str(error))
            continue
        found[str(entry["target"])] = entry
    return list(found.values())


def _pieces(text: str) -> list[str]:
    """The parts between colons, a variable and a Windows drive letter kept whole (so a volume cannot have a name of one letter)."""
    pieces: list[str] = []
    word = ""
    inside = 0
    for index, char in enumerate(text):
        drive = len(word) == 1 and word.isalpha() and _DRIVE.match(text[index - 1 :])
        if char == ":" and not drive and not inside:
            pieces.append(word)
            word = ""
        else:
            word += char
        # The colon of "${NAME:-default}" parts nothing.
        inside += int(text.startswith("${", index)) - int(char == "}" and inside > 0)
    if inside:
        raise ValueError(f"{text!r} has nothing behind its source: the brace that opens in it is not closed")
    return [*pieces, word]


def short_mount(node: Node, path: str, faults: Faults) -> dict[str, Json]:
    """The entry of a mount in its short form. Raises `ValueError` with what is wrong with it."""
    text = scalar_text(node) if isinstance(node, ScalarNode) else ""
    if not text:
        raise ValueError("the mount is empty: SOURCE:TARGET[:ro]")
    if len(text) <= 2:
        # So short a text is taken for a target without a look at it, and is printed without volume options.
        return {"type": "volume", "target": text}
    pieces = _pieces(text)
    if len(pieces) == 1:
        return {"type": "volume", "target": clean(text), "volume": {}}
    if "" in pieces[:2]:
        raise ValueError(f"{text!r} has nothing on one side of a colon: SOURCE:TARGET[:ro]")
    if len(pieces) > 3:
        raise ValueError(f"{text!r} has too many colons: SOURCE:TARGET[:ro]")
    source, target = pieces[0], pieces[1]
    entry: dict[str, Json] = {"target": clean(target), "source": source}
    options = pieces[2].split(",") if len(pieces) == 3 else []
    if source.startswith(("/", ".", "~", "\\\\")) or _DRIVE.match(source):
        bind: dict[str, Json] = {"create_host_path": True}
        entry.update(type="bind", bind=bind)
    else:
        entry.update(type="volume", volume={})
    for option in options:
        _option(option, entry, node, path, faults)
    return entry


def _option(option: str, entry: dict[str, Json], node: Node, path: str, faults: Faults) -> None:
    bind, volume = entry.get("bind"), entry.get("volume")
    match option:
        case "ro" | "rw":
            # Read-only once, read-only for good.
            if option == "ro":
                entry["read_only"] = True
        case "z" | "Z" if isinstance(bind, dict):
            bind["selinux"] = option
        case "nocopy" if isinstance(volume, dict):
            volume["nocopy"] = True
        case _ if option in _PROPAGATION and isinstance(bind, dict):
            bind["propagation"] = option
        case _ if option not in _OPTIONS:
            hint = did_you_mean(option, _OPTIONS)
            faults.note(
                f"{node.where}: {path}: the mount option {option!r} is unknown and has no effect{f'; {hint}' if hint else ''}"
            )


def clean(target: str) -> str:
    """A target without doubled slashes and dots."""
    return posixpath.normpath(target) if target.startswith("/") else target


def _long(node: MappingNode) -> dict[str, Json]:
    body = plain(node)
    if not isinstance(body, dict):
        return {}
    kind = body.get("type")
    if not body.get("target"):
        raise ValueError('the key "target" is missing in a mount')
    if kind in ("bind", "image") and not body.get("source"):
        raise ValueError(f'the key "source" is missing in a mount of type {kind}')
    entry: dict[str, Json] = {
        key: value for key, value in body.items() if (value == {} or not is_empty(value)) and not key.startswith("x-")
    }
    entry["target"] = clean(str(body["target"]))
    for key in ("bind", "volume", "tmpfs", "image"):
        section = entry.get(key)
        if isinstance(section, dict):
            entry[key] = {name: value for name, value in section.items() if not is_empty(value)}
    tmpfs, volume = entry.get("tmpfs"), node.get("volume")
    given = tmpfs.get("size") if isinstance(tmpfs, dict) else None
    if isinstance(tmpfs, dict) and isinstance(given, (str, int, float)):
        tmpfs["size"] = str(size(given))
    options = entry.get("volume")
    labels = volume.get("labels") if isinstance(volume, MappingNode) else None
    if labels is not None and isinstance(options, dict):
        options["labels"] = text_map(keyed(labels))
    return entry

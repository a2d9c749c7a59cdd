"""Text to nodes, strictly. The only user of PyYAML: its parser's events are enough, its loader loses places and duplicates."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from devstack.document.encoding import decode
from devstack.document.nodes import Entry, MappingNode, Node, Scalar, ScalarNode, SequenceNode, kind_of
from devstack.document.problems import excerpt
from devstack.document.scalars import resolve
from devstack.document.syntax import conflict_marker, explain
from devstack.errors import Problem, SpecError, Where

MAX_NODES = 100_000
MAX_DEPTH = 64
_LOADER: Any = getattr(yaml, "CLoader", yaml.Loader)
_PREFIX = "tag:yaml.org,2002:"
_KEPT_TAGS = frozenset(("!reset", "!override"))
_SCALAR_TAGS = frozenset(("str", "int", "float", "bool", "null", "binary", "timestamp"))
# Characters that make a name look like another one: bidirectional controls, zero-width characters.
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


@dataclass(slots=True)
class _Open:
    """A container that is being read. `key` waits for its value."""

    mapping: bool
    where: Where
    tag: str
    anchor: str | None
    items: list[Node] = field(default_factory=list)
    entries: dict[str, Entry] = field(default_factory=dict)
    merged: list[tuple[Node, Where]] = field(default_factory=list)
    key: Entry | None = None
    skip: bool = False
    expects_key: bool = True
    size: int = 1
    height: int = 1


class _Stop(Exception):
    """The document cannot be read further; the last problem says why."""


class _Reader:
    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file
        self.problems: list[Problem] = []
        self.stack: list[_Open] = []
        self.root: Node | None = None
        self.anchors: dict[str, tuple[Node, int, int] | None] = {}

    def fail(self, where: Where, message: str, hint: str = "") -> None:
        path = self.path()
        self.problems.append(Problem(where, message, path if len(path) <= 120 else "", hint, excerpt(where, self.text)))

    def stop(self, where: Where, message: str, hint: str = "") -> None:
        self.fail(where, message, hint)
        raise _Stop

    def path(self) -> str:
        parts: list[str] = []
        for level in self.stack:
            if level.mapping and level.key is not None:
                parts.append(f".{level.key.key}" if parts else level.key.key)
            elif not level.mapping:
                parts.append(f"[{len(level.items)}]")
        return "".join(parts)

    def place(self, mark: Any) -> Where:
        return Where(self.file, mark.line + 1, mark.column + 1)

    def run(self) -> Node | None:
        loader = _LOADER(self.text)
        try:
            self._document(loader)
        except yaml.YAMLError as error:
            where, message, hint = explain(error, self.text, self.file)
            self.fail(where, message, hint)
        except _Stop:
            pass
        finally:
            loader.dispose()
        return self.root

    def _document(self, loader: Any) -> None:
        documents = 0
        while loader.check_event():
            event = loader.get_event()
            name = type(event).__name__
            match name:
                case "ScalarEvent":
                    self._scalar(event)
                case "MappingStartEvent" | "SequenceStartEvent":
                    self._open(event, name.startswith("Mapping"))
                case "MappingEndEvent" | "SequenceEndEvent":
                    self._close()
                case "AliasEvent":
                    self._alias(event)
                case "DocumentStartEvent":
                    documents += 1
                    if documents > 1:
                        where = self.place(event.start_mark)
                        self.stop(where, "one document is expected, a second one starts here", "put it into a file of its own")

    def _tag(self, event: Any, allowed: frozenset[str]) -> str:
        tag: str | None = event.tag
        if tag is None or tag == "!":
            return ""
        if tag in _KEPT_TAGS:
            return tag
        short = tag.removeprefix(_PREFIX)
        if short != tag and short in allowed:
            return f"!!{short}"
        shown = f"!!{short}" if short != tag else tag
        self.fail(self.place(event.start_mark), f"unknown tag {shown}", "quote the value if it begins with an exclamation mark")
        return ""

    def _open(self, event: Any, mapping: bool) -> None:
        where = self.place(event.start_mark)
        tag = self._tag(event, frozenset(("map",)) if mapping else frozenset(("seq",)))
        if len(self.stack) >= MAX_DEPTH:
            self.stop(where, f"nested deeper than {MAX_DEPTH} levels")
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        self.stack.append(_Open(mapping, where, "" if tag in ("!!map", "!!seq") else tag, event.anchor))

    def _close(self) -> None:
        level = self.stack.pop()
        node: Node
        if level.mapping:
            for merged, where in level.merged:
                self._merge(level, merged, where)
            node = MappingNode(tuple(level.entries.values()), level.where, level.tag)
        else:
            node = SequenceNode(tuple(level.items), level.where, level.tag)
        self._anchor(level.anchor, node, level.size, level.height)
        self._add(node, level.size, level.height)

    def _anchor(self, anchor: str | None, node: Node, size: int, height: int) -> None:
        if anchor is not None:
            self.anchors[anchor] = (node, size, height)

    def _alias(self, event: Any) -> None:
        where = self.place(event.start_mark)
        if event.anchor not in self.anchors:
            self.stop(where, f"unknown alias *{event.anchor}: nothing above is marked &{event.anchor}")
        known = self.anchors[event.anchor]
        if known is None:
            self.stop(where, f"the alias *{event.anchor} stands inside what it refers to")
            return
        self._add(*known)

    def _scalar(self, event: Any) -> None:
        where = self.place(event.start_mark)
        tag = self._tag(event, _SCALAR_TAGS)
        text: str = event.value
        quoted = event.style is not None and event.style != ""
        value: Scalar = text
        if tag.startswith("!!"):
            value = self._tagged(tag, text, where)
            tag = tag if tag == "!!timestamp" else ""
        elif not quoted and event.tag != "!":
            value, kept = resolve(text)
            tag = tag or kept
        node = ScalarNode(value, text, where, quoted, tag)
        self._anchor(event.anchor, node, 1, 0)
        self._add(node, 1, 0)

    def _tagged(self, tag: str, text: str, where: Where) -> Scalar:
        value, kept = resolve(text)
        match tag:
            case "!!str":
                return text
            case "!!null":
                return None
            case "!!float" if isinstance(value, (int, float)) and not isinstance(value, bool):
                return float(value)
            case "!!int" if isinstance(value, int) and not isinstance(value, bool):
                return value
            case "!!bool" if isinstance(value, bool):
                return value
            case "!!timestamp" if kept:
                return value
            case "!!binary":
                try:
                    return base64.b64decode(text, validate=False).decode()
                except ValueError:
                    pass
        self.fail(where, f"{text!r} cannot be read as {tag}")
        return text

    def _add(self, node: Node, size: int, height: int) -> None:
        if not self.stack:
            self.root = node
            return
        level = self.stack[-1]
        level.size += size
        level.height = max(level.height, height + 1)
        if level.size > MAX_NODES:
            self.stop(level.where, f"expands to more than {MAX_NODES:,} nodes (aliases count each time they are used)")
        if len(self.stack) + height > MAX_DEPTH:
            self.stop(level.where, f"nested deeper than {MAX_DEPTH} levels (aliases count)")
        if not level.mapping:
            level.items.append(node)
        elif level.expects_key:
            self._key(level, node)
            level.expects_key = False
        else:
            self._value(level, node)
            level.expects_key = True

    def _key(self, level: _Open, node: Node) -> None:
        level.skip = False
        if not isinstance(node, ScalarNode) or not isinstance(node.value, str) or node.tag == "!!timestamp":
            hint = f'quote it: "{node.text}"' if isinstance(node, ScalarNode) and node.text else ""
            self.fail(node.where, f"a key must be text, this one is {kind_of(node)}", hint)
            level.skip = True
            level.key = Entry("?", node.where, node)
            return
        key = node.value
        if not (key == "<<" and not node.quoted):
            if key in level.entries:
                first = level.entries[key].where
                self.fail(node.where, f'the key "{key}" is already defined on line {first.line}', "keep one of the two")
                level.skip = True
            if invisible := _INVISIBLE.search(key):
                self.fail(node.where, f"the key holds the invisible character U+{ord(invisible.group()):04X}", "remove it")
        level.key = Entry(key, node.where, node)

    def _value(self, level: _Open, node: Node) -> None:
        key = level.key
        level.key = None
        if key is None or level.skip:
            return
        if key.key == "<<" and isinstance(key.value, ScalarNode) and not key.value.quoted:
            level.merged.append((node, key.where))
            return
        level.entries[key.key] = Entry(key.key, key.where, node)

    def _merge(self, level: _Open, merged: Node, where: Where) -> None:
        sources = merged.items if isinstance(merged, SequenceNode) else (merged,)
        for source in sources:
            if not isinstance(source, MappingNode):
                self.fail(where, f"<< takes a mapping or a list of mappings, not {kind_of(source)}")
                return
            for entry in source.entries:
                level.entries.setdefault(entry.key, entry)


def load(text: str | bytes, file: str) -> Node | None:
    """The document in `text`, None when it is empty or holds only comments.

    Strict: duplicate keys, keys that are not text, unknown tags, several documents, more than 100,000 nodes after aliases are
    expanded and more than 64 levels are problems. Raises `SpecError` with every problem found; `file` is how the file is called.
    """
    text = decode(text, file)
    reader = _Reader(text, file)
    root = reader.run()
    if reader.problems:
        marker = conflict_marker(text, file)
        raise SpecError([marker] if marker else reader.problems)
    if isinstance(root, ScalarNode) and root.value is None and not root.quoted and not root.text and not root.tag:
        return None
    return root

"""One Compose document laid over another: maps merge, lists append, and the fields for which Compose does otherwise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from devstack.document import Entry, MappingNode, Node, ScalarNode, SequenceNode, float_text, kind_of
from devstack.errors import Problem, SpecError

Path = tuple[str, ...]
Merger = Callable[[Node, Node, Path], Node]


def merge(base: MappingNode, over: MappingNode, *, listed: bool = False) -> MappingNode:
    """Whole documents. `!reset` in `over` removes a key, `!override` replaces its value. Raises `SpecError` where types clash.

    `listed`: what may be a mapping or a list of NAME=value becomes a list where two of them meet, else a mapping.
    """
    problems: list[Problem] = []
    result = _Merge(problems, listed).mapping(base, over, ())
    if problems:
        raise SpecError(problems)
    return result


def merge_service(base: MappingNode, over: MappingNode, *, listed: bool = False) -> MappingNode:
    """The bodies of one service; `listed` as for whole documents."""
    problems: list[Problem] = []
    result = _Merge(problems, listed).mapping(base, over, ("services", "*"))
    if problems:
        raise SpecError(problems)
    return result


def without_tags(node: Node) -> Node:
    """A document that stands alone: what is `!reset` is gone, what is `!override` stays."""
    if isinstance(node, MappingNode):
        kept = (entry for entry in node.entries if entry.value.tag != "!reset")
        return replace(node, entries=tuple(Entry(entry.key, entry.where, without_tags(entry.value)) for entry in kept), tag="")
    if isinstance(node, SequenceNode):
        return replace(node, items=tuple(without_tags(item) for item in node.items if item.tag != "!reset"), tag="")
    return replace(node, tag="") if node.tag == "!override" else node


def has_tags(node: Node) -> bool:
    """Whether `!reset` or `!override` stands anywhere in the document."""
    if node.tag in ("!reset", "!override"):
        return True
    if isinstance(node, MappingNode):
        return any(has_tags(entry.value) for entry in node.entries)
    return isinstance(node, SequenceNode) and any(has_tags(item) for item in node.items)


class _Merge:
    def __init__(self, problems: list[Problem], listed: bool) -> None:
        self.problems = problems
        self.listed = listed

    def mapping(self, base: MappingNode, over: MappingNode, path: Path) -> MappingNode:
        merged = {entry.key: entry for entry in base.entries}
        for entry in over.entries:
            known = merged.get(entry.key)
            tag = entry.value.tag
            if tag == "!reset":
                merged.pop(entry.key, None)
            elif known is None or tag == "!override":
                merged[entry.key] = Entry(entry.key, entry.where, without_tags(entry.value) if tag == "!override" else entry.value)
            else:
                value = self.value(known.value, entry.value, (*path, entry.key))
                merged[entry.key] = known if value is known.value else Entry(entry.key, entry.where, value)
        return replace(base, entries=tuple(merged.values()))

    def value(self, base: Node, over: Node, path: Path) -> Node:
        special = _special(path)
        if special is not None:
            return special(self, base, over, path)
        return self.plain(base, over, path)

    def plain(self, base: Node, over: Node, path: Path) -> Node:
        if isinstance(over, ScalarNode) and over.value is None:
            return base
        if isinstance(base, MappingNode) and isinstance(over, MappingNode):
            return self.mapping(base, over, path)
        if isinstance(base, SequenceNode) and isinstance(over, SequenceNode):
            return replace(over, items=(*base.items, *over.items))
        if isinstance(base, ScalarNode):
            return over
        shown = ".".join(path)
        message = f"{kind_of(over)} cannot override {kind_of(base)} from {base.where}"
        self.problems.append(Problem(over.where, message, shown, "use !override to replace it"))
        return base

    def keyed(self, base: Node, over: Node, path: Path) -> Node:
        """`NAME=value` lists and mappings alike."""
        merged = self.plain(keyed(base), keyed(over), path)
        return pairs(merged) if self.listed else merged

    def appended(self, base: Node, over: Node, path: Path) -> Node:
        """A single value or a list of them."""
        return self.plain(as_list(base), as_list(over), path)

    def replaced(self, base: Node, over: Node, path: Path) -> Node:
        return over

    def hosts(self, base: Node, over: Node, path: Path) -> Node:
        known, more = (node if isinstance(node, SequenceNode) else host_list(node) for node in (base, over))
        texts = {item.value for item in known.items if isinstance(item, ScalarNode)}
        added = tuple(item for item in more.items if isinstance(item, ScalarNode) and item.value not in texts)
        return replace(known, items=(*known.items, *added))

    def build(self, base: Node, over: Node, path: Path) -> Node:
        return self.plain(_under("context", base), _under("context", over), path)

    def named(self, base: Node, over: Node, path: Path) -> Node:
        """A list of names, or a mapping of names to options."""
        return self.plain(_names(base), _names(over), path)

    def dependencies(self, base: Node, over: Node, path: Path) -> Node:
        return self.plain(dependencies(base), dependencies(over), path)

    def logging(self, base: Node, over: Node, path: Path) -> Node:
        if isinstance(base, MappingNode) and isinstance(over, MappingNode):
            drivers = [node.value for node in (base.get("driver"), over.get("driver")) if isinstance(node, ScalarNode)]
            if len(drivers) == 2 and drivers[0] != drivers[1]:
                return over
        return self.plain(base, over, path)

    def limit(self, base: Node, over: Node, path: Path) -> Node:
        if isinstance(base, MappingNode) and isinstance(over, MappingNode):
            return self.plain(base, over, path)
        return over

    def pools(self, base: Node, over: Node, path: Path) -> Node:
        """Address pools are the same when their subnet is."""
        if not (isinstance(base, SequenceNode) and isinstance(over, SequenceNode)):
            return self.plain(base, over, path)
        items = list(base.items)
        for item in over.items:
            at = next((index for index, other in enumerate(items) if _subnet(other) == _subnet(item)), None)
            if at is None:
                items.append(item)
            else:
                items[at] = self.plain(items[at], item, path)
        return replace(over, items=tuple(items))


_Special = Callable[[_Merge, Node, Node, Path], Node]
_SERVICE: dict[Path, _Special] = {
    ("build",): _Merge.build,
    ("build", "extra_hosts"): _Merge.hosts,
    ("command",): _Merge.replaced,
    ("entrypoint",): _Merge.replaced,
    ("healthcheck", "test"): _Merge.replaced,
    ("depends_on",): _Merge.dependencies,
    ("extra_hosts",): _Merge.hosts,
    ("gpus",): _Merge.appended,
    ("logging",): _Merge.logging,
    ("models",): _Merge.named,
    ("networks",): _Merge.named,
    **{(key,): _Merge.appended for key in ("dns", "dns_search", "env_file", "label_file", "tmpfs")},
    **{(key,): _Merge.keyed for key in ("annotations", "environment", "labels", "sysctls")},
    **{("build", key): _Merge.keyed for key in ("args", "additional_contexts", "labels", "ssh")},
    ("deploy", "labels"): _Merge.keyed,
}


def _special(path: Path) -> _Special | None:
    if len(path) > 2 and path[0] == "services":
        if len(path) == 4 and path[2] == "ulimits":
            return _Merge.limit
        return _SERVICE.get(path[2:])
    if len(path) == 3 and path[2] == "labels" and path[0] in ("networks", "volumes", "secrets", "configs"):
        return _Merge.keyed
    if len(path) == 4 and path[0] == "networks" and path[2:] == ("ipam", "config"):
        return _Merge.pools
    return None


def keyed(node: Node) -> Node:
    """`[NAME=value, NAME]` as a mapping, a name alone with nothing for its value; other nodes as they are."""
    if not isinstance(node, SequenceNode):
        return node
    entries: dict[str, Entry] = {}
    for item in node.items:
        if isinstance(item, ScalarNode):
            name, separator, value = scalar_text(item).partition("=")
            found = ScalarNode(value if separator else None, value, item.where, quoted=bool(separator))
            entries[name] = Entry(name, item.where, found)
    return MappingNode(tuple(entries.values()), node.where, node.tag)


def pairs(node: Node) -> Node:
    """`{NAME: value}` as a list of NAME=value."""
    if not isinstance(node, MappingNode):
        return node
    found: list[Node] = []
    for entry in node.entries:
        value = entry.value
        text = f"{entry.key}={scalar_text(value)}" if isinstance(value, ScalarNode) and value.value is not None else entry.key
        found.append(ScalarNode(text, text, entry.where, quoted=True))
    return SequenceNode(tuple(found), node.where, node.tag)


def as_list(node: Node) -> Node:
    """A single value as a list of one."""
    if isinstance(node, SequenceNode) or (isinstance(node, ScalarNode) and node.value is None):
        return node
    return SequenceNode((node,), node.where, node.tag)


def host_list(node: Node) -> SequenceNode:
    """`extra_hosts` in either form as a list of `name=address`."""
    found: list[Node] = []
    if isinstance(node, MappingNode):
        for entry in node.entries:
            addresses = entry.value.items if isinstance(entry.value, SequenceNode) else (entry.value,)
            found += [_host(entry.key, scalar_text(item), item) for item in addresses if isinstance(item, ScalarNode)]
    elif isinstance(node, SequenceNode):
        for item in node.items:
            if isinstance(item, ScalarNode):
                text = scalar_text(item)
                separator = "=" if "=" in text else ":"
                name, _, address = text.partition(separator)
                found.append(_host(name, address, item))
    return SequenceNode(tuple(found), node.where)


def _host(name: str, address: str, node: Node) -> ScalarNode:
    address = address.strip()
    if address.startswith("[") and address.endswith("]"):
        address = address[1:-1]
    text = f"{name}={address}"
    return ScalarNode(text, text, node.where, quoted=True)


def _under(key: str, node: Node) -> Node:
    if isinstance(node, ScalarNode) and node.value is not None:
        return MappingNode((Entry(key, node.where, node),), node.where, node.tag)
    return node


def _names(node: Node) -> Node:
    if not isinstance(node, SequenceNode):
        return node
    entries = {}
    for item in node.items:
        if isinstance(item, ScalarNode):
            entries[scalar_text(item)] = Entry(scalar_text(item), item.where, ScalarNode(None, "", item.where))
    return MappingNode(tuple(entries.values()), node.where, node.tag)


def dependencies(node: Node) -> Node:
    """`depends_on` in its long form, with the defaults of the short one filled in."""
    if not isinstance(node, SequenceNode):
        return node
    entries = {}
    for item in node.items:
        if isinstance(item, ScalarNode):
            body = (
                Entry("condition", item.where, ScalarNode("service_started", "service_started", item.where)),
                Entry("required", item.where, ScalarNode(True, "true", item.where)),
            )
            entries[scalar_text(item)] = Entry(scalar_text(item), item.where, MappingNode(body, item.where))
    return MappingNode(tuple(entries.values()), node.where, node.tag)


def _subnet(node: Node) -> object:
    subnet = node.get("subnet") if isinstance(node, MappingNode) else None
    return subnet.value if isinstance(subnet, ScalarNode) else node


def scalar_text(node: ScalarNode) -> str:
    """A scalar where text is wanted: numbers as Go writes them, nothing as ""."""
    value = node.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return float_text(value) if isinstance(value, float) else str(value)

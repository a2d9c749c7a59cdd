"""Where the boxes of one connected piece of a schema stand: tables that others point at to the left, by depth of their foreign keys.

The steps are those of layered drawing: depths, an order within each layer that makes few lines cross, heights that keep lines short.
A line that passes a layer gets a lane of its own there, so that it runs between boxes and never through one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from devstack.database.diagram.picture import ROW, Box, Link

_BETWEEN_BOXES = 2 * ROW
_LANE = ROW
_SWEEPS = 16


@dataclass(eq=False, slots=True)
class Node:
    """A box, or a lane that lines with one parent port share on their way past a layer (`box` None)."""

    layer: int
    box: Box | None
    y: float = 0.0
    left: list[Wire] = field(default_factory=list)
    right: list[Wire] = field(default_factory=list)

    @property
    def height(self) -> int:
        return self.box.height if self.box else 0


@dataclass(eq=False, slots=True)
class Wire:
    """A piece of a line between neighbouring layers, with how far below each node's top it meets it."""

    a: Node
    a_port: int
    b: Node
    b_port: int
    link: Link


@dataclass(slots=True)
class Layers:
    """`rows` are the nodes of each layer from top to bottom; `loops` the links of tables to themselves."""

    rows: list[list[Node]]
    wires: list[Wire]
    loops: list[tuple[Node, Link]]
    boxes: dict[str, Node]


def arrange(boxes: Sequence[Box], links: Sequence[Link]) -> Layers:
    """Depths, order and heights of a connected piece."""
    depth = _depths([box.name for box in boxes], links)
    nodes = {box.name: Node(depth[box.name], box) for box in boxes}
    rows: list[list[Node]] = [[] for _ in range(max(depth.values()) + 1)]
    for node in nodes.values():
        rows[node.layer].append(node)
    made = Layers(rows, [], [(nodes[link.child], link) for link in links if link.child == link.parent], nodes)
    _wire(made, [link for link in links if link.child != link.parent])
    _order(made)
    _heights(made)
    return made


def _depths(names: Sequence[str], links: Sequence[Link]) -> dict[str, int]:
    """How deep each table stands; every link then spans at least one layer, whichever way it points in a circle."""
    children: dict[str, list[str]] = defaultdict(list)
    pairs = list(dict.fromkeys((link.parent, link.child) for link in links if link.parent != link.child))
    for parent, child in pairs:
        children[parent].append(child)
    downwards = _without_circles(names, children, pairs)
    depth = dict.fromkeys(names, 0)
    for _ in names:
        for parent, child in downwards:
            depth[child] = max(depth[child], depth[parent] + 1)
    for _ in names:  # a table that only others far away point at stands near them
        for name in names:
            below = [depth[child] for parent, child in downwards if parent == name]
            above = [depth[parent] for parent, child in downwards if child == name]
            if below and not above and min(below) - 1 > depth[name]:
                depth[name] = min(below) - 1
    least = min(depth.values())
    return {name: value - least for name, value in depth.items()}


def _without_circles(
    names: Sequence[str], children: dict[str, list[str]], pairs: Sequence[tuple[str, str]]
) -> list[tuple[str, str]]:
    """The pairs with those turned round that would close a circle."""
    state: dict[str, int] = {}
    back: set[tuple[str, str]] = set()
    pointed = {child for _, child in pairs}
    for root in sorted(names, key=lambda name: (name in pointed, -len(children[name]))):
        stack = [(root, iter(children[root]))] if root not in state else []
        state.setdefault(root, 1)
        while stack:
            name, rest = stack[-1]
            child = next(rest, None)
            if child is None:
                state[name] = 2
                stack.pop()
            elif child not in state:
                state[child] = 1
                stack.append((child, iter(children[child])))
            elif state[child] == 1:
                back.add((name, child))
    return list(dict.fromkeys((child, parent) if (parent, child) in back else (parent, child) for parent, child in pairs))


def _wire(made: Layers, links: Sequence[Link]) -> None:
    lanes: dict[tuple[str, str, int, bool], Node] = {}
    joined: set[tuple[int, int, int, int]] = set()
    for link in links:
        child, parent = made.boxes[link.child], made.boxes[link.parent]
        child_port, parent_port = child.height and _port(child, link.column), _port(parent, link.ref_column)
        forward = parent.layer < child.layer
        a, a_port, b, b_port = (parent, parent_port, child, child_port) if forward else (child, child_port, parent, parent_port)
        before, port = a, a_port
        for layer in range(a.layer + 1, b.layer):
            # Lines to the same column of the same table share their lanes; a line the other way round has its own.
            key = (
                (link.parent, link.ref_column, layer, True)
                if forward
                else (f"{link.child}.{link.column}", link.parent, layer, False)
            )
            lane = lanes.get(key)
            if lane is None:
                lane = lanes[key] = Node(layer, None)
                made.rows[layer].append(lane)
            _join(made, joined, Wire(before, port, lane, 0, link))
            before, port = lane, 0
        _join(made, joined, Wire(before, port, b, b_port, link))


def _join(made: Layers, joined: set[tuple[int, int, int, int]], wire: Wire) -> None:
    key = (id(wire.a), wire.a_port, id(wire.b), wire.b_port)
    if key not in joined:
        joined.add(key)
        made.wires.append(wire)
        wire.a.right.append(wire)
        wire.b.left.append(wire)


def _port(node: Node, column: str) -> int:
    assert node.box is not None
    return node.box.port(column)


def _order(made: Layers) -> None:
    """Few crossings: again and again each layer is sorted by where its neighbours stand; the best order seen is kept."""
    best, least = [list(row) for row in made.rows], _crossings(made)
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        numbers = range(1, len(made.rows)) if down else range(len(made.rows) - 2, -1, -1)
        for number in numbers:
            place = {id(node): n for row in made.rows for n, node in enumerate(row)}
            row = made.rows[number]
            here = {id(node): n for n, node in enumerate(row)}

            def middle(
                node: Node, place: dict[int, int] = place, here: dict[int, int] = here, down: bool = down
            ) -> tuple[float, int]:
                wires = node.left if down else node.right
                ends = [place[id(w.a)] + w.a_port / 10000 if down else place[id(w.b)] + w.b_port / 10000 for w in wires]
                return (sum(ends) / len(ends) if ends else float(here[id(node)]), here[id(node)])

            row.sort(key=middle)
        found = _crossings(made)
        if found < least:
            best, least = [list(row) for row in made.rows], found
    made.rows = best


def _crossings(made: Layers) -> int:
    place = {id(node): n for row in made.rows for n, node in enumerate(row)}
    by_gap: dict[int, list[tuple[tuple[int, int], tuple[int, int]]]] = defaultdict(list)
    for w in made.wires:
        by_gap[w.a.layer].append(((place[id(w.a)], w.a_port), (place[id(w.b)], w.b_port)))
    count = 0
    for ends in by_gap.values():
        for n, (a, b) in enumerate(ends):
            count += sum((a < c and b > d) or (a > c and b < d) for c, d in ends[n + 1 :])
    return count


def _heights(made: Layers) -> None:
    for row in made.rows:
        y = 0.0
        for n, node in enumerate(row):
            y += _gap(row[n - 1], node) if n else 0
            node.y = y
            y += node.height
    for sweep in range(_SWEEPS):
        order = made.rows if sweep % 2 == 0 else list(reversed(made.rows))
        for row in order:
            _settle(row)
    for row in made.rows:
        _snap(row)
    top = min(node.y for row in made.rows for node in row)
    for row in made.rows:
        for node in row:
            node.y -= top - top % ROW


def _gap(above: Node, below: Node) -> int:
    return _BETWEEN_BOXES if above.box and below.box else _LANE


def _settle(row: list[Node]) -> None:
    """Each node as near as it may come to the height of its neighbours, the order and the gaps kept (isotonic regression)."""
    blocks: list[tuple[float, float, int]] = []  # (sum of wishes, weight, how many nodes)
    offsets, offset = [], 0.0
    for n, node in enumerate(row):
        offset += (_gap(row[n - 1], node) + row[n - 1].height) if n else 0
        offsets.append(offset)
        wishes = [w.a.y + w.a_port - w.b_port for w in node.left] + [w.b.y + w.b_port - w.a_port for w in node.right]
        weight = float(len(wishes)) * (4 if node.box is None else 1) if wishes else 0.01
        wish = (sum(wishes) / len(wishes) if wishes else node.y) - offset
        blocks.append((wish * weight, weight, 1))
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
            last = blocks.pop()
            before = blocks.pop()
            blocks.append((before[0] + last[0], before[1] + last[1], before[2] + last[2]))
    n = 0
    for total, weight, count in blocks:
        for _ in range(count):
            row[n].y = total / weight + offsets[n]
            n += 1


def _snap(row: list[Node]) -> None:
    """To the grid, which lies half a line lower in every other layer: lines that come from both sides never run on one height."""
    for n, node in enumerate(row):
        shift = 9 if node.layer % 2 else 0
        y = round((node.y - shift) / ROW) * ROW + shift
        if n:
            before = row[n - 1]
            y = max(y, int(before.y) + before.height + _gap(before, node))
            y += -(y - shift) % ROW
        node.y = y

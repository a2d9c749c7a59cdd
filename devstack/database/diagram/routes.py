"""The way of every line: out of its box, along a track between two layers, into the next box; never through one."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from devstack.database.diagram.layers import Layers, Node, Wire
from devstack.database.diagram.picture import Link

_TRACK = 12
_MARGIN = 26
"""Room beside a box for the marks at the ends of lines."""
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Path:
    """A drawn line. `child_at` and `parent_at` are where it ends at a box ((point, 1 on its right side, -1 on its left), or None)."""

    points: tuple[Point, ...]
    link: Link
    child_at: tuple[Point, int] | None
    parent_at: tuple[Point, int] | None


@dataclass(frozen=True, slots=True)
class Placed:
    """A connected piece, drawn at the origin: boxes with their corner, paths, size."""

    boxes: tuple[tuple[Node, float], ...]
    paths: tuple[Path, ...]
    width: float
    height: float


def place(made: Layers) -> Placed:
    """Give every layer its x and every line its way."""
    tracks, counts = _tracks(made)
    loops: dict[int, int] = defaultdict(int)
    for node, _ in made.loops:
        loops[node.layer] += 1
    lefts, x = [], 0.0
    rights = []
    for number, row in enumerate(made.rows):
        width = max((node.box.width for node in row if node.box), default=0)
        lefts.append(x)
        rights.append(x + width)
        last = number == len(made.rows) - 1
        x += width + (0 if last else 2 * _MARGIN + _TRACK * max(counts[number] - 1, 0))
        x += 24 if loops[number] else 0
    lane = 24
    paths = [_path(wire, lefts, rights, tracks, lane if loops[wire.a.layer] else 0) for wire in made.wires]
    paths += [_loop(node, link, lefts) for node, link in made.loops]
    paths += _through(made, lefts, rights)
    boxes = tuple((node, lefts[node.layer]) for row in made.rows for node in row if node.box)
    height = max(node.y + node.height for node, _ in boxes)
    height = max(height, *(y for path in paths for _, y in path.points)) if paths else height
    return Placed(boxes, tuple(paths), x, height)


def _net(wire: Wire) -> tuple[int, int]:
    """Lines that leave the same place share a track."""
    return (id(wire.a), wire.a_port) if wire.link.parent == _name(wire.a) or wire.a.box is None else (id(wire.b), -1 - wire.b_port)


def _name(node: Node) -> str:
    return node.box.name if node.box else ""


def _tracks(made: Layers) -> tuple[dict[tuple[int, int, int], int], dict[int, int]]:
    """(track of each net by gap, how many tracks a gap has). Nets whose spans meet get different tracks."""
    spans: dict[int, dict[tuple[int, int], list[float]]] = defaultdict(lambda: defaultdict(list))
    for wire in made.wires:
        spans[wire.a.layer][_net(wire)] += [wire.a.y + wire.a_port, wire.b.y + wire.b_port]
    found: dict[tuple[int, int, int], int] = {}
    counts: dict[int, int] = defaultdict(int)
    for gap, nets in spans.items():
        taken: list[list[tuple[float, float]]] = []
        for net, ys in sorted(nets.items(), key=lambda item: _turn(item[1])):
            low, high = min(ys) - 6, max(ys) + 6
            free = (n for n, spans_of in enumerate(taken) if all(high < a or low > b for a, b in spans_of))
            number = next(free, len(taken))
            if number == len(taken):
                taken.append([])
            taken[number].append((low, high))
            found[(gap, *net)] = number
        counts[gap] = len(taken)
    return found, counts


def _turn(ys: list[float]) -> tuple[bool, float]:
    """A net that goes down takes its track after those below it, one that goes up before them: fewer lines cross."""
    upwards = ys[0] > min(ys)
    return upwards, ys[0] if upwards else -ys[0]


def _path(wire: Wire, lefts: list[float], rights: list[float], tracks: dict[tuple[int, int, int], int], loop: float) -> Path:
    gap = wire.a.layer
    x1 = lefts[gap] + (wire.a.box.width if wire.a.box else rights[gap] - lefts[gap])
    x2 = lefts[wire.b.layer]
    y1, y2 = wire.a.y + wire.a_port, wire.b.y + wire.b_port
    x = rights[gap] + loop + _MARGIN + _TRACK * tracks[(gap, *_net(wire))]
    points = ((x1, y1), (x, y1), (x, y2), (x2, y2))
    a_end = ((x1, y1), 1) if wire.a.box else None
    b_end = ((x2, y2), -1) if wire.b.box else None
    child_first = _name(wire.a) == wire.link.child and wire.a.box is not None
    parent_first = wire.a.box is not None and not child_first
    return Path(
        points,
        wire.link,
        a_end if child_first else b_end if b_end and _name(wire.b) == wire.link.child else None,
        a_end if parent_first else b_end if b_end and _name(wire.b) == wire.link.parent else None,
    )


def _through(made: Layers, lefts: list[float], rights: list[float]) -> list[Path]:
    """The stretches of lanes past a layer."""
    return [
        Path(((lefts[n], node.y), (rights[n], node.y)), node.right[0].link, None, None)
        for n, row in enumerate(made.rows)
        for node in row
        if node.box is None
    ]


def _loop(node: Node, link: Link, lefts: list[float]) -> Path:
    assert node.box is not None
    x = lefts[node.layer] + node.box.width
    y1, y2 = node.y + node.box.port(link.column), node.y + node.box.port(link.ref_column)
    out = x + 24
    return Path(((x, y1), (out, y1), (out, y2), (x, y2)), link, ((x, y1), 1), ((x, y2), 1))

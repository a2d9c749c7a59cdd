"""The dependency graph as inline SVG: services in columns by what they need, the first ones at the left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise

from devstack.reports.charts import cut, opening
from devstack.verify.model import Edge

WIDE, TALL, GAP, ROW = 164, 40, 74, 54
Slot = tuple[str, str]
"""What stands in a column: (service, "") a service, (service, what it needs) a line that passes by."""
KINDS = {"service_healthy": "edge", "service_started": "edge loose"}


def graph(edges: Sequence[Edge], services: Sequence[str], failing: frozenset[str]) -> str:
    """The picture. A line leads from a service to those that wait for it; one that skips a column has a lane of its own there."""
    known = [edge for edge in edges if edge.service in services and edge.needs in services]
    columns = _columns(known, services)
    height = max(map(len, columns)) * ROW + 4
    at = {
        slot: (2 + number * (WIDE + GAP), (height - len(slots) * ROW) / 2 + row * ROW + ROW / 2)
        for number, slots in enumerate(columns)
        for row, slot in enumerate(slots)
    }
    parts = [opening(len(columns) * (WIDE + GAP) - GAP + 4, height, "Which service needs which")]
    parts.append('<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">')
    parts.append('<path class="tip" d="M0 0L8 4L0 8z"/></marker></defs>')
    parts += [_line(edge, at, layers(known, services)) for edge in known]
    parts += [_node(name, *at[name, ""], bad=name in failing) for name in services]
    return "".join(parts) + "</svg>"


def layers(edges: Sequence[Edge], services: Sequence[str]) -> Mapping[str, int]:
    """For each service the longest chain of what it needs."""
    found = dict.fromkeys(services, 0)
    for _ in services:  # as many rounds as the longest chain could have; a circle, which no stack has, ends here too
        for edge in edges:
            found[edge.service] = min(max(found[edge.service], found[edge.needs] + 1), len(services))
    return found


def _columns(edges: Sequence[Edge], services: Sequence[str]) -> list[list[Slot]]:
    """What stands in each column, each slot near those it is joined with at the left."""
    level = layers(edges, services)
    columns: list[list[Slot]] = [[] for _ in range(max(level.values(), default=0) + 1)]
    before: dict[Slot, list[Slot]] = {}
    for name in services:
        columns[level[name]].append((name, ""))
    for edge in edges:
        path = _path(edge, level)
        for left, right in pairwise(path):
            before.setdefault(right, []).append(left)
        for number, slot in enumerate(path[1:-1], start=level[edge.needs] + 1):
            columns[number].append(slot)
    for left_column, column in pairwise(columns):
        height = {slot: row - (len(left_column) - 1) / 2 for row, slot in enumerate(left_column)}
        column.sort(key=lambda slot: _mean([height[other] for other in before.get(slot, ()) if other in height]))
    return columns


def _path(edge: Edge, level: Mapping[str, int]) -> list[Slot]:
    passed = range(level[edge.needs] + 1, level[edge.service])
    return [(edge.needs, ""), *((edge.service, f"{edge.needs}:{number}") for number in passed), (edge.service, "")]


def _mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers) if numbers else 0.0


def _line(edge: Edge, at: Mapping[Slot, tuple[float, float]], level: Mapping[str, int]) -> str:
    points = [at[slot] for slot in _path(edge, level)]
    x, y = points[0]
    path = f"M{x + WIDE:.0f} {y:.0f}"
    for number, (x, y) in enumerate(points[1:], start=1):
        last_x, last_y = points[number - 1]
        begin, middle = last_x + WIDE, GAP / 2
        end = x - 2 if number == len(points) - 1 else x
        path += f"C{begin + middle:.0f} {last_y:.0f} {end - middle:.0f} {y:.0f} {end:.0f} {y:.0f}"
        path += "" if number == len(points) - 1 else f"H{x + WIDE:.0f}"
    title = escape(f"{edge.service} needs {edge.needs}: {edge.condition}")
    kind = KINDS.get(edge.condition, "edge done")
    return f'<path class="{kind}" d="{path}" marker-end="url(#tip)"><title>{title}</title></path>'


def _node(name: str, x: float, y: float, *, bad: bool) -> str:
    return (
        f'<rect class="{"node bad-node" if bad else "node"}" x="{x:.0f}" y="{y - TALL / 2:.0f}" width="{WIDE}" height="{TALL}" rx="8"/>'
        f'<circle class="{"dot-bad" if bad else "dot"}" cx="{x + 18:.0f}" cy="{y:.0f}" r="4.5"/>'
        f'<text class="name" x="{x + 32:.0f}" y="{y + 4.5:.1f}">{escape(cut(name, 15))}</text>'
    )

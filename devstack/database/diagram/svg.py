"""Draws a picture as SVG: no script, no web fonts; it reads the same in a browser, in a README and printed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from html import escape

from devstack.database.diagram.layers import arrange
from devstack.database.diagram.picture import HEADER, ROW, Box, Link, Picture
from devstack.database.diagram.routes import Path, Placed, Point, place

_EDGE = 28
_GUTTER = 54
_ROUND = 6
_INKS = ("#2563a8", "#b45309", "#15803d", "#9d2f6f", "#6d4bb8", "#0e7490", "#a13d2d", "#5b6b1c")
_STYLE = (
    "text{font-family:'DejaVu Sans Mono',Menlo,Consolas,'Liberation Mono',monospace;font-size:12px;fill:#1c2733}"
    ".t{font-weight:bold;fill:#fff}.m{font-size:10px;fill:#8a5a00}.y{fill:#5c6b7a}.n{font-size:10px;fill:#5c6b7a}"
    ".k{font-weight:bold}.b{fill:#fff;stroke:#9aa8b5}.h{fill:#33506b}.e{fill:#6b5b2e}.w{fill:none;stroke-width:1.6}"
)


def draw(picture: Picture, title: str = "") -> str:
    """The SVG document."""
    inks = _inks(picture)
    pieces = [place(arrange(boxes, links)) for boxes, links in _pieces(picture)]
    corners, width, height = _shelves(pieces)
    top = 34 if title else 0
    width, height = width + 2 * _EDGE, height + 2 * _EDGE + top
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}">',
        f"<title>{escape(title or 'schema')}</title><style>{_STYLE}</style>",
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="#f6f8fa"/>',
    ]
    if title:
        parts.append(f'<text x="{_EDGE}" y="36" style="font-size:16px;font-weight:bold">{escape(title)}</text>')
    for piece, (x, y) in zip(pieces, corners, strict=True):
        parts.append(f'<g transform="translate({x + _EDGE:.0f} {y + _EDGE + top:.0f})">')
        parts += _wires(piece, inks)
        parts += [_box(node.box, left, node.y) for node, left in piece.boxes if node.box]
        parts.append("</g>")
    return "\n".join([*parts, "</svg>", ""])


def _inks(picture: Picture) -> dict[str, str]:
    """A colour for the lines to each table, so that they can be told apart where they cross."""
    parents = dict.fromkeys(link.parent for link in picture.links)
    return {name: _INKS[number % len(_INKS)] for number, name in enumerate(parents)}


def _pieces(picture: Picture) -> list[tuple[list[Box], list[Link]]]:
    """The connected pieces, the largest first; tables without keys and enums come after."""
    near: dict[str, set[str]] = defaultdict(set)
    for link in picture.links:
        near[link.child].add(link.parent)
        near[link.parent].add(link.child)
    boxes = {box.name: box for box in picture.boxes if not box.enum}
    seen: set[str] = set()
    found: list[list[str]] = []
    for name in boxes:
        if name not in seen:
            group, waiting = [], [name]
            seen.add(name)
            while waiting:
                group.append(here := waiting.pop())
                fresh = [other for other in sorted(near[here]) if other not in seen]
                seen.update(fresh)
                waiting += fresh
            found.append(sorted(group))
    found.sort(key=lambda group: -len(group))
    pieces = [([boxes[n] for n in group], [link for link in picture.links if link.child in group]) for group in found]
    return pieces + [([box], []) for box in picture.boxes if box.enum]


def _shelves(pieces: Sequence[Placed]) -> tuple[list[Point], float, float]:
    """Where the pieces stand: in rows about as wide as the widest of them."""
    area = sum((p.width + _GUTTER) * (p.height + _GUTTER) for p in pieces)
    limit = max([p.width for p in pieces] + [(area * 1.5) ** 0.5])
    corners: list[Point] = []
    x = y = row = width = 0.0
    for piece in pieces:
        if x and x + piece.width > limit + 1:
            x, y, row = 0.0, y + row + _GUTTER, 0.0
        corners.append((x, y))
        width, row = max(width, x + piece.width), max(row, piece.height)
        x += piece.width + _GUTTER
    return corners, width, y + row


def _box(box: Box, x: float, y: float) -> str:
    width = box.width
    parts = [
        f'<rect class="b" x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{box.height}" rx="5"/>',
        f'<path class="{"e" if box.enum else "h"}" '
        f'd="M{x:.0f} {y + HEADER - 4:.0f}v{-HEADER + 9}q0 -5 5 -5h{width - 10:.0f}q5 0 5 5v{HEADER - 9}z"/>',
        f'<text class="t" x="{x + width / 2:.0f}" y="{y + 16:.0f}" text-anchor="middle">{escape(box.name)}</text>',
    ]
    for number, line in enumerate(box.lines):
        base = y + HEADER + ROW * number + 13
        if line.mark:
            parts.append(f'<text class="m" x="{x + 8:.0f}" y="{base:.0f}">{line.mark}</text>')
        at = x + 8 + box.marks
        bold = ' class="k"' if "PK" in line.mark else ""
        parts.append(f'<text{bold} x="{at:.0f}" y="{base:.0f}">{escape(line.name)}</text>')
        if line.type:
            text = escape(line.type) + (" ?" if line.nullable else "")
            parts.append(f'<text class="y" x="{at + box.names + 18:.0f}" y="{base:.0f}">{text}</text>')
    if box.note:
        base = y + HEADER + ROW * len(box.lines) + 13
        parts.append(f'<text class="n" x="{x + 10:.0f}" y="{base:.0f}">{escape(box.note)}</text>')
    return "".join(parts)


def _wires(piece: Placed, inks: dict[str, str]) -> list[str]:
    parts = []
    needed = {(link.parent, link.ref_column) for link in (path.link for path in piece.paths) if not link.optional}
    for path in piece.paths:
        ink = inks[path.link.parent]
        link = path.link
        told = escape(f"{link.child}.{link.column} → {link.parent}.{link.ref_column}")
        parts.append(f'<path class="w" stroke="{ink}" d="{_rounded(path.points)}"><title>{told}</title></path>')
        parts += _ends(path, ink, optional=(link.parent, link.ref_column) not in needed)
    return list(dict.fromkeys(parts))


def _ends(path: Path, ink: str, *, optional: bool) -> list[str]:
    """A crow's foot where there may be many, a bar where there is one; a ring where every line that ends there may have none."""
    parts = []
    if path.child_at:
        (x, y), side = path.child_at
        if path.link.single:
            parts.append(f'<path class="w" stroke="{ink}" d="M{x + 9 * side:.0f} {y - 5:.0f}v10"/>')
        else:
            parts.append(
                f'<path class="w" stroke="{ink}" d="M{x:.0f} {y - 6:.0f}L{x + 11 * side:.0f} {y:.0f}L{x:.0f} {y + 6:.0f}"/>'
            )
    if path.parent_at:
        (x, y), side = path.parent_at
        if optional:
            parts.append(f'<circle cx="{x + 9 * side:.0f}" cy="{y:.0f}" r="4" fill="#f6f8fa" stroke="{ink}" stroke-width="1.4"/>')
        else:
            parts.append(f'<path class="w" stroke="{ink}" d="M{x + 9 * side:.0f} {y - 5:.0f}v10"/>')
    return parts


def _rounded(points: Sequence[Point]) -> str:
    """A way through the points with round corners."""
    way = [points[0]]
    for point in points[1:]:
        if point != way[-1]:
            way.append(point)
    text = f"M{way[0][0]:.0f} {way[0][1]:.0f}"
    for before, corner, after in zip(way, way[1:], way[2:], strict=False):
        reach = min(_ROUND, _distance(before, corner) / 2, _distance(corner, after) / 2)
        a, b = _towards(corner, before, reach), _towards(corner, after, reach)
        text += f"L{a[0]:.1f} {a[1]:.1f}Q{corner[0]:.0f} {corner[1]:.0f} {b[0]:.1f} {b[1]:.1f}"
    return text + f"L{way[-1][0]:.0f} {way[-1][1]:.0f}"


def _distance(a: Point, b: Point) -> float:
    return abs(a[0] - b[0]) + abs(a[1] - b[1])


def _towards(start: Point, end: Point, reach: float) -> Point:
    far = _distance(start, end) or 1
    return (start[0] + (end[0] - start[0]) * reach / far, start[1] + (end[1] - start[1]) * reach / far)

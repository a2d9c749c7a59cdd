"""Entity-relationship pictures: what is in them, and that people can tell what a line joins. (They were looked at, too.)"""

from __future__ import annotations

import random
import re
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from devstack.database.catalog import read_tables
from devstack.database.connection import Connection
from devstack.database.diagram.layers import arrange
from devstack.database.diagram.mermaid import write
from devstack.database.diagram.picture import Box, Line, Link, picture_of
from devstack.database.diagram.png import render
from devstack.database.diagram.routes import Placed, place
from devstack.database.diagram.svg import draw
from devstack.errors import UsageError

SQL = """
CREATE TYPE state AS ENUM ('open', 'closed');
CREATE TABLE users (id int PRIMARY KEY, email varchar(80) UNIQUE NOT NULL, boss int REFERENCES users);
CREATE TABLE "Odd ""name" (id int PRIMARY KEY, "a<b" text);
CREATE TABLE tickets (id bigint PRIMARY KEY, user_id int NOT NULL REFERENCES users, state state NOT NULL, at timestamptz NOT NULL);
CREATE TABLE profiles (user_id int PRIMARY KEY REFERENCES users, bio text);
CREATE TABLE pairs (a int, b int, PRIMARY KEY (a, b));
CREATE TABLE uses (id int PRIMARY KEY, a int REFERENCES users, b int, FOREIGN KEY (a, b) REFERENCES pairs (a, b));
CREATE TABLE log (at date NOT NULL, what text) PARTITION BY RANGE (at);
CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE VIEW seen AS SELECT 1;
"""


@pytest.fixture
def svg(database: Connection) -> str:
    assert database.run(SQL) is None
    return draw(picture_of(read_tables(database)), "a < b")


def test_every_table_column_and_enum_is_in_the_picture_and_partitions_are_counted(svg: str) -> None:
    root = ET.fromstring(svg)
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    for word in (
        "a < b",
        "users",
        'Odd "name',
        "a<b",
        "tickets",
        "state",
        "open",
        "closed",
        "timestamptz",
        "varchar(80)",
        "PK FK",
        "UQ",
    ):
        assert word in texts, word
    assert "by range (at), 1 partition" in texts and "log_1" not in texts and "seen" not in texts


def test_every_foreign_key_has_a_line_that_says_what_it_joins(svg: str) -> None:
    titles = {element.text for element in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}title")}
    assert {"tickets.user_id → users.id", "users.boss → users.id", "profiles.user_id → users.id", "uses.b → pairs.b"} <= titles


def test_mermaid_says_the_same(database: Connection) -> None:
    assert database.run(SQL) is None
    text = write(picture_of(read_tables(database)))
    assert text.startswith('erDiagram\n    "Odd \'name" {\n')
    assert '    users ||--o{ tickets : "user_id"' in text
    assert '    users ||--o| profiles : "user_id"' in text
    assert '    users |o--o{ users : "boss"' in text
    assert "        varchar(80) email UK" in text and '        int boss FK "nullable"' in text


def schema(number: int, tables: int) -> tuple[list[Box], list[Link]]:
    """A made-up schema in one piece: hubs, chains, circles, tables that point at themselves."""
    dice = random.Random(number)
    names = [f"t{n}" for n in range(tables)]
    links = []
    columns: dict[str, list[Line]] = {name: [Line("PK", "id", "int")] for name in names}
    for n, name in enumerate(names):
        targets = {names[dice.choice([0, n // 2, dice.randrange(max(n, 1))])]} | (
            {dice.choice(names)} if dice.random() < 0.3 else set()
        )
        for target in sorted(targets - ({name} if n else set())) if n else []:
            column = f"{target}_id"
            columns[name].append(Line("FK", column, "int"))
            links.append(Link(name, column, target, "id", "", False, dice.random() < 0.3))
        columns[name] += [Line("", f"c{k}", "text") for k in range(dice.randrange(9))]
        if dice.random() < 0.1:
            columns[name].append(Line("FK", "self_id", "int"))
            links.append(Link(name, "self_id", name, "id", "", False, True))
    return [Box(name, tuple(lines)) for name, lines in columns.items()], links


def segments(piece: Placed) -> list[tuple[float, float, float, float, tuple[str, str], str]]:
    found = []
    for path in piece.paths:
        for (x1, y1), (x2, y2) in zip(path.points, path.points[1:], strict=False):
            key = (path.link.parent, path.link.ref_column)
            found.append((min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2), key, f"{path.link.child}.{path.link.column}"))
    return found


@pytest.mark.parametrize("number", range(24))
def test_boxes_never_overlap_and_no_line_runs_through_a_box(number: int) -> None:
    boxes, links = schema(number, 3 + number * 2)
    piece = place(arrange(boxes, links))
    corners = [(x, node.y, x + node.box.width, node.y + node.height, node.box.name) for node, x in piece.boxes if node.box]
    assert len(corners) == len(boxes)
    for n, a in enumerate(corners):
        for b in corners[n + 1 :]:
            assert a[2] < b[0] or b[2] < a[0] or a[3] < b[1] or b[3] < a[1], (a, b)
    for x1, y1, x2, y2, _, name in segments(piece):
        for left, top, right, bottom, box in corners:
            assert not (x1 < right - 1 and x2 > left + 1 and y1 < bottom - 1 and y2 > top + 1), (name, box)


@pytest.mark.parametrize("number", range(24))
def test_lines_to_different_places_never_run_on_top_of_each_other(number: int) -> None:
    boxes, links = schema(number, 3 + number * 2)
    found = segments(place(arrange(boxes, links)))
    for n, (ax1, ay1, ax2, ay2, akey, aname) in enumerate(found):
        for bx1, by1, bx2, by2, bkey, bname in found[n + 1 :]:
            if akey == bkey or aname == bname:
                continue
            same_row = ay1 == ay2 == by1 == by2 and min(ax2, bx2) - max(ax1, bx1) > 1
            same_track = ax1 == ax2 == bx1 == bx2 and min(ay2, by2) - max(ay1, by1) > 1
            assert not same_row and not same_track, (aname, akey, bname, bkey)


@pytest.mark.parametrize("number", range(24))
def test_every_line_is_whole_from_child_to_parent(number: int) -> None:
    boxes, links = schema(number, 3 + number * 2)
    made = arrange(boxes, links)
    place(made)
    for link in links:
        if link.child != link.parent:
            start, end = made.boxes[link.child], made.boxes[link.parent]
            left, right = (start, end) if start.layer < end.layer else (end, start)
            reached = {id(left)}
            for row in made.rows:
                reached |= {id(w.b) for node in row for w in node.right if id(w.a) in reached}
            assert id(right) in reached, link


def test_the_same_schema_is_drawn_the_same(database: Connection) -> None:
    assert database.run(SQL) is None
    assert draw(picture_of(read_tables(database))) == draw(picture_of(read_tables(database)))


def test_an_empty_schema_is_an_empty_picture(database: Connection) -> None:
    text = draw(picture_of(read_tables(database)), "empty")
    assert re.search(r'width="\d+" height="\d+"', text) and "<rect class" not in text


def test_png_is_drawn_where_there_is_a_renderer_and_else_says_what_to_install(
    svg: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "picture.png"
    if any(shutil.which(name) for name in ("rsvg-convert", "chromium", "google-chrome")):
        render(svg, target)
        assert target.read_bytes().startswith(b"\x89PNG") and target.stat().st_size > 5000
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="nothing here can draw a PNG") as error:
        render(svg, tmp_path / "other.png")
    assert any("librsvg" in hint for hint in error.value.hints)

"""Writes a picture as Mermaid's erDiagram, which GitHub and GitLab draw in Markdown."""

from __future__ import annotations

import re

from devstack.database.diagram.picture import Box, Picture


def write(picture: Picture) -> str:
    lines = ["erDiagram"]
    for box in picture.boxes:
        if not box.enum:
            lines += _entity(box)
    for link in picture.links:
        parent = "|o" if link.optional else "||"
        child = "o|" if link.single else "o{"
        lines.append(f'    {_name(link.parent)} {parent}--{child} {_name(link.child)} : "{_quoted(link.column)}"')
    return "\n".join(lines) + "\n"


def _entity(box: Box) -> list[str]:
    rows = []
    for line in box.lines:
        keys = ", ".join(word.replace("UQ", "UK") for word in line.mark.split())
        comment = '"nullable"' if line.nullable else ""
        rows.append("        " + " ".join(filter(None, (_word(line.type), _word(line.name), keys, comment))))
    return [f"    {_name(box.name)} {{", *rows, "    }"]


def _name(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z_]\w*", text) else f'"{_quoted(text)}"'


def _quoted(text: str) -> str:
    return text.replace('"', "'")


def _word(text: str) -> str:
    """A type or column in the letters that Mermaid's grammar takes there."""
    text = re.sub(r"[^\w()\[\]-]+", "_", text)
    return text if re.match(r"[A-Za-z_]", text) else f"_{text}"

"""Turns an SVG into a PNG with a program of this machine; devstack brings none."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from devstack.errors import DevstackError, UsageError

_RENDERERS = ("rsvg-convert", "resvg", "inkscape", "chromium", "chromium-browser", "google-chrome", "chrome")
_PATIENCE = 60


def render(svg: str, target: Path) -> str:
    """Write the picture; the name of the program that drew it. Raises UsageError where there is none."""
    program = next((name for name in _RENDERERS if shutil.which(name)), "")
    if not program:
        raise UsageError(
            "nothing here can draw a PNG",
            details=[("looked for", ", ".join(_RENDERERS))],
            hints=["--diagram svg (every browser shows it)", "apt install librsvg2-bin, or brew install librsvg"],
        )
    with tempfile.TemporaryDirectory(prefix="devstack-diagram-") as folder:
        source, drawn = Path(folder, "diagram.svg"), Path(folder, "diagram.png")
        source.write_text(svg, encoding="utf-8")
        done = subprocess.run(_command(program, source, drawn, svg), capture_output=True, timeout=_PATIENCE, check=False)
        if not drawn.is_file():
            said = (done.stderr or done.stdout).decode(errors="replace").strip()[-1000:]
            raise DevstackError(f"{program} did not draw the picture", details=[(f"{program} says", said)])
        shutil.copyfile(drawn, target)
    return program


def _command(program: str, source: Path, drawn: Path, svg: str) -> list[str]:
    match program:
        case "rsvg-convert":
            return [program, "-z", "2", "-o", str(drawn), str(source)]
        case "resvg":
            return [program, "--zoom", "2", str(source), str(drawn)]
        case "inkscape":
            return [program, "--export-type=png", f"--export-filename={drawn}", "--export-dpi=192", str(source)]
    size = re.search(r'<svg[^>]* width="(\d+)" height="(\d+)"', svg)
    width, height = size.groups() if size else ("1600", "1200")
    return [
        program, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-device-scale-factor=2",
        f"--window-size={width},{height}", f"--screenshot={drawn}", source.as_uri(),
    ]  # fmt: skip

"""Pictures of a report as inline SVG; their colours are classes of the page's style."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from statistics import median

from devstack.verify.model import Report, Startup, Timing
from devstack.verify.past import Past

WIDTH = 960
LABEL = 150
"""Room for the names of services at the left of a picture."""
ROW = 30
TOP = 26


def waterfall(startup: Startup, past: Sequence[Past]) -> str:
    """A bar a service: waiting, then starting until ready. A tick says when it was ready in the median of earlier runs."""
    usual = usual_ready(past)
    last = max([t.healthy or t.started or 0.0 for t in startup.services] + list(usual.values()) + [startup.seconds, 0.1])
    scale = (WIDTH - LABEL - 90) / last
    height = TOP + ROW * len(startup.services) + 8
    parts = [opening(WIDTH, height, "When each service was created, started and ready")]
    for value in steps(last):
        x = LABEL + value * scale
        parts.append(f'<line class="grid" x1="{x:.1f}" y1="{TOP - 6}" x2="{x:.1f}" y2="{height - 4}"/>')
        parts.append(f'<text class="axis" x="{x:.1f}" y="{TOP - 12}" text-anchor="middle">{value:g} s</text>')
    for index, timing in enumerate(startup.services):
        critical = timing.service in startup.critical_path
        parts.append(_bar(timing, TOP + ROW * index, scale, critical=critical, usual=usual.get(timing.service)))
    return "".join(parts) + "</svg>"


def usual_ready(past: Sequence[Past]) -> Mapping[str, float]:
    """When each service was ready, in the median of the runs that know it."""
    names = dict.fromkeys(name for run in past for name in run.ready)
    return {name: median(run.ready[name] for run in past if name in run.ready) for name in names}


def _bar(timing: Timing, y: int, scale: float, *, critical: bool, usual: float | None) -> str:
    created, started, ready = timing.created or 0.0, timing.started, timing.healthy
    middle = y + ROW / 2
    parts = [f'<text class="name" x="{LABEL - 12}" y="{middle + 4:.1f}" text-anchor="end">{escape(cut(timing.service, 18))}</text>']
    end = ready if ready is not None else started
    if started is not None and started > created:
        parts.append(_rect("waiting", LABEL + created * scale, y + 10, (started - created) * scale, ROW - 20, "created, waiting"))
    if started is not None and ready is not None:
        kind = "critical" if critical else "starting"
        parts.append(
            _rect(kind, LABEL + started * scale, y + 6, (ready - started) * scale, ROW - 12, "started, until it was ready")
        )
    if usual is not None:
        x = LABEL + usual * scale
        parts.append(f'<line class="usual" x1="{x:.1f}" y1="{y + 3}" x2="{x:.1f}" y2="{y + ROW - 3}"/>')
    said = f"{ready:.2f} s" if ready is not None else "never ready"
    x = LABEL + max(end or 0.0, usual or 0.0) * scale + 8
    return "".join(parts) + f'<text class="{"axis" if ready is not None else "bad"}" x="{x:.1f}" y="{middle + 4:.1f}">{said}</text>'


def _rect(kind: str, x: float, y: float, width: float, height: float, title: str) -> str:
    return f'<rect class="{kind}" x="{x:.1f}" y="{y}" width="{max(width, 2):.1f}" height="{height}" rx="3"><title>{title}</title></rect>'


def starts(report: Report) -> str:
    """The cold starts of the last runs as columns, this one at the right, and the budget where it is in reach."""
    assert report.startup is not None
    runs = [*[(run.startup, run.ok) for run in report.past if run.startup is not None][-24:], (report.startup.seconds, report.ok)]
    budget = report.startup.budget
    highest = max(seconds for seconds, _ in runs) or 0.1
    near = budget <= highest * 2
    top = max(highest, budget if near else 0.0) * 1.1
    height, base = 120, 100
    step = min(34.0, (WIDTH - LABEL - 90) / len(runs))
    parts = [opening(WIDTH, height, "Cold starts of the last runs")]
    for value in (0.0, highest):
        y = base - value / top * 80
        parts.append(f'<line class="grid" x1="{LABEL}" y1="{y:.1f}" x2="{WIDTH - 90}" y2="{y:.1f}"/>')
        parts.append(f'<text class="axis" x="{LABEL - 12}" y="{y + 4:.1f}" text-anchor="end">{value:.1f} s</text>')
    if near:
        y = base - budget / top * 80
        parts.append(f'<line class="budget" x1="{LABEL}" y1="{y:.1f}" x2="{WIDTH - 90}" y2="{y:.1f}"/>')
        parts.append(f'<text class="bad" x="{WIDTH - 84}" y="{y + 4:.1f}">budget {budget:g} s</text>')
    for index, (seconds, ok) in enumerate(runs):
        x, tall = LABEL + step * index, seconds / top * 80
        kind = "now" if index == len(runs) - 1 else "before" if ok else "failed"
        parts.append(
            _rect(kind, x + 3, round(base - tall, 1), step - 8, round(tall, 1), f"{seconds:.2f} s{'' if ok else ', failed'}")
        )
    parts.append(f'<text class="axis" x="{LABEL}" y="{height - 4}">the last {len(runs)} runs, this one at the right</text>')
    return "".join(parts) + "</svg>"


def steps(last: float) -> list[float]:
    """Round numbers for an axis, at most seven."""
    for step in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0):
        if last / step <= 7:
            return [round(step * n, 1) for n in range(int(last / step) + 1)]
    return [0.0, round(last, 1)]


def cut(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: room - 1]}…"


def opening(width: float, height: float, title: str) -> str:
    return f'<svg role="img" aria-label="{title}" viewBox="0 0 {width:.0f} {height:.0f}" style="max-width:{width:.0f}px">'

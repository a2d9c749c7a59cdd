"""A report as one HTML file that asks no network: no script, no font, no picture from elsewhere, and a policy that forbids them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape as escaped

from devstack.reports import charts
from devstack.reports.graph import graph
from devstack.reports.page_style import STYLE
from devstack.reports.plain import plain
from devstack.verify.model import Criterion, Report, Result, ServiceSeen, Severity, Startup, Status
from devstack.words import counted

SIGNS = {Status.PASS: "✓", Status.FAIL: "✗", Status.SKIP: "–"}
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
SOUND = ("healthy", "running", "completed")


def whole(report: Report) -> str:
    """The page."""
    title = f"{report.project}: {'passed' if report.ok else 'failed'}"
    sections = (
        _header(report),
        _failures(report),
        _criteria(report),
        _start(report),
        _graph(report),
        _checks(report),
        _services(report),
        _logs(report),
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>devstack verify {escape(title)}</title><style>{STYLE}</style></head>\n"
        f"<body><main>\n{chr(10).join(part for part in sections if part)}\n"
        f"<footer>devstack {escape(report.version)}; secrets are masked by their value</footer></main></body></html>\n"
    )


def escape(text: str) -> str:
    """Text as the page can hold it."""
    return escaped(plain(text))


def _header(report: Report) -> str:
    word, kind = ("passed", "pass") if report.ok else ("failed", "fail")
    when = datetime.fromtimestamp(report.begun, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    about = [when, f"{report.mode} ({report.subject})" if report.subject != report.project else str(report.mode), report.engine]
    about += [f"{report.runs} runs"] if report.runs > 1 else []
    tiles = [
        ("pass", str(report.count(Status.PASS)), "passed"),
        ("fail" if report.count(Status.FAIL) - report.warnings else "", str(report.count(Status.FAIL) - report.warnings), "failed"),
        ("warn" if report.warnings else "", str(report.warnings), "warnings"),
        ("", str(report.count(Status.SKIP)), "skipped"),
    ]
    if report.criteria:
        held = sum(1 for criterion in report.criteria if criterion.status is Status.PASS)
        kind_of = "pass" if held == len(report.criteria) else "fail"
        tiles.append((kind_of, f"{held}/{len(report.criteria)}", "criteria hold"))
    if report.startup:
        tiles.append(("", _short(report.startup.seconds), "cold start"))
    tiles.append(("", _short(report.seconds), "in all"))
    boxes = "".join(
        f'<div class="tile {kind}"><b>{escape(value)}</b><span>{escape(name)}</span></div>' for kind, value, name in tiles
    )
    spans = "".join(f"<span>{escape(part)}</span>" for part in about if part)
    return (
        f'<h1>{escape(report.project)} <span class="verdict {kind}">{SIGNS[Status.PASS if report.ok else Status.FAIL]} {word}</span></h1>'
        f'<p class="about">{spans}</p><div class="tiles">{boxes}</div>'
    )


def _failures(report: Report) -> str:
    failed = sorted((r for r in report.results if r.status is Status.FAIL), key=lambda result: not result.fails)
    return _section("What failed", "", "".join(_failure(result, report) for result in failed)) if failed else ""


def _failure(result: Result, report: Report) -> str:
    count = report.failures.get(result.id, 0)
    flaky = f" · in {count} of {report.runs} runs" if report.runs > 1 and count else ""
    said = f'<span class="id">{escape(result.id)}{flaky}</span><br><b>{escape(result.title)}</b>'
    row = f'<div class="row">{_sign(result)}<span>{said}</span><time>{result.seconds:.1f} s</time></div>'
    return f'<div class="card {"failed" if result.fails else "warned"}">{row}{_detail(result)}</div>'


def _detail(result: Result) -> str:
    """What was expected and seen, where, what to do, and the lines that show it."""
    pairs = [("expected", escape(result.expected)), ("saw", escape(result.saw))]
    pairs += [("where", f"<code>{escape(str(result.where))}</code>")] if result.where else []
    pairs += [("next" if index == 0 else "", f"<code>{escape(fix)}</code>") for index, fix in enumerate(result.fix)]
    terms = "".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in pairs if text)
    return f"<dl>{terms}</dl>{_pre(result.evidence)}"


def _criteria(report: Report) -> str:
    if not report.criteria:
        return ""
    rows = "".join(_criterion(criterion, report) for criterion in report.criteria)
    return _section("Acceptance criteria", "", f'<div class="card">{rows}</div>')


def _criterion(criterion: Criterion, report: Report) -> str:
    rests = [result for result in report.results if result.id in criterion.results]
    why = "".join(
        f'<div class="saw"><span class="id">{escape(result.id)}</span> {escape(result.saw or result.title)}</div>'
        for result in rests
    )
    sign = f'<span class="sign {criterion.status}">{SIGNS[criterion.status]}</span>'
    late = "" if criterion.status is not Status.SKIP else "<time>not checked</time>"
    return f'<div class="row">{sign}<span><b>{escape(criterion.id)}</b> {escape(criterion.text)}</span>{late}{why}</div>'


def _start(report: Report) -> str:
    startup = report.startup
    if startup is None or not startup.services:
        return ""
    path = " → ".join(startup.critical_path)
    legend = [("--wait", "created, waiting"), ("--calm", "starting"), ("--accent", "starting, on the critical path")]
    known = sum(1 for run in report.past if run.ready)
    keys = "".join(f'<span><i style="background:var({colour})"></i>{text}</span>' for colour, text in legend)
    keys += f"<span>┆ ready in the median of the last {known} runs</span>" if known else ""
    picture = charts.waterfall(startup, report.past)
    before = charts.starts(report) if any(run.startup is not None for run in report.past) else ""
    body = f'<div class="card picture">{_gauge(startup)}<p class="legend">{keys}</p>{picture}{before}</div>'
    return _section("Cold start", f"critical path {path}" if path else "", body)


def _gauge(startup: Startup) -> str:
    share = min(100.0, 100 * startup.seconds / startup.budget) if startup.budget else 100.0
    over = startup.seconds > startup.budget
    said = f"{startup.seconds:.2f} s of {startup.budget:g} s allowed"
    return f'<b>{said}</b><div class="gauge{" over" if over else ""}"><i style="width:{share:.1f}%"></i></div>'


def _graph(report: Report) -> str:
    names = [seen.service for seen in report.services] or list(
        dict.fromkeys(name for edge in report.graph for name in (edge.needs, edge.service))
    )
    if not report.graph:
        return ""
    picture = graph(report.graph, names, failing(report))
    keys = "<span>— healthy first</span><span>- - started first</span><span>··· completed first</span>"
    return _section("Dependencies", "", f'<div class="card picture">{picture}<p class="legend">{keys}</p></div>')


def failing(report: Report) -> frozenset[str]:
    """The services that a failure is about, or that were not as they should be."""
    named = {result.service for result in report.results if result.fails and result.service}
    return frozenset(named | {seen.service for seen in report.services if not seen.state.startswith(SOUND)})


def _checks(report: Report) -> str:
    groups: dict[str, list[Result]] = {}
    for result in report.results:
        groups.setdefault(result.check, []).append(result)
    shown = "".join(_group(name, results) for name, results in groups.items())
    return _section("Checks", counted(len(report.results), "result"), shown)


def _group(name: str, results: Sequence[Result]) -> str:
    failed = sum(1 for result in results if result.status is Status.FAIL)
    said = f"{len(results)} {'result' if len(results) == 1 else 'results'}" + (f", {failed} not as expected" if failed else "")
    seconds = sum(result.seconds for result in results)
    worst = next((r for r in results if r.fails), next((r for r in results if r.status is Status.FAIL), results[0]))
    rows = "".join(_result(result) for result in results)
    head = f"<summary>{_sign(worst)}{escape(name)} <span>{said}, {seconds:.1f} s</span></summary>"
    return f'<div class="card"><details class="group"{" open" if failed else ""}>{head}{rows}</details></div>'


def _result(result: Result) -> str:
    told = f'<span>{escape(result.title)} <span class="id">{escape(result.id)}</span></span><time>{result.seconds:.1f} s</time>'
    saw = f'<div class="saw">{escape(result.saw)}</div>' if result.saw else ""
    more = (
        f'<details class="more"><summary>evidence</summary>{_detail(result)}</details>'
        if result.evidence or result.expected or result.fix
        else ""
    )
    return f'<div class="row">{_sign(result)}{told}{saw}{more}</div>'


def _short(seconds: float) -> str:
    """As a tile has room for it: "9.8 s", "122 s"."""
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds:.0f} s"


def _services(report: Report) -> str:
    if not report.services:
        return ""
    rows = "".join(_service(seen) for seen in report.services)
    head = "<tr><th>service</th><th>image</th><th>state</th><th>restarts</th><th>ports</th></tr>"
    return _section("Services", "as they were when the checks were done", f'<div class="card"><table>{head}{rows}</table></div>')


def _service(seen: ServiceSeen) -> str:
    ports = "<br>".join(f"<code>{escape(port)}</code>" for port in seen.ports)
    kind = "pass" if seen.state.startswith(SOUND) else "fail"
    state = f'<span class="sign {kind}">●</span>&nbsp;{escape(seen.state)}'
    image = f"<code>{escape(seen.image)}</code>" + (f"<br><small>{escape(seen.stand_in)}</small>" if seen.stand_in else "")
    return (
        f'<tr><td class="word"><b>{escape(seen.service)}</b></td><td>{image}</td><td class="word">{state}</td>'
        f"<td>{seen.restarts}</td><td>{ports}</td></tr>"
    )


def _logs(report: Report) -> str:
    bad = failing(report)
    shown = [seen for seen in report.services if seen.service in bad and (seen.log or seen.probes)]
    body = "".join(
        f'<div class="card"><details class="group" open><summary>{escape(seen.service)} <span>{escape(seen.state)}</span></summary>'
        f"{_titled('health check', seen.probes)}{_titled('last lines', seen.log)}</details></div>"
        for seen in shown
    )
    return _section("Logs of failed services", "", body) if shown else ""


def _titled(title: str, lines: Sequence[str]) -> str:
    return f'<div class="id">{title}</div>{_pre(lines)}' if lines else ""


def _pre(lines: Iterable[str]) -> str:
    text = "\n".join(lines)
    return f"<pre>{escape(text)}</pre>" if text else ""


def _sign(result: Result) -> str:
    if result.status is Status.FAIL and result.severity is not Severity.ERROR:
        return '<span class="sign warn">!</span>'
    return f'<span class="sign {result.status}">{SIGNS[result.status]}</span>'


def _section(title: str, note: str, body: str) -> str:
    small = f"<small>{escape(note)}</small>" if note else ""
    return f"<section><h2>{title}{small}</h2>{body}</section>"

"""Each format of a report is read back by a program that knows it, holds what was found, and holds no secret."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree as Xml

import pytest
from jsonschema import Draft202012Validator
from junitparser import JUnitXml
from markdown_it import MarkdownIt

from devstack.redact import Redactor
from devstack.reports import FORMATS, bundle, charts, github, graph, history, html, junit, markdown
from devstack.reports.masking import masked
from devstack.reports.schema import json_schema
from devstack.verify.model import Edge, Report, Severity, Status
from devstack.verify.past import past_of
from tests.reports.samples import CANARY, CRITERIA, FAILED, GRAPH, KEY, PASSED, RESULTS, STARTUP, STRANGE, holding, past

# JSON


@pytest.mark.parametrize(
    "report", [FAILED, PASSED, replace(PASSED, startup=None, services=(), graph=())], ids=["failed", "passed", "bare"]
)
def test_the_json_report_is_valid_by_its_schema(report: Report) -> None:
    Draft202012Validator.check_schema(json_schema())
    Draft202012Validator(json_schema()).validate(json.loads(FORMATS["json"](report)))


def test_the_schema_names_every_field_of_a_report() -> None:
    def closed(schema: object) -> object:
        if isinstance(schema, dict):
            more = {"additionalProperties": False} if "properties" in schema and "additionalProperties" not in schema else {}
            return {key: closed(value) for key, value in schema.items()} | more
        return [closed(item) for item in schema] if isinstance(schema, list) else schema

    document = json.loads(FORMATS["json"](FAILED))
    Draft202012Validator(closed(json_schema())).validate(document)  # type: ignore[arg-type]
    del document["results"][0]["evidence"]
    assert not Draft202012Validator(json_schema()).is_valid(document)


# JUnit


def test_a_public_parser_reads_the_junit_report_back() -> None:
    suites = list(JUnitXml.fromstring(junit.whole(FAILED).encode()))
    checks, criteria = suites
    assert (checks.tests, checks.failures, checks.skipped, checks.errors) == (len(RESULTS), 1, 1, 0)
    assert (criteria.tests, criteria.failures, criteria.skipped) == (3, 1, 1)
    cases = {case.name: case for case in checks}
    assert set(cases) == {result.id for result in RESULTS}
    [failure] = cases["data.persists.db"].result
    assert failure.message.startswith("data of db survives") and "mounted at" in failure.text and "devstack up" in failure.text
    assert cases["reach.db.5432"].classname == "devstack.shop.reach" and cases["reach.db.5432"].time == 0.04


def test_a_warning_is_no_failure_in_junit_but_is_told() -> None:
    case = next(c for suite in JUnitXml.fromstring(junit.whole(FAILED).encode()) for c in suite if c.name == "files.ports")
    assert case.is_passed and "0.0.0.0:3000" in case.system_out


def test_a_failure_stands_at_its_place_in_the_file() -> None:
    case = Xml.fromstring(junit.whole(FAILED)).find(".//testcase[@name='files.ports']")
    assert case is not None and (case.get("file"), case.get("line")) == ("devstack.yml", "14")


def test_what_was_made_for_a_criterion_is_counted_once() -> None:
    made = replace(RESULTS[4], id="criteria.AC6", check="criteria")
    report = replace(PASSED, results=(made,), criteria=(replace(CRITERIA[0], results=("criteria.AC6",)),))
    suites = list(JUnitXml.fromstring(junit.whole(report).encode()))
    assert [suite.tests for suite in suites] == [0, 1]


# Markdown


def rendered(text: str) -> str:
    return MarkdownIt("commonmark", {"html": True}).enable("table").render(text)


def test_the_checklist_has_a_box_for_each_criterion_checked_where_it_holds() -> None:
    items = re.findall(r"<li>\s*(?:<p>)?\[([x ])\] <strong>(\w+)</strong>", rendered(markdown.whole(FAILED)))
    assert items == [("x", "AC6"), (" ", "AC9"), (" ", "AC11")]


def test_the_evidence_of_a_criterion_stands_below_it() -> None:
    text = markdown.whole(FAILED)
    assert "login as shop, PostgreSQL 17.5" in text.split("**AC6**")[1].split("**AC9**")[0]
    assert "(not checked)" in text.split("**AC11**")[1].splitlines()[0]


def test_nothing_that_a_program_wrote_becomes_markup() -> None:
    seen = replace(
        RESULTS[5],
        title=STRANGE,
        saw=STRANGE,
        expected=STRANGE,
        fix=(STRANGE, "a ``` b"),
        evidence=(STRANGE, "```", "# no heading"),
    )
    page = rendered(markdown.whole(replace(FAILED, results=(seen,))))
    assert "<script" not in page and "<strong>bold" not in page and "<h1>no heading" not in page
    assert len(re.findall("<tr>", page)) == 2, "a bar in a cell makes no cell"
    assert "@everyone" not in re.sub(r"<(code|pre)\b.*?</\1>", "", page, flags=re.DOTALL)


def test_the_table_has_a_row_for_each_check() -> None:
    assert len(re.findall("<tr>", rendered(markdown.whole(FAILED)))) == 1 + len(RESULTS)


# HTML


class Page(HTMLParser):
    """Tags that are open, what refers to elsewhere, and the text."""

    VOID = ("meta", "br", "rect", "line", "circle", "path")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.outside: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.outside += [
            f"{tag} {name}" for name, value in attrs if name in ("src", "href", "srcset", "action") or "http" in (value or "")
        ]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def page_of(report: Report) -> Page:
    page = Page()
    page.feed(html.whole(report))
    page.close()
    return page


def test_the_page_is_whole_and_asks_for_nothing_from_elsewhere() -> None:
    page = page_of(replace(FAILED, past=past(4.0, 3.9)))
    assert page.open == [] and page.outside == []
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    assert (
        "default-src 'none'" in html.whole(FAILED) and "url(http" not in html.whole(FAILED) and "@import" not in html.whole(FAILED)
    )


def test_the_page_shows_checks_evidence_pictures_and_logs_of_failed_services() -> None:
    page = page_of(replace(FAILED, past=past(4.0, 3.9)))
    for result in RESULTS:
        assert result.id in page.text and result.title in page.text and result.saw in page.text
    for word in (
        "1/3",
        "4.10 s of 60 s allowed",
        "critical path db → migrations → api → web",
        "relation devstack_probe does not exist",
    ):
        assert word in page.text, word
    assert page.tags.count("svg") == 3, "the waterfall, the last runs, the graph"
    assert "database system is ready" in page.text.split("Logs of failed services")[1]


def test_an_image_that_stands_in_for_the_genuine_one_is_labelled() -> None:
    assert FORMATS["html"](FAILED).count("stand-in for redis:7, of Debian") == 1
    assert [seen["stand_in"] for seen in json.loads(FORMATS["json"](FAILED))["services"] if seen["stand_in"]] == [
        "stand-in for redis:7, of Debian"
    ]


def test_what_a_program_wrote_is_text_on_the_page() -> None:
    seen = replace(RESULTS[5], title=STRANGE, saw=STRANGE, evidence=(STRANGE,))
    page = page_of(replace(FAILED, results=(seen,)))
    assert "script" not in page.tags and "alert('x')" in page.text and "\x1b" not in page.text


@pytest.mark.skipif(shutil.which("chromium") is None, reason="there is no chromium to open the page with")
def test_a_browser_opens_the_page_without_a_complaint(tmp_path: Path) -> None:
    page, picture = tmp_path / "page.html", tmp_path / "page.png"
    page.write_text(html.whole(replace(FAILED, past=past(4.0, 3.9))))
    words = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    words += ["--enable-logging=stderr", "--window-size=1120,1400", f"--screenshot={picture}", page.as_uri()]
    done = subprocess.run(words, capture_output=True, text=True, timeout=90, check=False)
    assert picture.stat().st_size > 20_000, done.stderr
    assert not [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def test_a_page_of_nothing_is_a_page() -> None:
    page = page_of(Report(project="x", subject="x", mode=FAILED.mode))
    assert page.open == [] and "0" in page.text


def test_the_waterfall_has_a_bar_for_each_service_and_a_tick_where_it_usually_is() -> None:
    picture = charts.waterfall(STARTUP, past(8.2))
    root = Xml.fromstring(picture)
    bars = root.findall("rect[@class='critical']") + root.findall("rect[@class='starting']")
    assert len(bars) == len(STARTUP.services) and len(root.findall("line[@class='usual']")) == len(STARTUP.services)
    [web] = [float(t.get("x", "0")) for t in root.findall("text") if t.text == "web"]
    assert web < charts.LABEL
    # Twice as slow before: the tick of the last service is twice as far to the right as its bar's end.
    ends = [float(b.get("x", "0")) + float(b.get("width", "0")) - charts.LABEL for b in root.findall("rect[@class='critical']")]
    ticks = [float(line.get("x1", "0")) - charts.LABEL for line in root.findall("line[@class='usual']")]
    assert max(ticks) / max(ends) == pytest.approx(2, rel=0.02)


def test_a_service_that_never_came_up_is_said_to_be_so() -> None:
    timings = (*STARTUP.services[:1], replace(STARTUP.services[3], healthy=None))
    assert "never ready" in charts.waterfall(replace(STARTUP, services=timings), ())


def test_what_a_service_needs_stands_left_of_it_and_lines_pass_by_other_services() -> None:
    names = ["db", "cache", "migrations", "api", "web"]
    assert graph.layers(GRAPH, names) == {"db": 0, "cache": 0, "migrations": 1, "api": 2, "web": 3}
    picture = Xml.fromstring(graph.graph(GRAPH, names, frozenset({"db"})))
    assert len(picture.findall("path")) == len(GRAPH)
    boxes = [(float(b.get("x", "0")), float(b.get("y", "0"))) for b in picture.findall("rect")]
    assert len(set(boxes)) == len(names) and len(picture.findall("circle[@class='dot-bad']")) == 1


def test_a_circle_of_services_is_drawn_too() -> None:
    edges = (Edge("a", "b", "service_started"), Edge("b", "a", "service_started"))
    Xml.fromstring(graph.graph(edges, ["a", "b"], frozenset()))


# GitHub


def test_each_failure_is_a_workflow_command_at_its_place() -> None:
    warning, error = github.commands(FAILED, "apps/shop")
    assert warning.startswith("::warning file=apps/shop/devstack.yml,line=14,col=5,title=files.ports%3A ports are on loopback::")
    assert error.startswith("::error file=apps/shop/compose.yaml,line=12,title=data.persists.db")
    assert all("\n" not in line for line in (warning, error)) and "%0Anext: devstack up" in error


def test_nothing_in_a_text_ends_a_workflow_command_early() -> None:
    seen = replace(RESULTS[5], title="a,b::c", saw="one\r\n::set-output name=x::y 100%", severity=Severity.INFO)
    [command] = github.commands(replace(FAILED, results=(seen,)))
    assert command.startswith("::notice ") and "title=data.persists.db%3A a%2Cb%3A%3Ac::" in command
    assert "one%0D%0A::set-output name=x::y 100%25" in command and "\n" not in command


def test_a_summary_that_github_would_refuse_is_cut() -> None:
    many = replace(FAILED, results=tuple(replace(RESULTS[4], id=f"r.{n}", saw="x" * 200) for n in range(4000)))
    said = github.whole(many)
    assert len(said.encode()) < 1024 * 1024 and said.endswith("the other reports are whole.\n")


# No secret


@pytest.mark.parametrize("secret", [CANARY, KEY], ids=["a password with special letters", "a key of several lines"])
@pytest.mark.parametrize("name", FORMATS)
def test_no_format_holds_a_secret(name: str, secret: str) -> None:
    report = holding(secret)
    forms = {
        secret,
        json.dumps(secret)[1:-1],
        quote(secret, safe=""),
        secret.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"),
    }
    parts = {part for form in forms for part in (form, *form.split("\n")[1:-1])}
    plain = FORMATS[name](report)
    assert any(part in plain for part in parts) or name == "markdown", "else this test could not fail"
    said = FORMATS[name](masked(report, Redactor([secret]).mask)) + "\n".join(
        github.commands(masked(report, Redactor([secret]).mask))
    )
    assert [part for part in parts if part in said] == [] and "****" in said


def test_the_bundle_holds_no_secret_and_all_the_evidence() -> None:
    import io
    import zipfile

    hidden = masked(holding(CANARY), Redactor([CANARY]).mask)
    packed = zipfile.ZipFile(io.BytesIO(bundle.pack(hidden, {"compose.yaml": "services: {}\n"}, [{"subject": "disk"}])))
    assert {"report.json", "report.html", "report.md", "timings.json", "doctor.json", "ports.txt", "files/compose.yaml"} <= set(
        packed.namelist()
    )
    assert {"services/db/log.txt", "services/db/health.txt"} <= set(packed.namelist())
    texts = [packed.read(name).decode() for name in packed.namelist()]
    assert not [text for text in texts if CANARY in text or "zN7#" in text]


# What is remembered


def test_history_keeps_the_last_fifty_runs_and_no_more(tmp_path: Path) -> None:
    for number in range(history.KEPT + 3):
        history.add(tmp_path, [replace(past(4.0)[0], begun=float(number))])
    kept = history.read(tmp_path)
    assert [run.begun for run in kept] == [float(n) for n in range(3, history.KEPT + 3)]
    assert kept[0].ready["web"] == pytest.approx(4.0, abs=0.001)
    assert (tmp_path / ".devstack" / ".gitignore").read_text() == "*\n"


def test_a_line_of_history_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    history.add(tmp_path, past(4.0, 4.1))
    path = tmp_path / history.FILE
    path.write_text(path.read_text() + '{"begun": 1, "mode"\n[]\n{"begun": null}\n')
    assert len(history.read(tmp_path)) == 2


def test_what_got_slower_is_named_and_what_only_waited_for_it_is_not() -> None:
    timings = tuple(
        replace(
            t,
            started=(t.started or 0) + (2.0 if t.service not in ("db", "cache") else 0),
            healthy=(t.healthy or 0) + (0.0 if t.service == "cache" else 2.0),
        )
        for t in STARTUP.services
    )
    now = past_of(replace(PASSED, startup=replace(STARTUP, seconds=6.1, services=timings)))
    found = {item.what: item for item in history.slower(now, past(4.0, 4.1, 4.2, 4.1))}
    assert set(found) == {"cold start", "start of db"}
    assert found["cold start"].usual == pytest.approx(4.1) and found["cold start"].runs == 4


def test_what_always_varies_is_not_called_slower() -> None:
    now = past_of(PASSED)
    assert history.slower(now, past(4.0, 4.2, 3.9)) == ()
    wild = past(1.0, 6.0, 2.0, 5.0, 3.0)
    assert [item.what for item in history.slower(now, wild)] == []
    assert history.slower(now, ()) == ()


def test_runs_of_another_mode_are_not_compared() -> None:
    runs = past(1.0, 1.1)
    assert history.of_mode(runs, "live") == () and len(history.of_mode(runs, "twin")) == 2


def test_every_report_of_a_status_is_counted_once() -> None:
    assert sum(FAILED.count(status) for status in Status) == len(RESULTS)

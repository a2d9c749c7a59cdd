"""The team's criteria and the project's own checks: running their probes, and judging the criteria by the results."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from devstack.errors import DevstackError
from devstack.spec.model import CriterionSpec, ProbeSpec
from devstack.spec.probes import BUILT_IN
from devstack.spec.probes import PROBES as KINDS
from devstack.verify.base import Answer, Ground, Topic
from devstack.verify.model import Criterion, Mode, Result, Severity, Status
from devstack.verify.probes import LATE, PROBES


def own_checks(ground: Ground, specs: Iterable[ProbeSpec], *, late: bool) -> Iterator[Result]:
    """The project's own checks."""
    for spec in specs:
        if (spec.check in LATE) is late:
            yield _run(ground, spec, spec.id, spec.title or spec.id)


def probes(ground: Ground, specs: Iterable[CriterionSpec], *, late: bool) -> Iterator[Result]:
    """The probes of criteria; what rests on built-in checks has no probe of its own."""
    for criterion in specs:
        for spec in criterion.probes:
            if spec.check in KINDS and (spec.check in LATE) is late:
                yield replace(_run(ground, spec, f"criteria.{spec.id}", criterion.text), criteria=(criterion.id,))


def _run(ground: Ground, spec: ProbeSpec, name: str, title: str) -> Result:
    check, _, of = name.partition(".")
    topic = Topic(check=check, of=of, title=title, service=spec.text("service"), where=spec.where, severity=Severity(spec.severity))
    quiet = KINDS[spec.check].quiet or spec.flag("live", False)
    if ground.mode is Mode.LIVE and not quiet:
        return topic.skipped(f"{spec.check} may disturb the running stack (live: true says that it does not)")
    if left := _left_out(ground, spec):
        return topic.skipped(f"{left} is left out on this engine")
    try:
        answer = PROBES[spec.check](ground, spec)
    except DevstackError as error:
        answer = Answer(expected=spec.check, saw=error.message, wrong=True, fix=error.hints)
    topic = replace(topic, expected=answer.expected)
    if answer.skip:
        return topic.skipped(answer.saw)
    if answer.wrong:
        return topic.failed(answer.saw, evidence=answer.evidence, fix=answer.fix)
    return topic.passed(answer.saw, evidence=answer.evidence)


def _left_out(ground: Ground, spec: ProbeSpec) -> str:
    """The service that this probe is about, where the engine cannot run it; "" when it can."""
    named = (spec.text(name) for name in ("service", "from", "to"))
    return next((name for name in named if name in ground.project.sources.without), "")


def judge(specs: Iterable[CriterionSpec], results: list[Result]) -> tuple[Criterion, ...]:
    """Each criterion by the results it rests on; the results learn which criteria rest on them."""
    found = []
    for spec in specs:
        mine = [index for probe in spec.probes for index in _results_of(spec, probe, results)]
        mine = list(dict.fromkeys(mine))
        for index in mine:
            names = tuple(dict.fromkeys((*results[index].criteria, spec.id)))
            results[index] = replace(results[index], criteria=names)
        states = {results[index].status for index in mine}
        missing = any(not _results_of(spec, probe, results) for probe in spec.probes)
        if Status.FAIL in states:
            status = Status.FAIL
        elif missing or Status.PASS not in states or any(_is_skipped(spec, probe, results) for probe in spec.probes):
            status = Status.SKIP
        else:
            status = Status.PASS
        ids = tuple(results[index].id for index in mine)
        found.append(Criterion(id=spec.id, text=spec.text, status=status, results=ids, where=spec.where))
    return tuple(found)


def _is_skipped(spec: CriterionSpec, probe: ProbeSpec, results: list[Result]) -> bool:
    """Whether nothing was found out about one of the things a criterion rests on."""
    mine = _results_of(spec, probe, results)
    return bool(mine) and all(results[index].status is Status.SKIP for index in mine)


def _results_of(spec: CriterionSpec, probe: ProbeSpec, results: list[Result]) -> list[int]:
    """The results of one probe: its own, or those of the check that it names."""
    if probe.check in KINDS:
        return [index for index, result in enumerate(results) if result.id == f"criteria.{probe.id}"]
    service = probe.text("service")
    return [
        index
        for index, result in enumerate(results)
        if _is_below(result.id, probe.check) and (not service or result.service in ("", service))
    ]


def _is_below(name: str, of: str) -> bool:
    return name == of or name.startswith(f"{of}.")


def rests_on(specs: Iterable[CriterionSpec]) -> set[str]:
    """The built-in checks and own checks that criteria need."""
    found = {probe.check for spec in specs for probe in spec.probes if probe.check not in KINDS}
    if any(probe.check == "persists" for spec in specs for probe in spec.probes):
        found.add("data.persists")
    return found | {name.partition(".")[0] for name in found if name.partition(".")[0] not in BUILT_IN}

"""Which checks run: `--only`, `--skip`, and what a live run may do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from devstack.document import did_you_mean
from devstack.errors import UsageError
from devstack.spec.model import CriterionSpec, ProbeSpec, VerifySpec
from devstack.verify.base import Check, Phase
from devstack.verify.criteria import rests_on
from devstack.verify.model import Mode
from devstack.verify.registry import CHECKS, COVERS

CRITERIA = "criteria"


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is to run, in its order."""

    checks: tuple[Check, ...]
    own: tuple[ProbeSpec, ...]
    criteria: tuple[CriterionSpec, ...]

    @property
    def needs_stack(self) -> bool:
        """Whether anything has to run for it."""
        return any(check.phase is not Phase.STATIC for check in self.checks) or bool(self.own) or bool(self.criteria)


def choose(spec: VerifySpec, mode: Mode, only: Iterable[str] = (), skip: Iterable[str] = ()) -> Chosen:
    """By name: a check, a part of one, one of the project's own, a criterion's id, or `criteria`. Raises `UsageError` for other names."""
    wanted, unwanted = tuple(only), tuple(skip)
    _check_names(spec, (*wanted, *unwanted))
    criteria = tuple(item for item in spec.criteria if _is_wanted(item.id, CRITERIA, wanted, unwanted))
    needed = rests_on(criteria) if wanted else set()
    checks = tuple(
        check
        for check in CHECKS
        if (check.live or mode is not Mode.LIVE)
        and (_is_wanted(check.id, check.name, wanted, unwanted) or _is_needed(check, needed))
    )
    own = tuple(item for item in spec.checks if _is_wanted(item.id, item.id, wanted, unwanted) or item.id in needed)
    return Chosen(checks, own, criteria)


def _is_wanted(name: str, group: str, only: tuple[str, ...], skip: tuple[str, ...]) -> bool:
    names = {name, group, *(part for part, by in COVERS.items() if by == name)}
    return (not only or bool(names & set(only))) and not ({name, group} & set(skip))


def _is_needed(check: Check, needed: set[str]) -> bool:
    covered = {part for part, by in COVERS.items() if by == check.id}
    return bool({check.id, check.name, *covered} & needed)


def names_of(spec: VerifySpec) -> list[str]:
    """Every name that --only and --skip take."""
    built_in = [name for check in CHECKS for name in (check.name, check.id)]
    return list(dict.fromkeys([*built_in, *COVERS, CRITERIA, *(c.id for c in spec.checks), *(c.id for c in spec.criteria)]))


def _check_names(spec: VerifySpec, names: Iterable[str]) -> None:
    known = names_of(spec)
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known)
            raise UsageError(
                f"no check is called {name}", hints=[*([hint] if hint else []), "devstack verify --list"], code="no-check"
            )

"""Every static mutation is found, a sample of those that run is, and sound stacks pass. The whole table: python -m tests.verify.mutations."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack.engine.base import Engine
from tests.scenarios.conftest import MakeCheckout, checkouts
from tests.scenarios.conftest import ground as ground
from tests.verify.mutations import FILES, MUTATIONS, Mutation, judge, judge_sound
from tests.verify.stacks import SOUND

SAMPLE = ("a program that listens on its own loopback only", "a migration was edited after it was applied")


@pytest.fixture
def make(ground: Engine, tmp_path: Path) -> Iterator[MakeCheckout]:
    with checkouts(ground, tmp_path) as made:
        yield made


def called(mutation: Mutation) -> str:
    return mutation.name


@pytest.mark.parametrize("mutation", FILES, ids=called)
def test_what_is_wrong_in_files_is_found_without_starting_anything(mutation: Mutation, make: MakeCheckout) -> None:
    verdict = judge(mutation, make(mutation.files))
    assert verdict.good, verdict


@pytest.mark.parametrize("mutation", [m for m in MUTATIONS if m.name in SAMPLE], ids=called)
def test_what_is_wrong_when_it_runs_fails_on_the_right_check(mutation: Mutation, make: MakeCheckout) -> None:
    verdict = judge(mutation, make(mutation.files))
    assert verdict.good, verdict


@pytest.mark.parametrize("name", SOUND)
def test_the_files_of_a_sound_stack_pass(name: str, make: MakeCheckout) -> None:
    verdict = judge_sound(name, make(SOUND[name]), static=True)
    assert verdict.good, verdict


def test_there_are_forty_ways_to_break_a_stack_and_ten_sound_ones() -> None:
    assert len({mutation.name for mutation in MUTATIONS}) == len(MUTATIONS) >= 40
    assert len(SOUND) >= 10

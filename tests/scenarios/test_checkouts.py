"""Several checkouts of one project, several commands at once: nobody gets in anybody's way."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.scenarios.checkout import Checkout, finish, free_ports
from tests.scenarios.conftest import MakeCheckout
from tests.scenarios.stacks import PAIR, SHOP

ROUNDS = int(os.environ.get("DEVSTACK_ROUNDS", "3"))
AT_ONCE = 4


def copied(checkout: Checkout, folder: Path) -> Checkout:
    """Another checkout of the same project: what is in version control, without `.env`."""
    shutil.copytree(checkout.folder, folder, ignore=shutil.ignore_patterns(".env", ".git"))
    return Checkout(folder, checkout.project, checkout.engine, checkout.port)


def test_a_second_checkout_gets_its_own_name_and_ports_and_keeps_them(checkout: MakeCheckout, tmp_path: Path) -> None:
    first = checkout(SHOP)
    first.devstack("up")
    first.sql("insert into note (body) values ('first')")
    second = copied(first, tmp_path / "elsewhere")
    ran = second.devstack("up")
    assert "belongs to another checkout" in ran.err
    assert second.name != first.name and second.name.startswith(first.project)
    assert first.is_healthy() and second.is_healthy()
    assert second.rows() == ""  # its own volume
    ports = {c.bindings[0].published for stack in (first, second) for c in stack.containers().values() if c.bindings}
    assert len(ports) == 2
    name, env = second.name, second.env()
    assert second.devstack("up").out.startswith("nothing to do")
    second.devstack("down")
    assert first.is_healthy() and first.rows() == "first"
    second.devstack("up")
    assert (second.name, second.env()) == (name, env)
    assert (first.folder / "compose.yaml").read_bytes() == (second.folder / "compose.yaml").read_bytes()
    urls = [re.search(r"DATABASE_URL=(\S+)", stack.devstack("env").out) for stack in (first, second)]
    assert urls[0] and urls[1] and urls[0][1] != urls[1][1]


def test_a_git_worktree_gets_its_own_name_too(checkout: MakeCheckout, tmp_path: Path) -> None:
    main = checkout(PAIR)
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com"}
    environment |= {"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.com"}

    def git(*arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=main.folder, env=environment, check=True, capture_output=True)

    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "first")
    main.devstack("up")
    git("add", ".")
    git("commit", "-qm", "rendered")
    git("worktree", "add", "-q", str(tmp_path / "feature"))
    feature = Checkout(tmp_path / "feature", main.project, main.engine, main.port)
    assert not (feature.folder / ".env").exists()  # git ignored it
    feature.devstack("up")
    assert feature.name != main.name
    assert main.is_healthy() and feature.is_healthy()


def test_two_first_checkouts_at_the_same_moment_do_not_clash(checkout: MakeCheckout, tmp_path: Path) -> None:
    first = checkout(PAIR)
    second = copied(first, tmp_path / "elsewhere")
    processes = [stack.begin("up") for stack in (first, second)]
    ran = [finish(process) for process in processes]
    assert [r.code for r in ran] == [0, 0], "\n".join(map(str, ran))
    assert first.name != second.name
    assert first.is_healthy() and second.is_healthy()


def test_a_folder_copied_whole_moves_aside(checkout: MakeCheckout, tmp_path: Path) -> None:
    """Its `.env` claims to be the first one's; the first one is there, so the copy gets a name of its own."""
    first = checkout(PAIR)
    first.devstack("up")
    before = first.ids()
    second = copied(first, tmp_path / "copy-with-env")
    shutil.copy(first.folder / ".env", second.folder / ".env")
    second.devstack("up")
    assert second.name != first.name and second.is_healthy()
    assert first.ids() == before and first.is_healthy()


def test_isolated_gives_a_checkout_its_own_name(checkout: MakeCheckout) -> None:
    pair = checkout(PAIR)
    pair.devstack("up", "--isolated")
    name = pair.name
    pair.devstack("up")
    assert pair.name == name and pair.is_healthy()


@pytest.mark.parametrize("command", [["down"], ["stop"], ["restart"], ["reset", "--yes"], ["logs"], ["exec", "app", "true"]])
def test_a_stack_of_the_same_name_from_another_folder_is_not_touched(theirs: Checkout, tmp_path: Path, command: list[str]) -> None:
    mine = Checkout(tmp_path, theirs.project, theirs.engine, free_ports(1)[0]).write(PAIR)
    before = theirs.ids()
    mine.write({".env": f"COMPOSE_PROJECT_NAME={theirs.project}\n"})
    ran = mine.devstack(*command, code=7)
    assert "[not-yours]" in ran.err and str(theirs.folder) in ran.err and "--isolated" in ran.err
    assert theirs.ids() == before and theirs.is_healthy()


@pytest.mark.parametrize("command", [["up"], ["down"], ["restart"], ["reset", "--yes"], ["verify"]])
def test_a_name_given_with_p_that_is_anothers_is_refused(theirs: Checkout, tmp_path: Path, command: list[str]) -> None:
    mine = Checkout(tmp_path, theirs.project, theirs.engine, free_ports(1)[0]).write(PAIR)
    before = theirs.ids()
    ran = mine.devstack(command[0], "-p", theirs.project, *command[1:], code=7)
    assert "[not-yours]" in ran.err and str(theirs.folder) in ran.err
    assert theirs.ids() == before and theirs.is_healthy()


@pytest.fixture(scope="module")
def theirs(standing: MakeCheckout) -> Checkout:
    made = standing(PAIR)
    made.devstack("up")
    return made


def test_a_folder_that_was_moved_still_owns_its_stack(checkout: MakeCheckout, tmp_path: Path) -> None:
    pair = checkout(PAIR)
    pair.devstack("up")
    moved = Checkout(pair.folder.rename(tmp_path / "moved"), pair.project, pair.engine, pair.port)
    moved.devstack("up")
    assert moved.name == pair.project and moved.is_healthy()
    moved.devstack("down")
    assert moved.ids() == {}


def test_commands_work_from_a_folder_below(checkout: MakeCheckout) -> None:
    pair = checkout(PAIR)
    below = pair.folder / "src" / "deep"
    below.mkdir(parents=True)
    inside = Checkout(below, pair.project, pair.engine)
    assert inside.devstack("render").code == 0
    assert (pair.folder / "compose.yaml").exists() and not (below / "compose.yaml").exists()


def test_four_ups_at_once_make_one_set_of_containers(checkout: MakeCheckout) -> None:
    for number in range(ROUNDS):
        pair = checkout(PAIR)
        processes = [pair.begin("up") for _ in range(AT_ONCE)]
        ran = [finish(process, timeout=120) for process in processes]
        assert [r.code for r in ran] == [0] * AT_ONCE, f"round {number}\n" + "\n".join(map(str, ran))
        there = pair.engine.containers(pair.name)
        assert sorted(c.name for c in there) == [f"{pair.name}-app-1", f"{pair.name}-side-1"]
        assert pair.is_healthy()
        assert sum("nothing to do" in r.out for r in ran) == AT_ONCE - 1
        pair.devstack("down", "--fast")


def test_ups_downs_and_a_reset_at_once_come_one_after_the_other(checkout: MakeCheckout) -> None:
    pair = checkout(PAIR)
    processes = [pair.begin(*arguments) for arguments in (["up"], ["down"], ["up"], ["reset", "--yes"], ["restart"], ["up"])]
    for process in processes:
        ran = finish(process, timeout=120)
        assert ran.code == 0 or "no container to start" in ran.err, ran
    pair.devstack("up")
    assert pair.is_healthy() and set(pair.ids()) == {"app-1", "side-1"}

"""Which files count, and what follows from a change: decided without an engine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from devstack.compose.model import Build, Stack
from devstack.errors import UsageError
from devstack.patterns import Patterns
from devstack.watching import Work, first_sync, look, triggers, work
from tests.stacks import service, stack


@pytest.mark.parametrize(
    ("lines", "path", "matched"),
    [
        (["node_modules"], "node_modules/a/b.js", True),
        (["node_modules"], "src/node_modules/a", False),
        (["**/node_modules"], "src/node_modules/a", True),
        (["**/node_modules"], "node_modules", True),
        (["*.log"], "a.log", True),
        (["*.log"], "deep/a.log", False),
        (["**/*.log"], "deep/a.log", True),
        (["*.log", "!keep.log"], "keep.log", False),
        (["!keep.log", "*.log"], "keep.log", True),
        (["src/**/gen"], "src/a/b/gen/x", True),
        (["src/**/gen"], "src/gen", True),
        (["/src/"], "src/x", True),
        (["./src"], "src/x", True),
        (["src?"], "src1", True),
        (["src?"], "src", False),
        (["[ab].txt"], "b.txt", True),
        (["[!ab].txt"], "b.txt", True),
        (["a.b"], "axb", False),
        (["build*"], "building/x", True),
        (["."], "anything", True),
        ([], "anything", False),
    ],
)
def test_patterns_match_as_dockerignore_has_them(lines: list[str], path: str, matched: bool) -> None:
    assert Patterns(tuple(lines)).match(path) is matched


def test_comments_and_blank_lines_are_no_patterns() -> None:
    assert Patterns.read("# all\n\n  *.pyc  \n!a.pyc\n").lines == ("*.pyc", "!a.pyc")


def watched(folder: Path, *entries: dict[str, Any], build: bool = True) -> Stack:
    rules = [{"path": str(folder / entry.pop("at", ".")), "exec": {"command": None}, **entry} for entry in entries]
    canonical = {"image": "web:1", "develop": {"watch": rules}}
    return stack(service("web", canonical=canonical, build=Build(context=str(folder)) if build else None), service("db"))


def fill(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def test_files_that_are_ignored_do_not_count(tmp_path: Path) -> None:
    fill(
        tmp_path,
        "a.py",
        "sub/b.py",
        "sub/b.pyc",
        ".git/HEAD",
        ".a.py.swp",
        "a.py~",
        "node_modules/x/y.js",
        "docs/z.md",
        "secret.txt",
    )
    (tmp_path / ".dockerignore").write_text("docs\nsecret.txt\n")
    (trigger,) = triggers(watched(tmp_path, {"action": "sync", "target": "/app", "ignore": ["node_modules", "**/*.pyc"]}))
    assert set(look(trigger)) == {"a.py", "sub/b.py", ".dockerignore"}


def test_only_what_is_included_counts(tmp_path: Path) -> None:
    fill(tmp_path, "a.py", "sub/b.py", "sub/c.txt")
    (trigger,) = triggers(watched(tmp_path, {"action": "sync", "target": "/app", "include": ["**/*.py"], "ignore": ["a.py"]}))
    assert set(look(trigger)) == {"sub/b.py"}


def test_what_an_ignored_folder_gives_back_counts(tmp_path: Path) -> None:
    fill(tmp_path, "build/x", "build/keep/y")
    (trigger,) = triggers(watched(tmp_path, {"action": "sync", "target": "/app", "ignore": ["build", "!build/keep"]}))
    assert set(look(trigger)) == {"build/keep/y"}


def test_a_path_that_is_a_file_and_one_that_is_missing(tmp_path: Path) -> None:
    fill(tmp_path, "a.conf")
    one, none = triggers(
        watched(
            tmp_path,
            {"action": "sync+restart", "target": "/etc/a.conf", "at": "a.conf"},
            {"action": "sync", "target": "/x", "at": "no"},
        )
    )
    assert set(look(one)) == {""} and look(none) == {}
    (first,) = first_sync([(one, look(one)), (none, {})])
    assert first == Work(service="web", sync={"/etc/a.conf": tmp_path / "a.conf"})


def change(folder: Path, name: str) -> None:
    """A change of the same size, as quick as can be."""
    found = (folder / name).stat()
    os.utime(folder / name, ns=(found.st_atime_ns, found.st_mtime_ns + 1))


def test_each_action_says_what_to_do(tmp_path: Path) -> None:
    fill(tmp_path, "src/a.py", "src/gone.py", "conf/c", "lock/l", "hook/h")
    made = watched(
        tmp_path,
        {"action": "sync", "target": "/app/src/", "at": "src"},
        {"action": "sync+restart", "target": "/conf", "at": "conf"},
        {"action": "sync+exec", "target": "/hook", "at": "hook", "exec": {"command": ["reload"], "user": "7"}},
    )
    found = triggers(made)
    before = [look(trigger) for trigger in found]
    assert work(zip(found, before, before, strict=True)) == ()
    change(tmp_path, "src/a.py")
    (tmp_path / "src/gone.py").unlink()
    (one,) = work(zip(found, before, map(look, found), strict=True))
    assert one.action == "sync" and one.sync == {"/app/src/a.py": tmp_path / "src/a.py"} and one.remove == ("/app/src/gone.py",)
    change(tmp_path, "conf/c")
    change(tmp_path, "hook/h")
    (all_of_it,) = work(zip(found, before, map(look, found), strict=True))
    assert all_of_it.action == "sync+restart+exec"
    assert set(all_of_it.sync) == {"/app/src/a.py", "/conf/c", "/hook/h"}
    assert [(command.command, command.user) for command in all_of_it.execs] == [(("reload",), "7")]


def test_a_rebuild_needs_no_sync(tmp_path: Path) -> None:
    fill(tmp_path, "src/a.py", "lock")
    found = triggers(watched(tmp_path, {"action": "sync", "target": "/app", "at": "src"}, {"action": "rebuild", "at": "lock"}))
    before = [look(trigger) for trigger in found]
    change(tmp_path, "lock")
    change(tmp_path, "src/a.py")
    (one,) = work(zip(found, before, map(look, found), strict=True))
    assert one.rebuild and not one.sync and one.action == "rebuild"


def test_a_file_that_is_replaced_has_changed_although_its_time_and_size_are_the_same(tmp_path: Path) -> None:
    fill(tmp_path, "a")
    found = triggers(watched(tmp_path, {"action": "sync", "target": "/app"}))
    before = [look(trigger) for trigger in found]
    times = (tmp_path / "a").stat()
    (tmp_path / "new").write_text("b")
    os.utime(tmp_path / "new", ns=(times.st_atime_ns, times.st_mtime_ns))
    os.replace(tmp_path / "new", tmp_path / "a")
    assert work(zip(found, before, map(look, found), strict=True))


def test_nothing_to_watch_and_what_cannot_be_done_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no service has a `develop\.watch`"):
        triggers(stack(service("web")))
    with pytest.raises(UsageError, match="needs a target"):
        triggers(watched(tmp_path, {"action": "sync"}))
    with pytest.raises(UsageError, match="has no build"):
        triggers(watched(tmp_path, {"action": "rebuild"}, build=False))

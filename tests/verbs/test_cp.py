"""`devstack cp`: files in and out of containers, by the rules of `cp`, and nothing written where it does not belong."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack.transfer import fetch
from tests.engine.contract import tar_of
from tests.engine.stacks import IMAGE, made, service, stack
from tests.fakes.memory_engine import MemoryEngine
from tests.scenarios.checkout import Checkout, command, surroundings
from tests.scenarios.conftest import MakeCheckout

FILE = """\
name: @PROJECT
services:
  web: {image: "busybox:1.37", command: [sleep, "1000"], init: true, stop_grace_period: 0s, deploy: {replicas: 2}}
"""


@pytest.fixture(scope="module")
def shop(standing: MakeCheckout) -> Iterator[Checkout]:
    found = standing({"compose.yaml": FILE, "src/a.txt": "one\n", "src/deep/b.txt": "two\n"})
    found.devstack("up")
    (found.folder / "src" / "link").symlink_to("a.txt")
    os.chmod(found.folder / "src" / "a.txt", 0o755)
    yield found


def inside(shop: Checkout, script: str, number: int = 1) -> str:
    result = shop.engine.exec(shop.containers()[f"web-{number}"].id, ["sh", "-c", script])
    assert result.exit_code == 0, result
    return result.text


def test_a_file_goes_to_a_name_or_into_a_folder_of_every_container(shop: Checkout) -> None:
    shop.devstack("cp", "src/a.txt", "web:/tmp")
    shop.devstack("cp", "src/a.txt", "web:/tmp/other.txt")
    for number in (1, 2):
        assert inside(shop, "cat /tmp/a.txt /tmp/other.txt", number) == "one\none\n"
    assert inside(shop, "stat -c '%u %g %a' /tmp/a.txt") == "0 0 755\n"
    shop.devstack("cp", "--index", "2", "src/a.txt", "web:/tmp/second")
    assert inside(shop, "ls /tmp").split() == ["a.txt", "other.txt"]


def test_a_folder_goes_into_one_that_is_there_and_under_its_name_else(shop: Checkout) -> None:
    shop.devstack("cp", "src", "web:/opt")
    shop.devstack("cp", "src", "web:/srv")
    shop.devstack("cp", "src/.", "web:/opt")
    tree = "cd {0}; find . | sort; readlink link"
    whole = ".\n./a.txt\n./deep\n./deep/b.txt\n./link\na.txt\n"
    there = inside(shop, "test -d /opt/src && echo yes || echo no")
    assert inside(shop, tree.format("/srv" if there == "no\n" else "/opt/src")) == whole
    assert "two" in inside(shop, "cat /opt/deep/b.txt")


def test_files_and_folders_come_out_the_same_way(shop: Checkout, tmp_path: Path) -> None:
    shop.devstack("cp", "src", "web:/out")
    shop.devstack("cp", "web:/out", str(tmp_path / "new"))
    assert sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*")) == [
        "new",
        "new/a.txt",
        "new/deep",
        "new/deep/b.txt",
        "new/link",
    ]
    assert (tmp_path / "new/link").readlink() == Path("a.txt")
    assert os.stat(tmp_path / "new/a.txt").st_mode & 0o777 == 0o755
    shop.devstack("cp", "web:/out/deep", str(tmp_path))
    shop.devstack("cp", "web:/out/deep/b.txt", str(tmp_path / "name.txt"))
    shop.devstack("cp", "-L", "web:/out/link", str(tmp_path / "followed"))
    assert (tmp_path / "deep/b.txt").read_text() == (tmp_path / "name.txt").read_text() == "two\n"
    assert (tmp_path / "followed").read_text() == "one\n"


def test_tar_streams_on_both_sides(shop: Checkout) -> None:
    def piped(*arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            command(*arguments), cwd=shop.folder, env=surroundings(), input=given, capture_output=True, timeout=60
        )

    assert piped("cp", "--index", "1", "-", "web:/tmp", given=tar_of("streamed", b"bytes \xff\n")).returncode == 0
    out = piped("cp", "web:/tmp/streamed", "-")
    with tarfile.open(fileobj=io.BytesIO(out.stdout)) as tar:
        inner = tar.extractfile("streamed")
        assert inner is not None and inner.read() == b"bytes \xff\n"
    refused = piped("cp", "--index", "1", "-", "web:/tmp", given=gzip.compress(tar_of("zipped", b"x")))
    assert refused.returncode == 1 and b"compressed with gzip" in refused.stderr
    assert "zipped" not in inside(shop, "ls /tmp")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("src", "other"), 2, "neither is a service"),
        (("web:/x", "web:/y"), 2, "both are services"),
        (("nothing", "web:/tmp"), 2, "nothing: no such file"),
        (("src/a.txt", "web:/no/such/folder"), 2, "/no/such: no such folder in the container"),
        (("src/a.txt", "web:/none/"), 2, "no such folder in the container"),
        (("src", "web:/etc/passwd"), 2, "is a file in the container"),
        (("web:/none", "."), 1, "/none: no such file or folder in the container"),
        (("web:/etc/passwd", "no/such/x"), 2, "no such folder"),
        (("webb:/etc/passwd", "."), 2, 'did you mean "web"?'),
        (("--index", "7", "web:/etc/passwd", "."), 1, "web has no container 7"),
    ],
)
def test_what_cannot_be_is_said(shop: Checkout, arguments: tuple[str, ...], code: int, said: str) -> None:
    shop.write({"keep": ""})
    ran = shop.devstack("cp", *arguments, code=code)
    assert said in ran.err


def test_a_stopped_container_is_copied_from_too(shop: Checkout, tmp_path: Path) -> None:
    shop.devstack("stop")
    shop.devstack("cp", "web:/etc/passwd", str(tmp_path))
    assert "root" in (tmp_path / "passwd").read_text()
    shop.devstack("start")


def hostile(*entries: tuple[tarfile.TarInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for entry, content in entries:
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def link(name: str, to: str, kind: bytes = tarfile.SYMTYPE) -> tuple[tarfile.TarInfo, bytes]:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, to
    return entry, b""


@pytest.mark.parametrize(
    "entries",
    [
        ((tarfile.TarInfo("out/../../escaped"), b"x"),),
        ((tarfile.TarInfo("out/../escaped"), b"x"),),
        (link("out/beside", "../beside"), (tarfile.TarInfo("out/beside"), b"x")),
        (link("out/away", "/"), (tarfile.TarInfo("out/away/escaped"), b"x")),
        (link("out/up", "../.."), (tarfile.TarInfo("out/up/escaped"), b"x")),
        (link("out/hard", "../../victim", tarfile.LNKTYPE), (tarfile.TarInfo("out/hard"), b"x")),
        (link("out/dev", "", tarfile.CHRTYPE),),
    ],
    ids=["dots", "a dot less", "link beside", "absolute link", "link upwards", "hard link", "device"],
)
def test_an_archive_of_a_container_writes_nothing_outside(
    entries: tuple[tuple[tarfile.TarInfo, bytes], ...], tmp_path: Path
) -> None:
    """The container is not trusted: what it calls a file may be a way out."""

    class Hostile(MemoryEngine):
        def read_archive(self, container: str, path: str) -> Iterator[bytes]:
            return iter([hostile((tarfile.TarInfo("out/good"), b"good"), *entries)])

    engine = Hostile(images=[IMAGE])
    (container,) = made(engine, stack("t", service("web")))
    engine.write_archive(container, "/tmp", [tar_of("out/x", b"")])
    (tmp_path / "victim").write_text("as it was")
    target = tmp_path / "safe" / "here"
    target.parent.mkdir()
    before = set(tmp_path.rglob("*"))
    copied = fetch(engine, container, "/tmp/out", target)
    new = set(tmp_path.rglob("*")) - before
    assert all(path.is_relative_to(target) for path in new), new
    assert (tmp_path / "victim").read_text() == "as it was"
    assert not Path("/escaped").exists() and not (tmp_path.parent / "escaped").exists()
    assert (target / "good").read_text() == "good"
    assert copied.skipped

"""reload: an edit on the host is served by the container within its time.

Only on a twin, which works on a copy of the mounted folder: nobody's own file is touched, and the running stack sees nothing of it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from devstack.errors import DevstackError
from devstack.spec.model import ReloadSpec
from devstack.verify.base import Ground, Topic
from devstack.verify.model import Result
from devstack.verify.speak import http_address, request

PAUSE = 0.1


def check(ground: Ground) -> Iterator[Result]:
    """One result an edit that devstack.yml names."""
    for index, edit in enumerate(ground.limits.reload, 1):
        topic = Topic(
            check="reload",
            of=f"{edit.service}.{index}" if index > 1 else edit.service,
            title=f"{edit.service} serves an edit of {edit.file}",
            service=edit.service,
            expected=f'"{edit.replacement}" at {edit.path} within {edit.within:g} s of the edit',
            where=edit.where,
        )
        copy = ground.copies.file(ground.root / edit.file)
        if copy is None:
            yield topic.failed(
                f"{edit.file} is not below a folder that {edit.service} mounts", fix=[f"look at services.{edit.service}.volumes"]
            )
        else:
            yield _one(ground, topic, edit, copy)


def _one(ground: Ground, topic: Topic, edit: ReloadSpec, file: Path) -> Result:
    text = file.read_text(encoding="utf-8")
    if edit.replace not in text:
        return topic.failed(f'"{edit.replace}" does not stand in {edit.file}', fix=["name a text that does, under verify: reload:"])
    if edit.replacement in _served(ground, edit):
        return topic.failed(f'"{edit.replacement}" is served before the edit, so this would show nothing')
    file.write_text(text.replace(edit.replace, edit.replacement, 1), encoding="utf-8")
    begun = time.monotonic()
    last = ""
    try:
        while time.monotonic() - begun < edit.within:
            last = _served(ground, edit)
            if edit.replacement in last:
                return topic.passed(f"after {time.monotonic() - begun:.1f} s")
            time.sleep(PAUSE)
    finally:
        file.write_text(text, encoding="utf-8")
    return topic.failed(
        f"not after {edit.within:g} s",
        evidence=[f"served: {line}" for line in last.splitlines()[:5]],
        fix=[f"does {edit.service} watch its files (--reload, a dev server)? Is the folder mounted where it reads them?"],
    )


def _served(ground: Ground, edit: ReloadSpec) -> str:
    """What is answered now; "" while the program comes up again."""
    try:
        address = http_address(ground, ground.stack.services[edit.service], ground.container(edit.service), edit.port)
        return request(*address, path=edit.path, timeout=2.0).text
    except DevstackError as error:
        if error.code == "no-port":
            raise
        return ""

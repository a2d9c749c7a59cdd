"""The builder inside the engine, for machines without Buildx."""

from __future__ import annotations

import re
import tempfile
from collections import deque
from pathlib import Path

from devstack.engine.asked import Asked, failure
from devstack.engine.base import OnProgress, Progress
from devstack.engine.labelling import image_labels
from devstack.engine.wire import Wire, pieces
from devstack.errors import EngineRefused


def build(wire: Wire, asked: Asked, report: OnProgress) -> None:
    """It knows neither secrets nor further contexts."""
    b = asked.build
    unknown = [
        word for word, used in (("secrets", b.secrets), ("ssh", b.ssh), ("additional_contexts", b.additional_contexts)) if used
    ]
    if unknown:
        raise failure(asked, [f"build.{unknown[0]} needs Buildx"], hints=["install Docker Buildx"])
    with tempfile.TemporaryDirectory(prefix="devstack-build-") as folder:
        dockerfile = b.dockerfile
        if b.inline is not None:
            dockerfile = str(Path(folder) / "Dockerfile")
            Path(dockerfile).write_text(b.inline, encoding="utf-8")
        _run(wire, asked, dockerfile, report)


def _run(wire: Wire, asked: Asked, dockerfile: str | None, report: OnProgress) -> None:
    b, doing = asked.build, f"building {asked.image}"
    remote = "://" in b.context or b.context.startswith("git@")
    if not remote and not Path(b.context).is_dir():
        raise failure(asked, [f"there is no folder {b.context}"])
    stream = wire.call(
        doing,
        lambda c: c.build(
            path=b.context,
            tag=asked.image,
            dockerfile=dockerfile,
            buildargs={name: value for name, value in b.args.items() if value is not None},
            target=b.target,
            labels=image_labels(asked.stack, asked.service, "classic"),
            network_mode=b.network,
            extra_hosts=dict(text.replace("=", ":", 1).split(":", 1) for text in b.extra_hosts),
            cache_from=list(b.cache_from),
            shmsize=b.shm_size,
            platform=asked.platform or None,
            pull=asked.pull,
            nocache=asked.no_cache,
            rm=True,
            forcerm=True,
            decode=True,
        ),
    )
    last = deque[str](maxlen=400)
    for message in pieces(doing, stream):
        text = str(message.get("error") or message.get("stream") or message.get("status") or "").rstrip()
        last.append(text)
        if "error" in message:
            raise failure(asked, last)
        step = re.match(r"Step (\d+)/(\d+) : (.*)", text)
        report(Progress(text, int(step[1]) - 1, int(step[2])) if step else Progress(text))
    for tag in b.tags:
        repository, _, version = tag.rpartition(":")
        if not wire.call(doing, lambda c, r=repository, v=version: c.tag(asked.image, r, v)):  # type: ignore[misc]
            raise EngineRefused(f"{asked.image} could not be tagged {tag}")

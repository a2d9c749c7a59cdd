"""Small specs to render in tests."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any

from devstack.document import load, plain
from devstack.render.model import Rendered
from devstack.render.render import render
from devstack.spec.load import load_spec

GOLDEN = Path(__file__).parent / "golden"

# Every kind, wired to every other that it can be wired to.
EVERY_KIND = """\
name: shop
services:
  db: {kind: postgres, version: "17", settings: {shared_buffers: 64MB, fsync: false}}
  cache: {kind: redis, password: true}
  kv: {kind: valkey, port: 6380, maxmemory: 64mb}
  mail: {kind: mailpit}
  files: {kind: minio}
  api: {kind: fastapi, build: app, port: 8001, depends_on: [db, cache, kv, mail, files]}
  hooks: {kind: node, source: app, port: 4000, depends_on: [cache]}
  web: {kind: vite, build: app, depends_on: [api]}
  jobs: {kind: worker, build: app, command: python -m app.worker, depends_on: [db]}
  prune: {kind: cron, build: app, schedule: "0 3 * * *", command: [python, -m, app.prune], depends_on: [db]}
  pgadmin: {kind: pgadmin, depends_on: [db]}
  metrics: {kind: prometheus, depends_on: [api]}
  graphs: {kind: grafana, dashboards: app, depends_on: [metrics, db]}
"""


def rendered(folder: Path, text: str, settings: Mapping[str, str] | None = None, project: str = "shop") -> Rendered:
    """Render the text as the devstack.yml of `folder`; passwords are password1, password2, ..."""
    (folder / "app").mkdir(exist_ok=True)
    path = folder / "devstack.yml"
    path.write_text(text, encoding="utf-8")
    numbers = count(1)
    return render(load_spec(path, {}), project=project, settings=settings or {}, make_password=lambda: f"password{next(numbers)}")


def text_of(result: Rendered, purpose: str) -> str:
    return next(file.text for file in result.files if file.purpose == purpose)


def compose_of(result: Rendered) -> Any:
    """The rendered Compose file as data."""
    node = load(text_of(result, "compose"), "compose.yaml")
    assert node is not None
    return plain(node)

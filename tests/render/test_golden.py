"""What each kind renders, compared with a file that a person has read. DEVSTACK_GOLDEN=write writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from devstack.document import dump
from devstack.spec.kinds import load_kinds
from tests.render.shop import EVERY_KIND, GOLDEN, compose_of, rendered, text_of

NAMES = {
    "postgres": "db", "redis": "cache", "valkey": "kv", "mailpit": "mail", "minio": "files", "fastapi": "api", "node": "hooks",
    "vite": "web", "worker": "jobs", "cron": "prune", "pgadmin": "pgadmin", "prometheus": "metrics", "grafana": "graphs",
}  # fmt: skip


def compare(name: str, text: str) -> None:
    path = GOLDEN / name
    if os.environ.get("DEVSTACK_GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", NAMES)
def test_a_kind_renders_as_its_golden_file(kind: str, tmp_path: Path) -> None:
    compose = compose_of(rendered(tmp_path, EVERY_KIND))
    service = compose["services"][NAMES[kind]]
    used = {item["source"] for item in service.get("configs", ())}
    configs = {name: value for name, value in compose["configs"].items() if name in used and not name.endswith(".py")}
    compare(f"{kind}.yaml", dump({"service": service, "configs": configs}))


def test_the_env_files_are_as_their_golden_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = rendered(tmp_path, EVERY_KIND)
    compare("env", text_of(result, "env"))
    compare("env.example", text_of(result, "env-example"))


def test_every_kind_has_a_golden_file() -> None:
    assert set(load_kinds(Path("/nonexistent"))) == set(NAMES)

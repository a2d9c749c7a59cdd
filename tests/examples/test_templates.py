"""Every project template comes up and verifies as written."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from devstack.engine.base import Engine
from devstack.engine.ports import bindable
from devstack.render.scaffold import templates
from tests import warm


@pytest.mark.parametrize("template", sorted(templates()))
def test_a_template_comes_up_and_verifies_as_written(template: str, engine: Engine, project: str, tmp_path: Path) -> None:
    folder = tmp_path / "shop"

    def devstack(*words: str, at: Path = folder) -> str:
        done = warm.run(words, cwd=at, env={**os.environ, "CI": "1"}, timeout=300)
        assert done.returncode == 0, f"devstack {' '.join(words)}\n{done.stdout}{done.stderr}"
        return done.stdout

    devstack("init", str(folder), "--template", template, at=tmp_path)
    devstack("spec")
    # The reader's machine has the usual ports free; this one may not.
    free = iter(port for port in range(25000 + os.getpid() % 400 * 10, 29900) if bindable("127.0.0.1", port))
    ports = "".join(f"{name}_PORT={next(free)}\n" for name in ("DB", "API", "WEB"))
    (folder / ".env").write_text(f"COMPOSE_PROJECT_NAME={project}\n{ports}")
    try:
        devstack("up")
        assert devstack("up").startswith("nothing to do")
        report = json.loads(devstack("verify", "--json"))
        assert report["data"]["failed"] == 0
        assert {"start", "health", "reach", "schema", "data"} <= {result["check"] for result in report["data"]["results"]}
    finally:
        devstack("down")
        images = [f"{project}-{service}" for service in ("api", "web", "backend", "frontend")]
        subprocess.run(["docker", "image", "rm", "--force", *images], capture_output=True, check=False)

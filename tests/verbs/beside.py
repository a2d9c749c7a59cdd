"""Docker Compose beside devstack: run in the same folder, as a teammate would."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.compose.cases import compose_is_there
from tests.scenarios.checkout import surroundings

beside_compose = pytest.mark.skipif(
    not compose_is_there(), reason="docker compose 2.40 is not installed; devstack does not need it, only this comparison does"
)


def compose(folder: Path, *words: str, code: int | None = 0, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `docker compose` in a folder."""
    done = subprocess.run(
        ["docker", "compose", *words], cwd=folder, env=surroundings(**environment), capture_output=True, text=True, timeout=120
    )
    assert code is None or done.returncode == code, done.stdout + done.stderr
    return done

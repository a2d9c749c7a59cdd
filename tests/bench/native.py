"""The native engine against devstack's own containers: PostgreSQL, Valkey and a FastAPI service, from nothing and again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.bench.process import BenchError, Sample, environment, timed
from tests.bench.stage import Stage, expect_healthy, free_port
from tests.engine.native_home import home

BACKEND = Path(__file__).parent.parent.parent / "examples" / "agent-platform" / "apps" / "backend"
OURS = "devstack"
SERVICES = 3
SPEC = """\
services:
  db: {kind: postgres, version: "17", database: agent_platform, user: agent}
  cache: {kind: valkey, version: "8"}
  api: {kind: fastapi, build: backend, image: IMAGE, port: 8001, health: /healthz, driver: asyncpg, depends_on: [db, cache]}
schema: {service: db, database: agent_platform, files: ["backend/db/*.sql"]}
"""


class NativeUp:
    """`up` without containers against `up` with them, packages and images present. `warm` keeps the data and the packages' caches.

    Otherwise each run is that of a project of another name, and what the runs before made is removed at the end: where ext4 has lately
    removed a thousand files, making new ones takes five times as long, on either side.
    """

    runs = 1

    def __init__(self, stage: Stage, name: str, *, warm: bool) -> None:
        self.warm, self.stage = warm, stage
        self.folder = stage.folder(name)
        shutil.copytree(BACKEND, self.folder / "backend", ignore=shutil.ignore_patterns("__pycache__", ".pytest_cache"))
        self.ports = "".join(f"{variable}={free_port()}\n" for variable in ("DB_PORT", "CACHE_PORT", "API_PORT"))
        self._name()
        (self.folder / "devstack.yml").write_text(SPEC.replace("IMAGE", f"{self.project}-api"))
        # valkey of PyPI is of another major version than the image.
        chosen = {**stage.endings.enter_context(home()), "DEVSTACK_ALLOW_VERSION_MISMATCH": "1"}
        stage.endings.callback(self._devstack, OURS, "down")
        self.native = {key: value for key, value in chosen.items() if key.startswith("DEVSTACK_")}
        self.up = [sys.executable, "-m", "devstack", "up"]
        timed(self.up, self.folder, self.native)  # fetches the programs, makes the environment
        self._clear(OURS)
        timed(self.up, self.folder)  # builds the image
        self._clear("rival")

    def _name(self) -> None:
        self.project = self.stage.project()
        (self.folder / ".env").write_text(f"COMPOSE_PROJECT_NAME={self.project}\n{self.ports}")

    def _devstack(self, side: str, *words: str) -> str:
        chosen = self.native if side == OURS else {}
        command = [sys.executable, "-m", "devstack", *words]
        done = subprocess.run(command, cwd=self.folder, env=environment() | chosen, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BenchError(f"{' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout

    def _clear(self, side: str) -> None:
        self._devstack(side, "down")
        if not self.warm:
            self._name()

    def run(self, side: str) -> Sample:
        sample = timed(self.up, self.folder, self.native if side == OURS else None)
        if side == OURS:
            rows = json.loads(self._devstack(side, "status", "--json"))["data"]["services"]
            if [row["state"] for row in rows] != ["healthy"] * SERVICES:
                raise BenchError(f"not healthy: {rows}")
        else:
            expect_healthy(self.project, SERVICES)
        self._clear(side)
        return sample

    def ours(self) -> tuple[list[str], Path]:
        return self.up, self.folder

    def before_ours(self) -> None:
        os.environ.update(self.native)

    def after_ours(self) -> None:
        self._clear(OURS)


class NativeReset(NativeUp):
    """`reset` of the running stack from its template against half a second."""

    runs = 3

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage, "native-reset", warm=True)
        self._devstack(OURS, "up")
        self._devstack(OURS, "reset", "--yes")  # makes the template

    def run(self, side: str) -> Sample:
        if side == OURS:
            return timed([sys.executable, "-m", "devstack", "reset", "--yes"], self.folder, self.native)
        begun = time.monotonic()
        time.sleep(0.5)
        return Sample(time.monotonic() - begun, 0.0, 0.0)

    def after_ours(self) -> None:
        return

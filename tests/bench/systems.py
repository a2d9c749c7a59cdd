"""The systems under examples/, cold: by devstack, and by what their teams would type with Compose and their migration tool."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.bench.process import Sample, timed
from tests.bench.stage import Stage, expect_healthy, free_port, sweep

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
TEMPORARY = shutil.ignore_patterns("node_modules", ".env", ".env.docker", ".venv", "__pycache__", ".pytest_cache", ".devstack")
DEVSTACK = (sys.executable, "-m", "devstack")
COMPOSE = "docker compose"
ALEMBIC = "{compose} up -d --wait db && {compose} run --rm -T {service} alembic upgrade head && {compose} up -d --wait"


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """`by_hand` is a shell's line in which {compose} stands for Compose on the rendered file; `ports` are the variables that publish."""

    name: str
    services: int
    ports: tuple[str, ...]
    by_hand: str
    compose: str = COMPOSE
    settings: str = ".env"


SYSTEMS = {
    system.name: system
    for system in (
        System(
            name="agent-platform",
            services=4,
            ports=("DB_PORT", "BACKEND_PORT", "FRONTEND_PORT"),
            by_hand=(
                "{compose} up -d --wait db && cat apps/backend/db/*.sql | "
                "{compose} exec -T db psql -q -v ON_ERROR_STOP=1 -U agent -d agent_platform && {compose} up -d --wait"
            ),
        ),
        System(
            name="hyvve",
            services=5,
            ports=("POSTGRES_PORT", "REDIS_PORT", "AGENTOS_PORT", "API_PORT", "PGADMIN_PORT"),
            by_hand=(
                "{compose} up -d --wait postgres && {compose} run --rm -T -w /app/packages/db --no-deps api npm run migrate && "
                "{compose} up -d --wait"
            ),
            compose=f"{COMPOSE} -f docker/docker-compose.yml --env-file .env.docker --profile tools",
            settings=".env.docker",
        ),
        System(
            name="schema-hub",
            services=4,
            ports=("DB_PORT", "PGADMIN_PORT", "GRAFANA_PORT", "BACKEND_PORT"),
            by_hand=ALEMBIC.replace("{service}", "backend"),
        ),
        System(
            name="workflow-history",
            services=3,
            ports=("DB_PORT", "PGADMIN_PORT", "API_PORT"),
            by_hand=ALEMBIC.replace("{service}", "api"),
        ),
    )
}


class SystemUp:
    """From nothing (images are there, no container, network or volume) until all is healthy and has its schema."""

    runs = 1

    def __init__(self, stage: Stage, name: str) -> None:
        self.system = SYSTEMS[name]
        self.folder, self.project = copy_of(stage, self.system)
        line = self.system.by_hand.replace("{compose}", f"{self.system.compose} -p {self.project}")
        self.commands = {"devstack": [*DEVSTACK, "up"], "rival": ["sh", "-c", f"set -e; {line}"]}
        timed(self.commands["devstack"], self.folder)  # builds the images
        sweep(self.project)

    def run(self, side: str) -> Sample:
        self.before_ours()
        sample = timed(self.commands[side], self.folder)
        self.after_ours()
        return sample

    def ours(self) -> tuple[list[str], Path]:
        return self.commands["devstack"], self.folder

    def before_ours(self) -> None:
        sweep(self.project)

    def after_ours(self) -> None:
        expect_healthy(self.project, self.system.services)
        sweep(self.project)


def copy_of(stage: Stage, system: System) -> tuple[Path, str]:
    """A copy of the example with a name and ports of its own."""
    project = stage.project()
    folder = stage.folder(project) / system.name
    shutil.copytree(EXAMPLES / system.name, folder, ignore=TEMPORARY)
    settings = folder / system.settings
    settings.write_text(f"COMPOSE_PROJECT_NAME={project}\n" + "".join(f"{variable}={free_port()}\n" for variable in system.ports))
    settings.chmod(0o600)
    return folder, project

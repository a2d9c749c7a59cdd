"""What `devstack verify` asks of the Compose file by itself: Docker Compose starts it, without devstack."""

import json
import os
import subprocess
from pathlib import Path

PROJECT = Path(__file__).parent.parent
SERVICES = {"postgres", "redis", "agentos", "api", "pgadmin"}


def plain_up(stack: dict) -> str:
    """`docker compose up -d` in a project of its own, on free ports; it is removed again with its volumes."""
    name = f"hyvve-plain-{os.getpid()}"
    command = ["docker", "compose", "-p", name, "--profile", "tools"]
    command += ["-f", "docker/docker-compose.yml", "--env-file", ".env.docker"]
    # Port 0: a free one. What the shell sets wins over the env file.
    environment = {**os.environ, **{f"{service.upper()}_PORT": "0" for service in SERVICES}}

    def compose(*words: str) -> str:
        done = subprocess.run(
            [*command, *words],
            cwd=PROJECT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )
        assert done.returncode == 0, f"docker compose {' '.join(words)}: {done.stderr[-1500:]}"
        return done.stdout

    try:
        compose("up", "-d", "--wait")
        rows = [json.loads(line) for line in compose("ps", "--format", "json").splitlines()]
    finally:
        compose("down", "--volumes", "--rmi", "local")
    healthy = {row["Service"] for row in rows if row["Health"] == "healthy"}
    assert healthy == SERVICES, f"healthy are {sorted(healthy)}"
    return f"docker compose up -d --wait: {', '.join(sorted(healthy))} healthy"

"""What is measured: the Compose files, the spec, and the programs they run, written into a folder of their own."""

from __future__ import annotations

from pathlib import Path

CHAIN_IMAGES = ("postgres:17", "redis:7", "python:3.13-slim")
LEVELS_IMAGES = ("busybox:1.37",)
STUBBORN_IMAGES = ("python:3.13-slim", "node:22-slim")

CHAIN = """\
services:
  db:
    image: postgres:17
    environment: {{POSTGRES_USER: bench, POSTGRES_PASSWORD: bench, POSTGRES_DB: bench}}
    volumes: ["data:/var/lib/postgresql/data"]
    healthcheck:
      test: ["CMD", "pg_isready", "-q", "-h", "127.0.0.1", "-U", "bench", "-d", "bench"]
      interval: 5s
  cache:
    image: redis:7
    healthcheck:
      test: ["CMD", "redis-cli", "ping"]
      interval: 5s
  web:
    image: python:3.13-slim
    init: true
    command: ["python", "-m", "http.server", "8000"]
    ports: ["127.0.0.1:{port}:8000"]
    healthcheck:
      test: ["CMD", "python", "-ISc", "import socket; socket.create_connection(('127.0.0.1', 8000), 3)"]
      interval: 5s
    depends_on:
      db: {{condition: service_healthy}}
      cache: {{condition: service_healthy}}
volumes:
  data: {{}}
"""
"""Three services, two levels. `init` on the web server so that stopping it between rounds takes no ten seconds."""

WORKER = """\
import time

while True:
    time.sleep(1)
"""
"""Installs no signal handler: as PID 1 it is deaf to SIGTERM, as most programs are."""

SERVER = """\
require('http').createServer((request, reply) => reply.end('ok')).listen(Number(process.env.PORT || 3000))
"""

SPEC = """\
name: {name}
services:
  mails: {{kind: worker, source: worker, command: python main.py}}
  jobs: {{kind: worker, source: worker, command: python main.py}}
  web: {{kind: node, source: web, port: {port}}}
"""

PLAIN = """\
services:
  mails: &worker
    image: python:3.13-slim
    working_dir: /app
    command: ["python", "main.py"]
    volumes: ["./worker:/app"]
  jobs: *worker
  web:
    image: node:22-slim
    working_dir: /app
    command: ["node", "server.js"]
    environment: {{PORT: "{port}"}}
    ports: ["127.0.0.1:{port}:{port}"]
    volumes: ["./web:/app"]
"""
"""The file people write for the same three programs: no `init`, no `stop_grace_period`."""


def chain(folder: Path, port: int) -> None:
    """Postgres, Redis, and an HTTP service that waits for both to be healthy."""
    (folder / "compose.yaml").write_text(CHAIN.format(port=port))


def levels(folder: Path) -> None:
    """30 services: ten, ten that wait for two of those each, and ten that wait for two of those."""
    lines = ["services:"]
    for level in range(3):
        for number in range(10):
            lines += [
                f"  s{level}{number}:",
                "    image: busybox:1.37",
                '    command: ["sleep", "3600"]',
                '    healthcheck: {test: ["CMD", "true"], interval: 5s}',
            ]
            if level:
                below = (f"s{level - 1}{number}", f"s{level - 1}{(number + 1) % 10}")
                lines += ["    depends_on:", *(f"      {name}: {{condition: service_healthy}}" for name in below)]
    (folder / "compose.yaml").write_text("\n".join(lines) + "\n")


def sleepers(folder: Path, count: int, probe: str = "") -> None:
    """Services that have nothing to do with each other and need nothing but their engine."""
    body = f'{{image: "busybox:1.37", init: true, command: ["sleep", "3600"]{probe}}}'
    lines = ["services:", *(f"  s{number:03}: {body}" for number in range(count))]
    (folder / "compose.yaml").write_text("\n".join(lines) + "\n")


def probed(folder: Path, count: int) -> None:
    """The same with a health check, as the services of the other rows have."""
    sleepers(folder, count, ', healthcheck: {test: ["CMD", "true"], interval: 5s}')


def rich(folder: Path, count: int) -> None:
    """Services as they stand in large files: ports, mounts, variables, a probe, labels, each behind another one."""
    text = "services:\n"
    for number in range(count):
        text += RICH.format(name=f"s{number:03}", port=20000 + number, volume=f"data{number % 10}")
        if number:
            text += f"    depends_on:\n      s{(number - 1) // 2:03}: {{condition: service_healthy}}\n"
    text += "networks: {back: {}}\nvolumes:\n" + "".join(f"  data{number}: {{}}\n" for number in range(min(count, 10)))
    (folder / "compose.yaml").write_text(text)


RICH = """\
  {name}:
    image: registry.example.com/team/{name}:${{TAG:-latest}}
    command: ["serve", "--port", "8080"]
    environment:
      NAME: {name}
      LEVEL: ${{LEVEL:-info}}
      DATABASE_URL: postgres://app:app@s000:5432/app
    ports: ["{port}:8080"]
    volumes: ["{volume}:/data", "./conf:/etc/app:ro"]
    networks: [back]
    healthcheck: {{test: ["CMD", "true"], interval: 5s, timeout: 2s, retries: 3}}
    labels: {{team: core, tier: backend}}
    restart: unless-stopped
"""


def stubborn(spec: Path, plain: Path, name: str, port: int) -> None:
    """Three programs that are deaf to SIGTERM as PID 1: as a spec of kinds, and as a plain Compose file."""
    for folder in (spec, plain):
        for part, file, text in (("worker", "main.py", WORKER), ("web", "server.js", SERVER)):
            (folder / part).mkdir(parents=True)
            (folder / part / file).write_text(text)
    (spec / "devstack.yml").write_text(SPEC.format(name=name, port=port))
    (plain / "compose.yaml").write_text(PLAIN.format(port=port))

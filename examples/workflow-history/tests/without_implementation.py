"""Do the tests fail where nothing is implemented? python tests/without_implementation.py

The task list wants tests that fail before there is a service. What can be shown at any time is that
they fail without it: here they run against an application that has nothing but /health.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from fastapi import FastAPI

FILES = (
    "contract/test_workflows_post.py",
    "contract/test_workflows_get.py",
    "contract/test_workflows_nodes_post.py",
    "contract/test_workflows_run_post.py",
    "contract/test_workflows_runs_get.py",
    "contract/test_runs_get.py",
    "integration/test_persistence.py",
    "integration/test_run_history.py",
)
# Holds two lists against each other and asks no server.
NEEDS_NO_SERVER = {"test_every_agreed_kind_is_tried_here"}
HERE = Path(__file__).parent

app = FastAPI()


@app.get("/health")
def health() -> dict[str, str]:
    return {"status": "healthy", "database": "connected"}


def main() -> int:
    from here import Started, url_of

    os.environ["API_APP"] = "without_implementation:app"
    os.environ["PYTHONPATH"] = str(HERE)
    bare = Started(url_of())
    words = ["-m", "pytest", "-q", "--tb=no", "-rA", *(str(HERE / file) for file in FILES)]
    try:
        done = subprocess.run(
            [sys.executable, *words],
            cwd=HERE.parent,
            env={**os.environ, "API_URL": bare.url},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    finally:
        bare.kill()
    ended = [line.split(" ", 1) for line in done.stdout.splitlines() if "::" in line]
    passed = [test for word, test in ended if word == "PASSED"]
    wrong = [test for test in passed if test.rpartition("::")[2] not in NEEDS_NO_SERVER]
    for file in FILES:
        failing = sum(word == "FAILED" and file in test for word, test in ended)
        print(f"{file}: {failing} tests fail without the implementation")
        if not failing:
            wrong.append(f"{file} has no failing test")
    print("\n".join(f"passes all the same: {one}" for one in wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

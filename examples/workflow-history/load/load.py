"""Requests against the running API for a while, and what came of them. Needs only Python 3.9.

    python3 load/load.py --seconds 60 --clients 8 localhost:8000

Each client keeps one connection and does the same again and again: make a workflow, add three
nodes, read it, run it (every fourth time with an input that fails), read the run, list the runs.
Exit 1 when the API failed (5xx, or no answer), or when it gave a wrong answer. What it makes stays
in the database, as workflows named "load".
"""

import argparse
import http.client
import json
import sys
import threading
import time
from collections import Counter

NODES = (
    {"node_type": "json_path", "config": {"path": "$.note"}},
    {"node_type": "regex_extract", "config": {"pattern": r"\d+"}},
    {"node_type": "text_template", "config": {"template": "{{ run.input.name }} has {{ input }}"}},
)


class Client(threading.Thread):
    def __init__(self, address: str, until: float) -> None:
        super().__init__(daemon=True)
        self.connection = http.client.HTTPConnection(address, timeout=30)
        self.until = until
        self.rounds = 0
        self.statuses: Counter[str] = Counter()
        self.seconds: list[tuple[str, float]] = []
        self.wrong: list[str] = []

    def run(self) -> None:
        while time.monotonic() < self.until:
            try:
                self.one_round()
            except (OSError, http.client.HTTPException) as error:
                self.statuses[f"no answer: {type(error).__name__}"] += 1
                self.connection.close()

    def one_round(self) -> None:
        self.rounds += 1
        workflow = self.ask("make", "POST", "/workflows", 201, {"name": "load"})
        if workflow is None:
            return
        path = f"/workflows/{workflow['id']}"
        for node in NODES:
            self.ask("add node", "POST", f"{path}/nodes", 201, node)
        read = self.ask("read", "GET", path, 200)
        if read is not None and [node["order_index"] for node in read["nodes"]] != [0, 1, 2]:
            self.wrong.append(f"{path} reads as {read}")
        fails = self.rounds % 4 == 0
        given = {"name": "Ada", "note": "none" if fails else "7 cats"}
        answer = self.ask("run", "POST", f"{path}/run", 200, {"input": given})
        if answer is None:
            return
        if answer["final_output"] != (None if fails else "Ada has 7"):
            self.wrong.append(f"{path}/run answered {answer}")
        run = self.ask("history", "GET", f"/runs/{answer['run_id']}", 200)
        if run is not None and len(run["steps"]) != (2 if fails else 3):
            self.wrong.append(f"run {run['id']} has {len(run['steps'])} steps")
        page = self.ask("list", "GET", f"{path}/runs", 200)
        if page is not None and page["total"] != 1:
            self.wrong.append(f"{path}/runs has {page['total']}")

    def ask(
        self, what: str, method: str, path: str, wanted: int, body: object = None
    ) -> "dict | None":
        """The answer's JSON; None when it was not the wanted one."""
        data = None if body is None else json.dumps(body)
        begun = time.monotonic()
        self.connection.request(method, path, data, {"content-type": "application/json"})
        answer = self.connection.getresponse()
        text = answer.read()
        self.statuses[str(answer.status)] += 1
        self.seconds.append((what, time.monotonic() - begun))
        if answer.status != wanted:
            self.wrong.append(f"{method} {path}: {answer.status} {text[:200]!r}")
            return None
        return json.loads(text)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("address", help="where the API is: localhost:8000")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, default=8)
    asked = parser.parse_args()
    begun = time.monotonic()
    address = asked.address.replace("0.0.0.0", "127.0.0.1")
    clients = [Client(address, begun + asked.seconds) for _ in range(asked.clients)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    return tell(clients, time.monotonic() - begun)


def tell(clients: "list[Client]", took: float) -> int:
    statuses: Counter[str] = sum((client.statuses for client in clients), Counter())
    seconds = [one for client in clients for one in client.seconds]
    wrong = [one for client in clients for one in client.wrong]
    failed = sum(n for status, n in statuses.items() if not status.startswith(("2", "4")))
    result = {
        "requests": sum(statuses.values()),
        "per_second": round(sum(statuses.values()) / took, 1),
        "runs": sum(what == "run" for what, _ in seconds),
        "milliseconds": spread([took for _, took in seconds]),
        "milliseconds_of_a_run": spread([took for what, took in seconds if what == "run"]),
        "statuses": dict(sorted(statuses.items())),
        "failed": failed,
        "wrong": wrong[:5],
    }
    print(json.dumps(result, indent=2))
    return 1 if failed or wrong or not seconds else 0


def spread(seconds: "list[float]") -> "dict[str, float]":
    ordered = sorted(seconds)
    parts = (("median", 0.5), ("p95", 0.95), ("p99", 0.99), ("worst", 1.0))
    return {
        name: round(1000 * ordered[int(part * (len(ordered) - 1))], 1)
        for name, part in parts
        if ordered
    }


if __name__ == "__main__":
    sys.exit(main())

"""Requests against running APIs for a while, and what came of them. Needs nothing but Python 3.9.

    python3 load/load.py --seconds 60 --clients 8 localhost:7777 localhost:3001

The first address is AgentOS, the second apps/api. Each client keeps one connection to each and repeats: create a run,
read it, list the workspace's runs (which apps/api asks AgentOS for), ask AgentOS for its health and its name. At the end all
runs have to be carried out. Exit 1 when an API failed (5xx, or no answer) or gave a wrong answer.
"""

import argparse
import http.client
import json
import sys
import threading
import time
import uuid
from collections import Counter

# Seconds. A server gives up a connection that nobody asks anything on (uvicorn and Node after 5): that is no failure of its.
IDLE = 2


class Client(threading.Thread):
    def __init__(self, agentos: str, api: str, workspace: str, until: float) -> None:
        super().__init__(daemon=True)
        self.connections = {
            "agentos": http.client.HTTPConnection(agentos, timeout=30),
            "api": http.client.HTTPConnection(api, timeout=30),
        }
        self.used = dict.fromkeys(self.connections, 0.0)
        self.workspace = workspace
        self.until = until
        self.statuses: Counter[str] = Counter()
        self.seconds: dict[str, list[float]] = {"agentos": [], "api": []}
        self.runs: list[str] = []
        self.wrong: list[str] = []

    def run(self) -> None:
        while time.monotonic() < self.until:
            try:
                self.one_turn()
            except (OSError, http.client.HTTPException) as error:
                self.statuses[f"no answer: {type(error).__name__}"] += 1
                for connection in self.connections.values():
                    connection.close()

    def one_turn(self) -> None:
        text = "The moon pulls the tides; the tides follow the moon."
        path = f"/workspaces/{self.workspace}/runs"
        made = self.ask("api", "POST", path, 202, {"agent": "keywords", "input": text})
        if made is not None:
            self.runs.append(made["id"])
            self.ask("api", "GET", f"/runs/{made['id']}", 200)
        self.ask("api", "GET", path, 200)
        self.ask("agentos", "GET", "/health", 200)
        self.ask("agentos", "GET", "/", 200)

    def ask(self, which: str, method: str, path: str, wanted: int, body: object = None) -> "dict | None":
        """The answer's JSON; None when it was not the wanted one."""
        begun = time.monotonic()
        data = None if body is None else json.dumps(body)
        connection = self.connections[which]
        if begun - self.used[which] > IDLE:
            connection.close()  # the next request opens it again
        connection.request(method, path, data, {"content-type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        self.statuses[str(answer.status)] += 1
        self.used[which] = time.monotonic()
        self.seconds[which].append(self.used[which] - begun)
        if answer.status != wanted:
            self.wrong.append(f"{method} {path}: {answer.status} {text[:200]!r}")
            return None
        return json.loads(text) if text else {}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("agentos", help="where AgentOS is: localhost:7777")
    parser.add_argument("api", help="where apps/api is: localhost:3001")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, default=8)
    asked = parser.parse_args()
    keeper = Client(asked.agentos, asked.api, "", 0)
    workspace = keeper.ask("api", "POST", "/workspaces", 201, {"name": f"load-{uuid.uuid4()}"})
    if workspace is None:
        raise SystemExit(keeper.wrong[0])
    begun = time.monotonic()
    until = begun + asked.seconds
    clients = [Client(asked.agentos, asked.api, workspace["id"], until) for _ in range(asked.clients)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    took = time.monotonic() - begun
    left = carried_out(keeper, [run for client in clients for run in client.runs[-1:]])
    keeper.ask("api", "DELETE", f"/workspaces/{workspace['id']}", 204)
    return tell([*clients, keeper], took, left)


def carried_out(keeper: Client, last: "list[str]") -> float:
    """Seconds until the last run of every client is finished: the queue is taken in order."""
    begun = time.monotonic()
    for run in last:
        while True:
            found = keeper.ask("api", "GET", f"/runs/{run}", 200) or {}
            if found.get("status") in ("completed", "failed"):
                break
            if time.monotonic() - begun > 120:
                keeper.wrong.append(f"the run {run} is still {found.get('status')} after 120 s")
                break
            time.sleep(0.2)
        if found.get("status") == "failed":
            keeper.wrong.append(f"the run {run} failed: {found.get('error')}")
    return time.monotonic() - begun


def tell(clients: "list[Client]", took: float, left: float) -> int:
    statuses: Counter[str] = sum((client.statuses for client in clients), Counter())
    wrong = [one for client in clients for one in client.wrong]
    failed = sum(n for status, n in statuses.items() if not status.startswith(("2", "4")))
    result = {
        "requests": sum(statuses.values()),
        "per_second": round(sum(statuses.values()) / took, 1),
        "runs": sum(len(client.runs) for client in clients),
        "queue_empty_after_seconds": round(left, 1),
        "milliseconds": {which: spread(clients, which) for which in ("agentos", "api")},
        "statuses": dict(sorted(statuses.items())),
        "failed": failed,
        "wrong": wrong[:5],
    }
    print(json.dumps(result, indent=2))
    return 1 if failed or wrong else 0


def spread(clients: "list[Client]", which: str) -> "dict[str, float]":
    seconds = sorted(one for client in clients for one in client.seconds[which])
    parts = (("median", 0.5), ("p95", 0.95), ("p99", 0.99), ("worst", 1.0))
    if not seconds:
        return {}
    return {name: round(1000 * seconds[int(part * (len(seconds) - 1))], 1) for name, part in parts}


if __name__ == "__main__":
    sys.exit(main())

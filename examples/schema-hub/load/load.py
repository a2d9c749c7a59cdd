"""Requests against the running API for a while, and what came of them. Needs nothing but Python 3.9.

    python3 load/load.py --seconds 60 --clients 8 localhost:8080

Each client keeps one connection and goes through the life of an entity: create, read, list, change,
delete, restore, delete. A 429 is waited out as its Retry-After says (--impatient: for 50 ms). Exit
1 when the API failed (5xx, or no answer), or when it gave a wrong answer.
"""

import argparse
import http.client
import json
import sys
import threading
import time
import uuid
from collections import Counter


class Client(threading.Thread):
    def __init__(self, address: str, until: float, impatient: bool) -> None:
        super().__init__(daemon=True)
        self.connection = http.client.HTTPConnection(address, timeout=30)
        self.until = until
        self.impatient = impatient
        self.statuses: Counter[str] = Counter()
        self.seconds: list[float] = []
        self.wrong: list[str] = []

    def run(self) -> None:
        while time.monotonic() < self.until:
            try:
                self.one_life()
            except (OSError, http.client.HTTPException) as error:
                self.statuses[f"no answer: {type(error).__name__}"] += 1
                self.connection.close()

    def one_life(self) -> None:
        name = f"Load-{uuid.uuid4().hex}"
        new = {
            "entity_id": name,
            "entity_type": "property",
            "label": "Load",
            "schema_definition": {"datatype": "Text", "numbers": list(range(20))},
        }
        made = self.ask("POST", "/entities", 201, new)
        if made is None:
            return
        path = f"/entities/{made['id']}"
        read = self.ask("GET", path, 200)
        if read is not None and read != made:
            self.wrong.append(f"{path} reads back as {read}")
        page = self.ask("GET", f"/entities?q={name}", 200)
        if page is not None and page["total"] != 1:
            self.wrong.append(f"{name} is listed {page['total']} times")
        self.ask("GET", "/entities?limit=50", 200)
        self.ask("PATCH", path, 200, {"label": "Changed"})
        self.ask("DELETE", path, 204)
        self.ask("POST", f"{path}/restore", 200)
        self.ask("DELETE", path, 204)

    def ask(self, method: str, path: str, wanted: int, body: object = None) -> "dict | None":
        """The answer's JSON; None when time is up or the answer was not the wanted one."""
        data = None if body is None else json.dumps(body)
        while time.monotonic() < self.until:
            begun = time.monotonic()
            headers = {"content-type": "application/json"}
            self.connection.request(method, path, data, headers)
            answer = self.connection.getresponse()
            text = answer.read()
            self.statuses[str(answer.status)] += 1
            if answer.status == 429:
                time.sleep(0.05 if self.impatient else float(answer.headers["Retry-After"]))
                continue
            self.seconds.append(time.monotonic() - begun)
            if answer.status != wanted:
                self.wrong.append(f"{method} {path}: {answer.status} {text[:200]!r}")
                return None
            return json.loads(text) if text else {}
        return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("address", help="where the API is: localhost:8080")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--impatient", action="store_true", help="hardly wait after a 429")
    asked = parser.parse_args()
    begun = time.monotonic()
    address = asked.address.replace("0.0.0.0", "127.0.0.1")
    clients = [Client(address, begun + asked.seconds, asked.impatient) for _ in range(asked.clients)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    return tell(clients, time.monotonic() - begun)


def tell(clients: "list[Client]", took: float) -> int:
    statuses: Counter[str] = sum((client.statuses for client in clients), Counter())
    seconds = sorted(one for client in clients for one in client.seconds)
    wrong = [one for client in clients for one in client.wrong]
    failed = sum(n for status, n in statuses.items() if not status.startswith(("2", "4")))
    result = {
        "requests": sum(statuses.values()),
        "per_second": round(sum(statuses.values()) / took, 1),
        "served_per_second": round(len(seconds) / took, 1),
        "milliseconds": {
            name: round(1000 * seconds[int(part * (len(seconds) - 1))], 1)
            for name, part in (("median", 0.5), ("p95", 0.95), ("p99", 0.99), ("worst", 1))
            if seconds
        },
        "statuses": dict(sorted(statuses.items())),
        "failed": failed,
        "wrong": wrong[:5],
    }
    print(json.dumps(result, indent=2))
    return 1 if failed or wrong or not seconds else 0


if __name__ == "__main__":
    sys.exit(main())

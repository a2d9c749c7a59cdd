#!/usr/local/bin/python3
"""Stand-in for Grafana: health, login, and what provisioning files declare, over HTTP. It draws nothing.

The administrator's password is taken from GF_SECURITY_ADMIN_PASSWORD on the first start only and kept in the data
folder, as the genuine one does.
"""

# standin_web is beside it in the image, not here.
# mypy: disable-error-code="import-not-found,misc,no-any-return"
from __future__ import annotations

import base64
import hashlib
import hmac
import html
import json
import os
import re
import secrets
import sys
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import yaml
from standin_web import Answers, Server, listen, serve

VERSION = "12.2.0"
DATA = Path(os.environ.get("GF_PATHS_DATA", "/var/lib/grafana"))
PROVISIONING = Path(os.environ.get("GF_PATHS_PROVISIONING", "/etc/grafana/provisioning"))
SESSIONS: set[str] = set()
Record = dict[str, Any]


def setting(name: str, default: str) -> str:
    """GF_<SECTION>_<KEY>, or what the file named by GF_<SECTION>_<KEY>__FILE holds."""
    file = os.environ.get(f"{name}__FILE")
    return Path(file).read_text().strip() if file else os.environ.get(name, default)


def hashed(password: str, salt: bytes) -> str:
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 20_000).hex()


def first_start() -> dict[str, str]:
    """The administrator's record, made on the first start."""
    store = DATA / "grafana.db"
    if not store.exists():
        salt = secrets.token_bytes(16)
        password = setting("GF_SECURITY_ADMIN_PASSWORD", "admin")
        record = {"user": setting("GF_SECURITY_ADMIN_USER", "admin"), "salt": salt.hex(), "hash": hashed(password, salt)}
        store.write_text(json.dumps(record))
        store.chmod(0o600)
    return dict(json.loads(store.read_text()))


def expand(value: Any) -> Any:
    """$NAME and ${NAME} of the environment, as provisioning files may use them."""
    if isinstance(value, str):
        return re.sub(r"\$(?:\{(\w+)\}|(\w+))", lambda m: os.environ.get(m[1] or m[2], ""), value)
    if isinstance(value, dict):
        return {key: expand(item) for key, item in value.items()}
    return [expand(item) for item in value] if isinstance(value, list) else value


def provisioned(kind: str, key: str) -> list[Record]:
    found: list[Record] = []
    for path in sorted((PROVISIONING / kind).glob("*.y*ml")):
        found += expand((yaml.safe_load(path.read_text()) or {}).get(key) or [])
    return found


def datasources() -> list[Record]:
    hidden = ("secureJsonData",)
    return [
        {"id": number, "uid": one.get("uid") or hashlib.sha1(one["name"].encode()).hexdigest()[:14], "orgId": 1, "readOnly": True}
        | {key: value for key, value in one.items() if key not in hidden}
        for number, one in enumerate(provisioned("datasources", "datasources"), 1)
    ]


def dashboards() -> list[Record]:
    found = []
    for provider in provisioned("dashboards", "providers"):
        folder = Path((provider.get("options") or {}).get("path", "/nowhere"))
        for path in sorted(folder.rglob("*.json")):
            board = json.loads(path.read_text())
            found.append(board | {"uid": board.get("uid") or path.stem, "folderTitle": provider.get("folder", "")})
    return found


class Web(Answers):
    admin: dict[str, str]

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path).strip("/").split("/")
        if path == ["api", "health"]:
            return self.json({"database": "ok", "version": VERSION, "commit": "stand-in"})
        if path == ["healthz"]:
            return self.answer(200, b"Ok", "text/plain")
        if path == ["metrics"]:
            return self.answer(200, f'grafana_build_info{{version="{VERSION}",edition="stand-in"}} 1\n'.encode(), "text/plain")
        if path == ["login"]:
            return self.sheet(LOGIN)
        if not self.known():
            if path[0] == "api":
                return self.json({"message": "Unauthorized", "statusCode": 401}, 401)
            return self.move("/login")
        self.inside(path)
        return None

    do_HEAD = do_GET

    def inside(self, path: list[str]) -> None:
        match path:
            case ["api", "user"]:
                self.json({"id": 1, "login": self.admin["user"], "isGrafanaAdmin": True})
            case ["api", "org"]:
                self.json({"id": 1, "name": "Main Org."})
            case ["api", "datasources"]:
                self.json(datasources())
            case ["api", "datasources", "name", name] | ["api", "datasources", "uid", name]:
                self.one([source for source in datasources() if name in (source["name"], source["uid"])])
            case ["api", "search"]:
                short = [
                    {"uid": b["uid"], "title": b.get("title", ""), "type": "dash-db", "folderTitle": b["folderTitle"]}
                    for b in dashboards()
                ]
                wanted = parse_qs(urlsplit(self.path).query).get("query", [""])[0].lower()
                self.json([board for board in short if wanted in board["title"].lower()])
            case ["api", "dashboards", "uid", uid]:
                self.one([{"dashboard": board, "meta": {"provisioned": True}} for board in dashboards() if board["uid"] == uid])
            case [""]:
                names = "".join(f"<li>{html.escape(str(s['name']))} ({html.escape(str(s.get('type')))})" for s in datasources())
                boards = "".join(f"<li>{html.escape(str(b.get('title')))}" for b in dashboards())
                self.sheet(f"<h2>Data sources</h2><ul>{names}</ul><h2>Dashboards</h2><ul>{boards}</ul>")
            case _:
                self.json({"message": "Not found (this is a stand-in for Grafana)"}, 404)

    def do_POST(self) -> None:
        body = self.read_all().decode()
        if urlsplit(self.path).path != "/login":
            return self.json({"message": "Not found (this is a stand-in for Grafana)"}, 404)
        if body.startswith("{"):
            form = json.loads(body)
        else:
            form = {key: values[0] for key, values in parse_qs(body).items()}
        if not self.right(form.get("user", ""), form.get("password", "")):
            return self.json({"message": "Invalid username or password"}, 401)
        session = secrets.token_hex(16)
        SESSIONS.add(session)
        cookie = {"Set-Cookie": f"grafana_session={session}; Path=/; HttpOnly; SameSite=Lax"}
        if body.startswith("{"):
            return self.json({"message": "Logged in", "redirectUrl": "/"}, 200, cookie)
        self.move("/", cookie)
        return None

    def known(self) -> bool:
        if setting("GF_AUTH_ANONYMOUS_ENABLED", "false") == "true":
            return True
        cookie = SimpleCookie(self.headers.get("Cookie", "")).get("grafana_session")
        if cookie and cookie.value in SESSIONS:
            return True
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return False
        user, _, password = base64.b64decode(token).decode("utf-8", "replace").partition(":")
        return self.right(user, password)

    def right(self, user: str, password: str) -> bool:
        given = hashed(password, bytes.fromhex(self.admin["salt"]))
        return user == self.admin["user"] and hmac.compare_digest(given, self.admin["hash"])

    def one(self, found: list[Record]) -> None:
        self.json(found[0] if found else {"message": "Not found"}, 200 if found else 404)

    def sheet(self, body: str) -> None:
        note = "<p>This is a stand-in for Grafana: it answers health checks and lists what is provisioned.</p>"
        self.page("stand-in for Grafana", note + body)

    def move(self, place: str, headers: dict[str, str] | None = None) -> None:
        self.answer(302, b"", "text/plain", {"Location": place, **(headers or {})})


LOGIN = (
    "<form method=post action=/login><input name=user placeholder=user> "
    "<input name=password type=password placeholder=password> <button>Log in</button></form>"
)


def main() -> None:
    try:
        Web.admin = first_start()
    except OSError as error:
        sys.exit(f"GF_PATHS_DATA={DATA} is not writable for user {os.getuid()}: {error}")
    for load in (datasources, dashboards):
        try:
            load()
        except (yaml.YAMLError, ValueError, KeyError, TypeError) as error:
            sys.exit(f"provisioning failed in {load.__name__}: {error}")
    server = listen(Server, ("", int(setting("GF_SERVER_HTTP_PORT", "3000"))), Web)
    print(f"grafana stand-in on port {server.server_address[1]}", flush=True)
    serve(server)


if __name__ == "__main__":
    main()

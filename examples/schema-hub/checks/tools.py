"""What `devstack verify` asks of Grafana and pgAdmin: they let the owner in, and they know the database."""

import base64
import http.cookiejar
import json
import re
import urllib.parse
import urllib.request
from pathlib import Path

PROJECT = Path(__file__).parent.parent
EMAIL = "admin@example.com"


def password(service: str) -> str:
    """A password of .env, which the twin shares."""
    for line in (PROJECT / ".env").read_text().splitlines():
        if line.startswith(f"{service.upper()}_PASSWORD="):
            return line.partition("=")[2].strip("'\"")
    raise LookupError(f".env has no {service.upper()}_PASSWORD; run devstack render")


def grafana(stack: dict) -> str:
    """Its data source is the database, and every panel of its dashboard asks that one."""
    secret = base64.b64encode(f"admin:{password('grafana')}".encode()).decode()

    def ask(path: str) -> object:
        url = stack["urls"]["grafana"] + path
        request = urllib.request.Request(url, headers={"Authorization": f"Basic {secret}"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    source = ask("/api/datasources/uid/db")
    assert source["type"] == "grafana-postgresql-datasource", source
    assert source["url"] == "db:5432", source
    assert source["jsonData"]["database"] == "schema_hub", source
    titles = [board["title"] for board in ask("/api/search?query=Schema")]
    assert titles == ["Schema hub"], f"dashboards: {titles}"
    panels = ask("/api/dashboards/uid/schema-hub")["dashboard"]["panels"]
    assert {panel["datasource"]["uid"] for panel in panels} == {"db"}
    return f"data source db:5432/schema_hub; dashboard Schema hub with {len(panels)} panels"


def pgadmin(stack: dict) -> str:
    """Its owner can log in, and finds the database in the list of servers."""
    base = stack["urls"]["pgadmin"]
    jar = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    page = browser.open(f"{base}/login", timeout=20).read().decode()
    token = re.search(r'csrfToken"?\s*[:=]\s*"([^"]+)"', page)
    assert token is not None, "the login page has no csrfToken"
    form = {"csrf_token": token[1], "email": EMAIL, "password": password("pgadmin")}
    data = urllib.parse.urlencode(form).encode()
    inside = browser.open(f"{base}/authenticate/login", data, timeout=20)
    assert inside.url.startswith(f"{base}/browser"), f"not let in: {inside.url}"
    browser.addheaders.append(("X-pgA-CSRFToken", token[1]))

    def ask(path: str, form: "dict | None" = None) -> object:
        data = None if form is None else urllib.parse.urlencode(form).encode()
        return json.load(browser.open(base + path, data, timeout=20))

    groups = ask("/browser/server_group/obj/")
    found = [(group, one) for group in groups for one in ask(f"/browser/server/obj/{group['id']}/")]
    assert len(found) == 1, f"servers: {found}"
    group, server = found[0]
    shown = {key: server[key] for key in ("name", "host", "port", "db", "username")}
    wanted = {"name": "db", "host": "db", "port": 5432, "db": "schema_hub", "username": "hub"}
    assert shown == wanted, shown
    path = f"/browser/server/connect/{group['id']}/{server['id']}"
    connected = ask(path, {"password": password("db"), "save_password": "false"})
    assert connected["data"]["connected"] is True, connected
    return f"logged in as {EMAIL}; connected to hub@db:5432/schema_hub as listed"

"""What `devstack verify` asks of pgAdmin: it lets its owner in, and knows the database."""

import http.cookiejar
import json
import re
import urllib.parse
import urllib.request
from pathlib import Path

PROJECT = Path(__file__).parent.parent
EMAIL = "admin@example.com"


def password(service: str) -> str:
    """A password of .env.docker, which the twin shares."""
    for line in (PROJECT / ".env.docker").read_text().splitlines():
        if line.startswith(f"{service.upper()}_PASSWORD="):
            return line.partition("=")[2].strip("'\"")
    raise LookupError(f".env.docker has no {service.upper()}_PASSWORD; run devstack render")


def knows_the_database(stack: dict) -> str:
    """Its owner logs in, finds the database in the list of servers, and connects to it."""
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
    wanted = {"name": "postgres", "host": "postgres", "port": 5432, "db": "hyvve"}
    assert shown == {**wanted, "username": "postgres"}, shown
    path = f"/browser/server/connect/{group['id']}/{server['id']}"
    connected = ask(path, {"password": password("postgres"), "save_password": "false"})
    assert connected["data"]["connected"] is True, connected
    return f"logged in as {EMAIL}; connected to postgres@postgres:5432/hyvve as listed"

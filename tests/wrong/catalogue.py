"""What people get wrong: small files and command lines, the place that must be told, and words of the help that must be given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

FINE = "name: shop\nservices:\n  db: {kind: postgres}\n  app: {image: 'busybox:1.37'}\n"


@dataclass(frozen=True, slots=True)
class Wrong:
    """One mistake. `place` "" where it is no file's; `code` is the exit code it must have."""

    files: Mapping[str, str | bytes]
    place: str
    words: tuple[str, ...]
    arguments: tuple[str, ...] = ("spec",)
    code: int = 2
    environment: Mapping[str, str] = field(default_factory=dict)


def spec(text: str, place: str, *words: str) -> Wrong:
    """A mistake in devstack.yml."""
    return Wrong({"devstack.yml": text}, f"devstack.yml:{place}", words)


def compose(text: str, place: str, *words: str) -> Wrong:
    """A mistake in somebody's own compose.yaml."""
    return Wrong({"compose.yaml": text}, f"compose.yaml:{place}", words, ("status",))


def env(text: str, place: str, *words: str, spec: str = FINE) -> Wrong:
    """A mistake in .env."""
    return Wrong({"devstack.yml": spec, ".env": text}, f".env:{place}" if place else "", words)


def line(
    *arguments: str, words: tuple[str, ...], code: int = 2, files: Mapping[str, str | bytes] | None = None, **environment: str
) -> Wrong:
    """A mistake on the command line."""
    return Wrong(files if files is not None else {"devstack.yml": FINE}, "", words, arguments, code, environment)


SPECS = {
    "empty file": spec("", "1:1", "empty", "devstack init"),
    "tab for indentation": spec("services:\n\tdb: {kind: postgres}\n", "2:1", "tab"),
    "bracket never closed": spec("services: {db: {kind: postgres}\n", "1:11", "closed"),
    "key twice": spec("name: a\nname: b\nservices: {db: {kind: postgres}}\n", "2:1", "name"),
    "merge conflict left": spec("name: a\n<<<<<<< HEAD\nservices: {}\n", "2:1", "conflict"),
    "top key misspelt": spec("servces: {db: {kind: postgres}}\n", "1:1", 'did you mean "services"'),
    "service as a text": spec("services:\n  db: postgres\n", "2:7", "services.db", "mapping"),
    "kind misspelt": spec("services:\n  db: {kind: postgress}\n", "2:14", 'did you mean "postgres"'),
    "option misspelt": spec("services:\n  db: {kind: postgres, versoin: '17'}\n", "2:24", 'did you mean "version"'),
    "Compose key misspelt": spec("services:\n  app: {image: a, enviroment: {A: b}}\n", "2:19", 'did you mean "environment"'),
    "port as a word": spec("services:\n  db: {kind: postgres, port: high}\n", "2:30", "1 to 65535"),
    "port out of range": spec("services:\n  db: {kind: postgres, port: 70000}\n", "2:30", "1 to 65535"),
    "version as a fraction": spec("services:\n  db: {kind: postgres, version: 9.6}\n", "2:33", 'quote it: "9.6"'),
    "latest": spec("services:\n  db: {kind: postgres, version: latest}\n", "2:33", "latest"),
    "database name with a dash": spec("services:\n  db: {kind: postgres, database: my-shop}\n", "2:34", "my_shop"),
    "duration without a unit": spec(FINE + "verify: {startup: 60}\n", "5:19", "60s"),
    "unknown dependency": spec("services:\n  db: {kind: postgres}\n  app: {image: a, depends_on: [bd]}\n", "3:32", 'did you mean "db"'),
    "circle of dependencies": spec(
        "services:\n  a: {image: a, depends_on: [b]}\n  b: {image: b, depends_on: [a]}\n", "2:30", "a -> b -> a"
    ),
    "unknown condition": spec(
        "services:\n  db: {kind: postgres}\n  app: {image: a, depends_on: {db: {condition: healthy}}}\n", "3:48", "service_healthy"
    ),
    "schema of an unknown service": spec(FINE + "schema: {service: dv, files: [a.sql]}\n", "5:9", 'did you mean "db"'),
    "schema without a match": spec(FINE + "schema: {service: db, files: ['db/*.sql']}\n", "5:31", "no file matches"),
    "volume nobody declared": spec("services:\n  a: {image: a, volumes: ['dta:/x']}\nvolumes: {data: {}}\n", "2:27", 'did you mean "data"'),
    "password written into the spec": spec(
        "services:\n  db:\n    kind: postgres\n    environment: [POSTGRES_PASSWORD=x]\n", "4:19", "DB_PASSWORD in .env"
    ),
    "data mounted at the wrong place": spec(
        "services:\n  db: {kind: postgres, version: '17', volumes: ['data:/var/lib/postgresql']}\nvolumes: {data: {}}\n",
        "2:49", "/var/lib/postgresql/data",
    ),
    "variable that must be set": spec("services:\n  db: {kind: postgres, database: '${NO_SUCH:?name it}'}\n", "2:35", "name it"),
    "rendered file outside the project": spec(FINE + "render: {compose: ../compose.yaml}\n", "5:19", "outside"),
    "adopted file that is not there": spec("compose: [compose.yml]\n", "1:11", "compose.yml", "does not exist"),
    "project name with a space": spec("name: My Shop\nservices: {db: {kind: postgres}}\n", "1:7", "myshop"),
    "schedule with four fields": spec("services:\n  c: {kind: cron, command: a, schedule: '0 3 * *'}\n", "2:41", "five fields"),
    "cron without a schedule": spec("services:\n  c: {kind: cron, command: a}\n", "2:3", "schedule"),
    "local file": Wrong(
        {"devstack.yml": FINE, "devstack.local.yml": "services:\n  db: {prot: 1}\n"}, "devstack.local.yml:2:8", ('did you mean "port"',)
    ),
    "own kind without a template": Wrong(
        {"devstack.yml": "services:\n  a: {kind: mine}\n", "templates/services/mine/kind.yml": "title: Mine\n"}, "", ("mine",)
    ),
    "own kind with a broken template": Wrong(
        {
            "devstack.yml": "services:\n  a: {kind: mine}\n",
            "templates/services/mine/kind.yml": "title: Mine\n",
            "templates/services/mine/service.yaml.j2": "image: a\ncommand: {{ options.nope }}\n",
        },
        "templates/services/mine/service.yaml.j2:2", ("nope",),
    ),
    "own kind with an unclosed block": Wrong(
        {
            "devstack.yml": "services:\n  a: {kind: mine}\n",
            "templates/services/mine/kind.yml": "title: Mine\n",
            "templates/services/mine/service.yaml.j2": "image: a\n{% if true %}\n",
        },
        "templates/services/mine/service.yaml.j2", ("endif",),
    ),
}  # fmt: skip

COMPOSE = {
    "unknown key": compose("services:\n  app: {image: a, comand: b}\n", "2:19", 'did you mean "command"'),
    "unknown top key": compose("servces: {}\n", "1:1", 'did you mean "services"'),
    "port": compose("services:\n  app: {image: a, ports: ['eighty:80']}\n", "2:27", "eighty"),
    "no image": compose("services:\n  app: {environment: {A: b}}\n", "2:3", "image", "build"),
    "duration": compose("services:\n  app: {image: a, healthcheck: {test: [CMD, 'true'], interval: 5}}\n", "", "interval"),
    "unknown network": compose("services:\n  app: {image: a, networks: [front]}\n", "2:30", "front"),
    "unknown dependency": compose("services:\n  app: {image: a, depends_on: [db]}\n", "2:32", "db"),
    "circle": compose("services:\n  a: {image: a, depends_on: [b]}\n  b: {image: b, depends_on: [a]}\n", "", "a -> b -> a"),
    "required variable": compose("services:\n  app: {image: 'a:${TAG:?set a tag}'}\n", "2:19", "TAG", "set a tag"),
    "broken variable": compose("services:\n  app: {image: 'a:${TAG'}\n", "2:19", "${TAG"),
    "missing env_file": compose("services:\n  app: {image: a, env_file: [nosuch.env]}\n", "2:", "nosuch.env"),
    "extends from nowhere": compose("services:\n  app: {extends: {service: base, file: nosuch.yaml}}\n", "2:", "nosuch.yaml"),
    "include from nowhere": compose("include: [nosuch.yaml]\nservices: {a: {image: a}}\n", "1:", "nosuch.yaml"),
    "alias bomb": compose("a: &a [x, x]\nservices: *nosuch\n", "2:11", "nosuch"),
    "secret nobody declared": compose("services:\n  app: {image: a, secrets: [token]}\n", "2:", "token"),
    "volume mount without a path": compose(
        "services:\n  app: {image: a, volumes: ['data:']}\nvolumes: {data: {}}\n", "2:", "data:"
    ),
    "memory": compose("services:\n  app: {image: a, mem_limit: lots}\n", "2:", "lots"),
    "two documents": compose("services: {a: {image: a}}\n---\nservices: {b: {image: b}}\n", "", "document"),
    "not UTF-8": Wrong(
        {"compose.yaml": b"services:\n  app: {image: a, labels: {a: '\xfc'}}\n"}, "compose.yaml:2:", ("UTF-8",), ("status",)
    ),
    "a folder called compose.yaml": line("status", words=("no Compose file", "devstack init"), files={"compose.yaml/x": ""}),
}

ENV = {
    "quote never closed": env("A=1\nB='open\n", "2:3", "closed"),
    "space in a name": env("A B=1\n", "1:", "A B"),
    "no equals sign": env("=1\n", "1:1", "name"),
    "port that is none": env("DB_PORT=high\n", "", "services.db.ports", "high", "1 to 65535"),
    "project name that is none": env("COMPOSE_PROJECT_NAME=My Shop\n", "", "My Shop"),
    "unclosed variable": env("A=${B\n", "1:", "${ begins no variable"),
}

LINES = {
    "unknown command": line("upp", words=("upp", "Did you mean 'up'")),
    "unknown option": line("up", "--biuld", words=("--biuld", "--build")),
    "option without a value": line("up", "--port", words=("--port", "argument")),
    "port without a number": line("up", "--port", "db", words=("SERVICE=NUMBER", "--port db=5433")),
    "port that is no number": line("up", "--port", "db=high", words=("SERVICE=NUMBER",)),
    "port out of range": line("up", "--port", "db=70000", "--plan", words=("1 to 65535",)),
    "port of an unknown service": line("up", "--port", "bd=5433", "--plan", words=("bd", 'did you mean "db"')),
    "scale without a number": line("up", "--scale", "db", words=("--scale",)),
    "timeout that is no number": line("up", "--timeout", "soon", words=("Invalid value", "--timeout")),
    "file that is not there": line("status", "-f", "nosuch.yml", words=("nosuch.yml",)),
    "spec that is not there": line("status", "-f", "devstack.prod.yml", words=("devstack.prod.yml", "does not exist")),
    "spec and Compose file together": line("spec", "-f", "devstack.yml", "-f", "other.yaml", words=("not both", "compose:")),
    "env file that is not there": line("status", "--env-file", "nosuch.env", words=("nosuch.env",)),
    "project name with capitals": line("spec", "-f", "devstack.yml", words=("My Shop",), COMPOSE_PROJECT_NAME="My Shop"),
    "project name on the line": line("status", "-p", "My Shop", words=("My Shop",)),
    "nothing here to look at": line("status", words=("no devstack.yml", "devstack init"), files={}),
    "nothing here to render": line("render", words=("devstack init",), files={}),
    "unknown kind": line("kinds", "postgress", words=("postgress", 'did you mean "postgres"')),
    "unknown template": line("init", "new", "--template", "postgress", words=("postgress", "postgres")),
    "init twice": line("init", words=("already", "devstack up"), code=7),
    "init with a name that is none": line("init", "new", "--name", "My Shop", words=("My Shop",)),
    "tail that is no number": line("logs", "--tail", "many", words=("--tail 100",)),
    "since that is no time": line("logs", "--since", "yesterday", words=("--since 10m",)),
    "logs of an unknown service": line("logs", "ap", words=("ap", 'did you mean "app"')),
    "restart of an unknown service": line("restart", "ap", words=("ap", 'did you mean "app"')),
    "exec without a command": line("exec", "app", words=("command",)),
    "exec without a service": line("exec", words=("service",)),
    "exec in an unknown service": line("exec", "ap", "sh", words=('did you mean "app"',)),
    "db-shell of what is no database": line("db-shell", "app", words=("app", "db"), files={"devstack.yml": FINE}),
    "env of an unknown variable": line("env", "--explain", "DB_PROT", words=("DB_PROT", 'did you mean "DB_PORT"')),
    "engine that is none": line("status", "--engine", "bogus", words=("bogus",)),
    "engine that is not there": line("status", words=("/nonexistent.sock", "DOCKER_HOST", "devstack doctor"), code=4),
    "context that is not there": line("status", words=("nosuch",), code=4, DOCKER_HOST="", DOCKER_CONTEXT="nosuch"),
    "compose file that is somebody's": line(
        "render",
        words=("compose.yaml", "not rendered by devstack"),
        code=7,
        files={"devstack.yml": FINE, "compose.yaml": "services: {}\n"},
    ),
    "argument too many": line("status", "db", words=("db",)),
}
CATALOGUE = {
    f"{group}: {name}": wrong
    for group, table in {"spec": SPECS, "compose": COMPOSE, "env": ENV, "line": LINES}.items()
    for name, wrong in table.items()
}

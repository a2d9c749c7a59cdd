"""What a criterion or a check of the project's own may ask for: the kinds of probes with their parameters.

Declared as data, so that the reader, the JSON Schema and `devstack verify --list` say the same. What each does is in
devstack/verify/probes, one function a kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from devstack.spec.options import Option


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeKind:
    """One kind of probe. `quiet` ones disturb nothing and may run on a running stack (`--live`); `one_of` names parameters of which at least
    one must be given."""

    name: str
    summary: str
    options: tuple[Option, ...]
    quiet: bool = True
    one_of: tuple[str, ...] = ()
    example: str = ""

    def option(self, name: str) -> Option | None:
        return next((option for option in self.options if option.name == name), None)


def _of(name: str, type: str, help: str, *, required: bool = False, choices: tuple[str, ...] = ()) -> Option:
    return Option(name=name, type=type, help=help, required=required, choices=choices)


_SERVICE = _of("service", "string", "The service")
_TIMEOUT = _of("timeout", "duration", "How long it may take (10s)")
_EQUALS = _of("equals", "value", "What it must be")
_CONTAINS = _of("contains", "texts", "Texts that must be in it")
_LACKS = _of("lacks", "texts", "Texts that must not be in it")
_JSON = _of("json", "object", "Values in a JSON answer by their path: {status: ok, items.0.id: 1}")
_QUIET = _of("live", "boolean", "Whether it disturbs nothing, so that --live may run it (false)")

_KINDS = (
    ProbeKind(
        name="service",
        summary="what a service is declared to be: its image, build, health check, volume, profile, dependency or environment",
        options=(
            _of("service", "string", "The service", required=True),
            _of("image", "string", "Its image, * for any characters: postgres:16*"),
            _of("build", "string", "The folder it is built from"),
            _of("healthcheck", "boolean", "Whether it has a health check (its image's counts)"),
            _of("volume", "string", "A named volume it mounts, as NAME or NAME:/path"),
            _of("profile", "string", "A profile it belongs to"),
            _of("depends_on", "texts", "Services it waits for"),
            _of("network", "string", "A network it is on"),
        ),
        example="{check: service, service: db, image: postgres:16*, volume: db-data}",
    ),
    ProbeKind(
        name="healthy",
        summary="a service is healthy, or done with exit code 0; all of them when none is named",
        options=(_SERVICE,),
        example="{check: healthy, service: db}",
    ),
    ProbeKind(
        name="port",
        summary="a published port answers from the host in its own protocol (PostgreSQL login, Redis PING, HTTP, TCP)",
        options=(
            _SERVICE,
            _of("port", "port", "The port, as published by default or as in the container", required=True),
        ),
        example="{check: port, service: db, port: 5432}",
    ),
    ProbeKind(
        name="http",
        summary="an HTTP answer of a service: its status, text or JSON",
        options=(
            _of("service", "string", "The service", required=True),
            _of("port", "port", "Which of its ports; the only published one when not given"),
            _of("path", "string", "The path and query (/)"),
            _of("method", "string", "GET, POST, ... (GET); only GET and HEAD run with --live"),
            _of("headers", "mapping", "Headers to send"),
            _of("body", "value", "What to send: text, or a mapping sent as JSON"),
            _of("status", "integers", "The status, or a list of those allowed (any below 400)"),
            _CONTAINS,
            _LACKS,
            _JSON,
            _TIMEOUT,
        ),
        example="{check: http, service: api, path: /health, status: 200, json: {status: ok}}",
    ),
    ProbeKind(
        name="sql",
        summary="a read-only query of a PostgreSQL service: its first value, its rows' number or their text",
        options=(
            _of("service", "string", "The service; the only PostgreSQL when not given"),
            _of("database", "string", "The database; the service's own when not given"),
            _of("query", "string", "One statement; it runs in a read-only transaction", required=True),
            _EQUALS,
            _of("at_least", "number", "The first value is this or more"),
            _of("rows", "integer", "How many rows there are"),
            _CONTAINS,
            _TIMEOUT,
        ),
        one_of=("equals", "at_least", "rows", "contains"),
        example='{check: sql, query: "select count(*) from tenant", at_least: 1}',
    ),
    ProbeKind(
        name="redis",
        summary="a command to a Redis or Valkey service and its answer",
        options=(
            _of("service", "string", "The service; the only Redis when not given"),
            _of("command", "command", "For example: config get appendonly", required=True),
            _EQUALS,
            _CONTAINS,
        ),
        one_of=("equals", "contains"),
        example="{check: redis, command: config get appendonly, contains: [yes]}",
    ),
    ProbeKind(
        name="shell",
        summary="a command, in a service's container or on the host in the project's folder: its exit code and output",
        options=(
            _of("run", "command", "The command; a text is given to sh", required=True),
            _of("service", "string", "The service; on the host when not given, with the variables of `devstack env` set"),
            _of("exit", "integer", "The exit code (0)"),
            _EQUALS,
            _CONTAINS,
            _LACKS,
            _TIMEOUT,
            _QUIET,
        ),
        quiet=False,
        example="{check: shell, service: api, run: alembic check}",
    ),
    ProbeKind(
        name="python",
        summary="a function of a Python file of the project: it gets {urls, variables, ports} and fails by raising or by giving False",
        options=(
            _of("function", "string", "FILE.py:FUNCTION, the file below the project's folder", required=True),
            _of("service", "string", "The service it is about: skipped where the engine cannot run that"),
            _TIMEOUT,
            _QUIET,
        ),
        quiet=False,
        example="{check: python, function: checks/tenants.py:every_tenant_has_an_owner}",
    ),
    ProbeKind(
        name="file",
        summary="a file or folder of the project, or of a service's container: that it is there, what is in it",
        options=(
            _of("path", "string", "Below the project's folder, or absolute in the container; * for any characters", required=True),
            _SERVICE,
            _of("exists", "boolean", "false: it must not be there (true)"),
            _CONTAINS,
            _LACKS,
            _JSON,
        ),
        example='{check: file, path: package.json, contains: ["docker:up", "docker:down"]}',
    ),
    ProbeKind(
        name="env",
        summary="variables of a service's containers: that they are set, what they are, that they match a pattern",
        options=(
            _of("service", "string", "The service", required=True),
            _of("names", "texts", "Variables that must be set and not empty"),
            _of("values", "mapping", "Variables with the value each must have"),
            _of("match", "mapping", "Variables with a regular expression each must match"),
        ),
        one_of=("names", "values", "match"),
        example="{check: env, service: api, names: [DATABASE_URL, REDIS_URL]}",
    ),
    ProbeKind(
        name="persists",
        summary="what is written through a service survives `down` and `up`; all volumes when none is named",
        options=(_SERVICE, _of("volume", "string", "The volume's name in the file")),
        quiet=False,
        example="{check: persists, service: db}",
    ),
    ProbeKind(
        name="startup",
        summary="a cold start is done within a time, of one service or of all",
        options=(_SERVICE, _of("within", "duration", "The time", required=True)),
        quiet=False,
        example="{check: startup, within: 60s}",
    ),
    ProbeKind(
        name="log",
        summary="what a service has written so far holds some texts, or does not",
        options=(
            _of("service", "string", "The service", required=True),
            _CONTAINS,
            _LACKS,
            _of("json", "boolean", "true: every line is a JSON object (false)"),
        ),
        one_of=("contains", "lacks", "json"),
        example='{check: log, service: worker, contains: ["polling"]}',
    ),
    ProbeKind(
        name="reachable",
        summary="a service is reached from another one's container, by name, inside the network",
        options=(
            _of("from", "string", "The service that connects", required=True),
            _of("to", "string", "The service's name, or any host", required=True),
            _of("port", "port", "The port; the name must only resolve when not given"),
        ),
        example="{check: reachable, from: api, to: db, port: 5432}",
    ),
    ProbeKind(
        name="unreachable",
        summary="a service is not reached from another one's container",
        options=(
            _of("from", "string", "The service that tries to connect", required=True),
            _of("to", "string", "The service's name, or any host", required=True),
            _of("port", "port", "The port", required=True),
        ),
        example="{check: unreachable, from: web, to: db, port: 5432}",
    ),
)

PROBES: Mapping[str, ProbeKind] = MappingProxyType({kind.name: kind for kind in _KINDS})

BUILT_IN: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "files": (
            "rendered", "compose", "variables", "env", "dockerignore", "secrets", "arguments", "ports", "images", "powers", "mounts"
        ),
        "start": ("cold", "again"),
        "health": ("window", "recovery"),
        "reach": (),
        "credentials": (),
        "logs": (),
        "schema": ("applied", "indexes", "constraints", "catalog", "orm"),
        "reload": (),
        "data": ("persists", "reset", "undo"),
        "clean": ("named", "down", "images"),
    }
)  # fmt: skip
"""The checks that every stack gets, with their parts: a criterion may rest on one of them (`check: data`, `check: files.secrets`)."""

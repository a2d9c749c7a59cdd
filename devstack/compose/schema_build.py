"""The shapes of `build`, `deploy` and of what they share with services."""

from __future__ import annotations

from devstack.compose.shapes import Shape, boolean, integer, number, scalar, text, text_or_number
from devstack.compose.shapes_of_containers import dictionary, either, list_or, list_or_dict, listing, mapping, unique_or

_TEXTS = listing(text)
SIZE: Shape = text_or_number
EXTRA_HOSTS = unique_or(dictionary(list_or(text, text)))
FILE_USE = either(
    text,
    mapping({"source": text, "target": text, "uid": text, "gid": text, "mode": integer}, what="a secret or config of a service"),
    expected="a name or a mapping",
)
ULIMITS = dictionary(
    either(
        integer,
        mapping({"soft": integer, "hard": integer}, what="a limit", required=("soft", "hard")),
        expected="a number or {soft, hard}",
    )
)
BUILD = mapping(
    {
        "context": text,
        "dockerfile": text,
        "dockerfile_inline": text,
        "entitlements": _TEXTS,
        "ssh": list_or_dict,
        "args": list_or_dict,
        "labels": list_or_dict,
        "cache_from": _TEXTS,
        "cache_to": _TEXTS,
        "no_cache": boolean,
        "additional_contexts": list_or_dict,
        "network": text,
        "provenance": scalar,
        "sbom": scalar,
        "pull": boolean,
        "target": text,
        "shm_size": SIZE,
        "extra_hosts": EXTRA_HOSTS,
        "isolation": text,
        "privileged": boolean,
        "secrets": listing(FILE_USE),
        "tags": _TEXTS,
        "ulimits": ULIMITS,
        "platforms": _TEXTS,
    },
    what="a build",
    synonyms={"path": "context", "file": "dockerfile", "arguments": "args"},
)
DEVICE_REQUEST = mapping(
    {"capabilities": _TEXTS, "count": text_or_number, "device_ids": _TEXTS, "driver": text, "options": list_or_dict},
    what="a device request",
)
_ROLL = mapping(
    {
        "parallelism": integer,
        "delay": text,
        "failure_action": text,
        "monitor": text,
        "max_failure_ratio": number,
        "order": text,
    },
    what="an update policy",
)
_RESOURCE = {"cpus": text_or_number, "memory": text}
_RESERVED = mapping(
    {
        **_RESOURCE,
        "generic_resources": listing(
            mapping(
                {"discrete_resource_spec": mapping({"kind": text, "value": number}, what="a resource")}, what="a generic resource"
            )
        ),
        "devices": listing(DEVICE_REQUEST),
    },
    what="reservations",
)
DEPLOY = mapping(
    {
        "mode": text,
        "endpoint_mode": text,
        "replicas": integer,
        "labels": list_or_dict,
        "rollback_config": _ROLL,
        "update_config": _ROLL,
        "resources": mapping(
            {"limits": mapping({**_RESOURCE, "pids": integer}, what="limits"), "reservations": _RESERVED}, what="resources"
        ),
        "restart_policy": mapping(
            {"condition": text, "delay": text, "max_attempts": integer, "window": text}, what="a restart policy"
        ),
        "placement": mapping(
            {
                "constraints": _TEXTS,
                "preferences": listing(mapping({"spread": text}, what="a preference")),
                "max_replicas_per_node": integer,
            },
            what="placement",
        ),
    },
    what="deploy",
)

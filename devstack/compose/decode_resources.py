"""Canonical networks, volumes, secrets and configs to the dataclasses of the model."""

from __future__ import annotations

from collections.abc import Mapping

from devstack.compose.decode_parts import Body, bodies, boolean, optional_text, section, strings, text
from devstack.compose.model import FileObject, IpamPool, Json, Network, Volume
from devstack.compose.shapes import Faults


def decode_network(key: str, body: Body) -> Network:
    ipam = section(body, "ipam")
    pools = tuple(
        IpamPool(
            subnet=text(pool, "subnet"),
            gateway=text(pool, "gateway"),
            ip_range=text(pool, "ip_range"),
            aux_addresses=strings(pool, "aux_addresses"),
        )
        for pool in bodies(ipam.get("config"))
    )
    return Network(
        key=key,
        name=text(body, "name"),
        canonical=body,
        external=bool(body.get("external")),
        driver=text(body, "driver"),
        driver_opts=strings(body, "driver_opts"),
        attachable=bool(body.get("attachable")),
        internal=bool(body.get("internal")),
        enable_ipv4=boolean(body, "enable_ipv4"),
        enable_ipv6=boolean(body, "enable_ipv6"),
        ipam_driver=text(ipam, "driver"),
        ipam_options=strings(ipam, "options"),
        ipam=pools,
        labels=strings(body, "labels"),
    )


def decode_volume(key: str, body: Body) -> Volume:
    return Volume(
        key=key,
        name=text(body, "name"),
        canonical=body,
        external=bool(body.get("external")),
        driver=text(body, "driver"),
        driver_opts=strings(body, "driver_opts"),
        labels=strings(body, "labels"),
    )


def file_objects(section: Mapping[str, dict[str, Json]], environment: Mapping[str, str], faults: Faults) -> dict[str, FileObject]:
    """Secrets or configs with the content of those that come from the environment."""
    found: dict[str, FileObject] = {}
    for key, body in section.items():
        variable = text(body, "environment")
        content = optional_text(body, "content")
        if variable:
            content = environment.get(variable)
            if content is None:
                faults.note(f'"{key}" takes its content from the variable {variable}, which is not set.')
        found[key] = FileObject(
            key=key,
            name=text(body, "name"),
            file=text(body, "file"),
            content=content,
            environment=variable,
            external=bool(body.get("external")),
        )
    return found

"""What a service asks of its host: limits, devices, and what no engine acts on."""

from __future__ import annotations

from devstack.compose.decode_parts import Body, names, number, pairs, real, strings, text, whole
from devstack.compose.model import BlkioLimits, Device, DeviceRequest, Json, Limits, Ulimit


def _under(body: Body, *keys: str) -> Body:
    value: Json = dict(body)
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def limits(body: Body) -> Limits:
    """The service's own limits, those of `deploy.resources` over them."""
    top = _under(body, "deploy", "resources", "limits")
    reserved = _under(body, "deploy", "resources", "reservations")

    def first(*values: int | None) -> int | None:
        return next((value for value in values if value is not None), None)

    return Limits(
        cpus=real(top, "cpus") or real(body, "cpus"),
        cpu_count=whole(body, "cpu_count"),
        cpu_percent=real(body, "cpu_percent"),
        cpu_period=whole(body, "cpu_period"),
        cpu_quota=whole(body, "cpu_quota"),
        cpu_rt_period=whole(body, "cpu_rt_period"),
        cpu_rt_runtime=whole(body, "cpu_rt_runtime"),
        cpu_shares=whole(body, "cpu_shares"),
        cpuset=text(body, "cpuset"),
        memory=first(number(top, "memory"), number(body, "mem_limit")),
        memory_reservation=first(number(reserved, "memory"), number(body, "mem_reservation")),
        memory_swap=number(body, "memswap_limit"),
        memory_swappiness=number(body, "mem_swappiness"),
        pids=first(whole(top, "pids"), whole(body, "pids_limit")),
        oom_kill_disable=bool(body.get("oom_kill_disable")),
        oom_score_adj=whole(body, "oom_score_adj"),
        shm_size=number(body, "shm_size"),
        blkio=_blkio(body),
    )


def _blkio(body: Body) -> BlkioLimits | None:
    section = _under(body, "blkio_config")
    if not section:
        return None

    def rates(key: str, value: str = "Rate") -> tuple[tuple[str, int], ...]:
        items = section.get(key)
        return tuple(
            (text(item, "Path"), number(item, value) or 0)
            for item in (items if isinstance(items, list) else [])
            if isinstance(item, dict)
        )

    return BlkioLimits(
        weight=whole(section, "weight") or 0,
        weight_device=rates("weight_device", "Weight"),
        device_read_bps=rates("device_read_bps"),
        device_read_iops=rates("device_read_iops"),
        device_write_bps=rates("device_write_bps"),
        device_write_iops=rates("device_write_iops"),
    )


def ulimits(body: Body) -> tuple[Ulimit, ...]:
    found = []
    for name, value in pairs(body, "ulimits"):
        if isinstance(value, dict):
            found.append(Ulimit(name, whole(value, "soft") or 0, whole(value, "hard") or 0))
        elif isinstance(value, int):
            found.append(Ulimit(name, value, value))
    return tuple(found)


def devices(body: Body) -> tuple[Device, ...]:
    items = body.get("devices")
    return tuple(
        Device(text(item, "source"), text(item, "target"), text(item, "permissions") or "rwm")
        for item in (items if isinstance(items, list) else [])
        if isinstance(item, dict)
    )


def device_requests(body: Body) -> tuple[DeviceRequest, ...]:
    """`deploy.resources.reservations.devices`, then `gpus`."""
    reserved = _under(body, "deploy", "resources", "reservations").get("devices")
    gpus = body.get("gpus")
    requests = [_request(item, ()) for item in (reserved if isinstance(reserved, list) else [])]
    return (*requests, *(_request(item, ("gpu",)) for item in (gpus if isinstance(gpus, list) else [])))


def _request(item: Json, added: tuple[str, ...]) -> DeviceRequest:
    body = item if isinstance(item, dict) else {}
    ids = names(body, "device_ids")
    given = names(body, "capabilities")
    capabilities = (*given, *(name for name in added if name not in given))
    # Without ids a request without a count is for everything there is.
    count = whole(body, "count") if body.get("count") is not None else (0 if ids else -1)
    return DeviceRequest(text(body, "driver"), count or 0, ids, capabilities, strings(body, "options"))


_IGNORED = {
    "credential_spec": "only Windows containers use it",
    "models": "no model runner is driven; the service gets no endpoint variables",
    "provider": "external providers are not run",
    "pull_refresh_after": "an image is pulled when it is missing or when asked for",
}
_IGNORED_DEPLOY = {
    "update_config": "containers are replaced at once",
    "rollback_config": "containers are replaced at once",
    "placement": "there is one host",
    "endpoint_mode": "there is no swarm",
    "labels": "they belong to a swarm service",
}


def ignored(body: Body) -> tuple[str, ...]:
    """One line for each key that has no effect."""
    lines = [f"{key} has no effect: {reason}" for key, reason in _IGNORED.items() if body.get(key)]
    deploy = _under(body, "deploy")
    lines += [f"deploy.{key} has no effect: {reason}" for key, reason in _IGNORED_DEPLOY.items() if deploy.get(key)]
    if deploy.get("mode") not in (None, "", "replicated"):
        lines.append(f"deploy.mode {deploy.get('mode')} has no effect: there is no swarm")
    if _under(body, "deploy", "resources", "reservations").get("generic_resources"):
        lines.append("deploy.resources.reservations.generic_resources has no effect: there is no swarm")
    return tuple(lines)

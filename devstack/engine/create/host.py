"""The `HostConfig` of a container apart from storage, ports and networks: limits, devices, security, logging."""

from __future__ import annotations

import re
from collections.abc import Iterable

from devstack.compose.model import Limits, Service, Strings
from devstack.engine.create.filled import NANOSECONDS, Body, filled

_CDI = re.compile(r"[^/=]+/[^/=]+=.+")


def host_settings(service: Service, *, api: tuple[int, int], one_off: bool, namespaces: Strings) -> Body:
    """Everything of `HostConfig` that a service's own keys decide. A one-off is never restarted."""
    return _security(service.security_opt) | filled(
        {
            "RestartPolicy": {"Name": "no"} if one_off else _restart(service.restart),
            "Privileged": service.privileged or None,
            "ReadonlyRootfs": service.read_only or None,
            "Init": service.init,
            "CapAdd": [_capability(name) for name in service.cap_add],
            "CapDrop": [_capability(name) for name in service.cap_drop],
            "GroupAdd": list(service.group_add),
            "Dns": list(service.dns),
            "DnsOptions": list(service.dns_opt),
            "DnsSearch": list(service.dns_search),
            "ExtraHosts": [_extra_host(text) for text in service.extra_hosts],
            "IpcMode": shared(service.ipc, namespaces),
            "PidMode": shared(service.pid, namespaces),
            "UTSMode": service.uts,
            "UsernsMode": service.userns_mode,
            "CgroupnsMode": service.cgroup,
            "CgroupParent": service.cgroup_parent,
            "Runtime": service.runtime,
            "Isolation": service.isolation,
            "Sysctls": dict(service.sysctls),
            "StorageOpt": dict(service.storage_opt),
            "Annotations": dict(service.annotations) if api >= (1, 43) else None,
            "Ulimits": [{"Name": u.name, "Soft": u.soft, "Hard": u.hard} for u in service.ulimits],
            "LogConfig": _logging(service),
            **_devices(service),
            **_resources(service.limits),
        }
    )


def shared(mode: str, namespaces: Strings) -> str:
    """A namespace mode with `service:x` replaced by `container:<id>`."""
    kind, _, name = mode.partition(":")
    return f"container:{namespaces.get(name, name)}" if kind == "service" else mode


def _restart(text: str) -> Body:
    name, _, retries = text.partition(":")
    return filled({"Name": name or "no", "MaximumRetryCount": int(retries) if retries.isdigit() else None})


def _capability(name: str) -> str:
    full = name.upper()
    return full if full == "ALL" or full.startswith("CAP_") else f"CAP_{full}"


def _extra_host(text: str) -> str:
    """The engine wants `host:ip`; the model may carry `host=ip`. An IPv6 address may come in brackets."""
    host, separator, address = text.partition("=")
    if not separator:
        host, _, address = text.partition(":")
    return f"{host}:{address.removeprefix('[').removesuffix(']')}"


def _logging(service: Service) -> Body | None:
    if service.logging is None:
        return None
    return filled({"Type": service.logging.driver, "Config": dict(service.logging.options)})


def _security(options: Iterable[str]) -> Body:
    """`systempaths=unconfined` is no option of the engine's: it means that no path is masked, hence the empty lists."""
    given = list(options)
    plain = [option for option in given if option not in ("systempaths=unconfined", "systempaths:unconfined")]
    unmasked: Body = {"MaskedPaths": [], "ReadonlyPaths": []} if len(plain) < len(given) else {}
    return filled({"SecurityOpt": plain}) | unmasked


def _devices(service: Service) -> Body:
    """Host devices, and what the engine calls device requests: GPUs and CDI names such as `vendor.com/class=name`."""
    cdi = [device.source for device in service.devices if _CDI.fullmatch(device.source)]
    mapped = [
        {"PathOnHost": d.source, "PathInContainer": d.target or d.source, "CgroupPermissions": d.permissions}
        for d in service.devices
        if d.source not in cdi
    ]
    requests: list[Body] = [
        {
            "Driver": request.driver,
            "Count": request.count,
            "DeviceIDs": list(request.device_ids),
            "Capabilities": [list(request.capabilities)] if request.capabilities else [],
            "Options": dict(request.options),
        }
        for request in service.device_requests
    ]
    if cdi:
        requests.append({"Driver": "cdi", "DeviceIDs": cdi})
    return {"Devices": mapped, "DeviceRequests": requests, "DeviceCgroupRules": list(service.device_cgroup_rules)}


def _resources(limits: Limits) -> Body:
    return {
        "NanoCpus": None if limits.cpus is None else round(limits.cpus * NANOSECONDS),
        "CpuCount": limits.cpu_count,
        "CpuPercent": None if limits.cpu_percent is None else round(limits.cpu_percent),
        "CpuPeriod": limits.cpu_period,
        "CpuQuota": limits.cpu_quota,
        "CpuRealtimePeriod": limits.cpu_rt_period,
        "CpuRealtimeRuntime": limits.cpu_rt_runtime,
        "CpuShares": limits.cpu_shares,
        "CpusetCpus": limits.cpuset,
        "Memory": limits.memory,
        "MemoryReservation": limits.memory_reservation,
        "MemorySwap": limits.memory_swap,
        "MemorySwappiness": limits.memory_swappiness,
        "PidsLimit": limits.pids,
        "OomKillDisable": limits.oom_kill_disable or None,
        "OomScoreAdj": limits.oom_score_adj,
        "ShmSize": limits.shm_size,
        **_block_io(limits),
    }


def _block_io(limits: Limits) -> Body:
    blkio = limits.blkio
    if blkio is None:
        return {}

    def rates(pairs: Iterable[tuple[str, int]]) -> list[Body]:
        return [{"Path": path, "Rate": rate} for path, rate in pairs]

    return {
        "BlkioWeight": blkio.weight or None,
        "BlkioWeightDevice": [{"Path": path, "Weight": weight} for path, weight in blkio.weight_device],
        "BlkioDeviceReadBps": rates(blkio.device_read_bps),
        "BlkioDeviceReadIOps": rates(blkio.device_read_iops),
        "BlkioDeviceWriteBps": rates(blkio.device_write_bps),
        "BlkioDeviceWriteIOps": rates(blkio.device_write_iops),
    }

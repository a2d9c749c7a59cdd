"""Canonical values to the dataclasses of the model."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from devstack.compose import decode_host
from devstack.compose.decode_parts import Body, bodies, boolean, names, number, optional_text, pairs, section, strings, text, whole
from devstack.compose.model import (
    Attachment,
    Build,
    Condition,
    Dependency,
    FileMount,
    Healthcheck,
    Hook,
    Json,
    Logging,
    Mount,
    Port,
    Service,
)
from devstack.compose.units import nanoseconds


def decode_service(name: str, body: Body, present: Collection[str]) -> Service:
    """One service. `body` is canonical: every value has its type. Only dependencies on services that are `present` are kept."""
    service = Service(
        name=name,
        canonical=body,
        image=optional_text(body, "image"),
        build=_build(body.get("build")),
        pull_policy=text(body, "pull_policy"),
        platform=text(body, "platform"),
        command=_command(body.get("command")),
        entrypoint=_command(body.get("entrypoint")),
        environment=_variables(body.get("environment")),
        labels=strings(body, "labels"),
        annotations=strings(body, "annotations"),
        container_name=text(body, "container_name"),
        hostname=text(body, "hostname"),
        domainname=text(body, "domainname"),
        working_dir=text(body, "working_dir"),
        user=text(body, "user"),
        group_add=names(body, "group_add"),
        init=boolean(body, "init"),
        tty=bool(body.get("tty")),
        stdin_open=bool(body.get("stdin_open")),
        attach=body.get("attach") is not False,
        restart=_restart(body),
        scale=_scale(body),
        profiles=names(body, "profiles"),
        depends_on=tuple(_dependency(key, edge) for key, edge in pairs(body, "depends_on") if key in present),
        healthcheck=_healthcheck(body.get("healthcheck")),
        ports=tuple(_port(item) for item in bodies(body.get("ports"))),
    )
    return _on_its_host(_connected(service, body), body)


def _connected(service: Service, body: Body) -> Service:
    """With its data, files, networks and hooks."""
    return replace(
        service,
        expose=names(body, "expose"),
        mounts=tuple(_mount(item) for item in bodies(body.get("volumes"))),
        tmpfs=names(body, "tmpfs"),
        volumes_from=names(body, "volumes_from"),
        secrets=tuple(file_use(item) for item in bodies(body.get("secrets"))),
        configs=tuple(file_use(item) for item in bodies(body.get("configs"))),
        networks=_attachments(body),
        network_mode=text(body, "network_mode"),
        mac_address=text(body, "mac_address"),
        links=names(body, "links"),
        external_links=names(body, "external_links"),
        extra_hosts=names(body, "extra_hosts"),
        dns=names(body, "dns"),
        dns_opt=names(body, "dns_opt"),
        dns_search=names(body, "dns_search"),
        logging=_logging(body.get("logging")),
        post_start=tuple(_hook(item) for item in bodies(body.get("post_start"))),
        pre_stop=tuple(_hook(item) for item in bodies(body.get("pre_stop"))),
    )


def _on_its_host(service: Service, body: Body) -> Service:
    """With what it may do on its host and how much of it it gets."""
    return replace(
        service,
        cap_add=names(body, "cap_add"),
        cap_drop=names(body, "cap_drop"),
        cgroup=text(body, "cgroup"),
        cgroup_parent=text(body, "cgroup_parent"),
        devices=decode_host.devices(body),
        device_cgroup_rules=names(body, "device_cgroup_rules"),
        device_requests=decode_host.device_requests(body),
        ipc=text(body, "ipc"),
        pid=text(body, "pid"),
        uts=text(body, "uts"),
        userns_mode=text(body, "userns_mode"),
        isolation=text(body, "isolation"),
        runtime=text(body, "runtime"),
        privileged=bool(body.get("privileged")),
        read_only=bool(body.get("read_only")),
        security_opt=names(body, "security_opt"),
        stop_signal=text(body, "stop_signal"),
        stop_grace_period=_seconds(body.get("stop_grace_period")),
        storage_opt=strings(body, "storage_opt"),
        sysctls=strings(body, "sysctls"),
        ulimits=decode_host.ulimits(body),
        limits=decode_host.limits(body),
        ignored=decode_host.ignored(body),
    )


def _command(value: Json) -> tuple[str, ...] | None:
    return tuple(str(word) for word in value) if isinstance(value, list) else None


def _variables(value: Json) -> dict[str, str | None]:
    return {key: None if item is None else str(item) for key, item in value.items()} if isinstance(value, dict) else {}


def _seconds(value: Json) -> float | None:
    return nanoseconds(value) / 1e9 if isinstance(value, str) else None


def _scale(body: Body) -> int:
    deploy = body.get("deploy")
    value = body.get("scale")
    if value is None and isinstance(deploy, dict):
        value = deploy.get("replicas")
    return value if isinstance(value, int) else 1


def _restart(body: Body) -> str:
    """`restart`, or what `deploy.restart_policy` says."""
    if given := text(body, "restart"):
        return given
    deploy = body.get("deploy")
    policy = deploy.get("restart_policy") if isinstance(deploy, dict) else None
    if not isinstance(policy, dict):
        return ""
    attempts = policy.get("max_attempts")
    match policy.get("condition"):
        case "none":
            return "no"
        case "on-failure":
            return f"on-failure:{attempts}" if attempts else "on-failure"
        case _:
            return "always"


def _dependency(name: str, edge: Json) -> Dependency:
    body = edge if isinstance(edge, dict) else {}
    condition = Condition(text(body, "condition") or Condition.STARTED)
    return Dependency(name, condition, bool(body.get("restart")), body.get("required") is not False)


def _healthcheck(value: Json) -> Healthcheck | None:
    if not isinstance(value, dict):
        return None
    return Healthcheck(
        test=names(value, "test"),
        interval=_seconds(value.get("interval")),
        timeout=_seconds(value.get("timeout")),
        retries=whole(value, "retries"),
        start_period=_seconds(value.get("start_period")),
        start_interval=_seconds(value.get("start_interval")),
        disable=bool(value.get("disable")),
    )


def _port(body: Body) -> Port:
    return Port(
        target=whole(body, "target") or 0,
        published=text(body, "published"),
        host_ip=text(body, "host_ip"),
        protocol=text(body, "protocol") or "tcp",
        name=text(body, "name"),
        mode=text(body, "mode") or "ingress",
        app_protocol=text(body, "app_protocol"),
    )


def _mount(body: Body) -> Mount:
    kind = text(body, "type")
    bind, volume, tmpfs, image = (section(body, key) for key in ("bind", "volume", "tmpfs", "image"))
    return Mount(
        type=kind,  # type: ignore[arg-type]  # the schema lets no other word pass
        target=text(body, "target"),
        source=text(body, "source"),
        read_only=bool(body.get("read_only")),
        consistency=text(body, "consistency"),
        # Compose makes a missing folder for a long form without any bind options, and does not for one that has others only.
        create_host_path=bool(bind.get("create_host_path")) or "bind" not in body,
        propagation=text(bind, "propagation"),
        recursive=text(bind, "recursive"),
        selinux=text(bind, "selinux"),
        nocopy=bool(volume.get("nocopy")),
        subpath=text(volume, "subpath") or text(image, "subpath"),
        labels=strings(volume, "labels"),
        tmpfs_size=number(tmpfs, "size"),
        tmpfs_mode=whole(tmpfs, "mode"),
    )


def file_use(body: Body) -> FileMount:
    """A use of a secret or config."""
    mode = text(body, "mode")
    return FileMount(
        text(body, "source"), text(body, "target"), text(body, "uid"), text(body, "gid"), int(mode, 8) if mode else None
    )


def _attachments(body: Body) -> tuple[Attachment, ...]:
    return tuple(
        Attachment(
            network=key,
            aliases=names(options, "aliases"),
            ipv4_address=text(options, "ipv4_address"),
            ipv6_address=text(options, "ipv6_address"),
            link_local_ips=names(options, "link_local_ips"),
            mac_address=text(options, "mac_address"),
            driver_opts=strings(options, "driver_opts"),
            interface_name=text(options, "interface_name"),
            priority=whole(options, "priority") or 0,
            gw_priority=whole(options, "gw_priority") or 0,
        )
        for key, value in pairs(body, "networks")
        for options in [value if isinstance(value, dict) else {}]
    )


def _logging(value: Json) -> Logging | None:
    return Logging(text(value, "driver"), strings(value, "options")) if isinstance(value, dict) and value else None


def _hook(body: Body) -> Hook:
    return Hook(
        command=names(body, "command"),
        user=text(body, "user"),
        privileged=bool(body.get("privileged")),
        working_dir=text(body, "working_dir"),
        environment=_variables(body.get("environment")),
    )


def _build(value: Json) -> Build | None:
    if not isinstance(value, dict):
        return None
    return Build(
        context=text(value, "context"),
        dockerfile=optional_text(value, "dockerfile"),
        inline=optional_text(value, "dockerfile_inline"),
        args=_variables(value.get("args")),
        target=optional_text(value, "target"),
        labels=strings(value, "labels"),
        cache_from=names(value, "cache_from"),
        cache_to=names(value, "cache_to"),
        additional_contexts=strings(value, "additional_contexts"),
        entitlements=names(value, "entitlements"),
        extra_hosts=names(value, "extra_hosts"),
        isolation=optional_text(value, "isolation"),
        network=optional_text(value, "network"),
        no_cache=bool(value.get("no_cache")),
        platforms=names(value, "platforms"),
        privileged=bool(value.get("privileged")),
        provenance=optional_text(value, "provenance"),
        pull=bool(value.get("pull")),
        sbom=optional_text(value, "sbom"),
        secrets=tuple(file_use(item) for item in bodies(value.get("secrets"))),
        shm_size=number(value, "shm_size"),
        ssh=names(value, "ssh"),
        tags=names(value, "tags"),
        ulimits=decode_host.ulimits(value),
    )

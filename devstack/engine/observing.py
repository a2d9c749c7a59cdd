"""The engine's JSON as frozen data. Pure; a field that is missing or null is empty, a wrong shape raises."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from devstack.compose.model import Healthcheck, Strings
from devstack.engine.observed import (
    Binding,
    Container,
    Detail,
    Endpoint,
    EngineInfo,
    Health,
    ObservedImage,
    ObservedMount,
    ObservedNetwork,
    ObservedVolume,
    Probe,
    State,
)

if TYPE_CHECKING:
    from devstack.engine.base import Event, PathStat, Processes

Reply: TypeAlias = Mapping[str, Any]
"""One JSON object from the engine. Only this module reads inside."""

_HEALTH = re.compile(r"\((?:health: )?(starting|healthy|unhealthy)\)")
_EXIT = re.compile(r"(?:Exited|Restarting) \((-?\d+)\)")
_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)")


def moment(text: str | None) -> float:
    """An RFC 3339 time as Unix seconds; the engine's year 1, and nothing, are 0.0 (never)."""
    found = _TIME.fullmatch(text or "")
    if found is None or int(found[1]) < 1970:
        return 0.0
    zone = "+00:00" if found[8] == "Z" else found[8]
    whole = datetime.fromisoformat(f"{found[1]}-{found[2]}-{found[3]}T{found[4]}:{found[5]}:{found[6]}{zone}")
    return whole.astimezone(UTC).timestamp() + float(found[7] or 0)


def listed(item: Reply) -> Container:
    """One entry of the container list. Health and exit code are in its status text."""
    status = str(item.get("Status") or "")
    health, code = _HEALTH.search(status), _EXIT.search(status)
    networks = (item.get("NetworkSettings") or {}).get("Networks") or {}
    return Container(
        id=item["Id"],
        name=_name(item.get("Names") or ()),
        image=item["Image"],
        image_id=item.get("ImageID") or "",
        state=State(item["State"]),
        health=Health(health[1]) if health else Health.NONE,
        exit_code=int(code[1]) if code else None,
        status=status,
        created=float(item.get("Created") or 0),
        labels=_strings(item.get("Labels")),
        bindings=_unique(_binding(port) for port in item.get("Ports") or () if port.get("PublicPort")),
        networks=_of_networks(networks, "IPAddress"),
        network_ids=_of_networks(networks, "NetworkID"),
        mounts=tuple(_mount(mount) for mount in item.get("Mounts") or ()),
    )


def _of_networks(networks: dict[str, Any], key: str) -> dict[str, str]:
    return {name: (entry or {}).get(key) or "" for name, entry in networks.items()}


def _health(word: str) -> Health:
    return next((health for health in Health if health.value == word), Health.NONE)


def _name(names: Sequence[str]) -> str:
    """The container's own name: entries with a second slash are links to it."""
    own = [name for name in names if name.count("/") == 1]
    return (own or list(names) or [""])[0].lstrip("/")


def _binding(port: Reply) -> Binding:
    return Binding(int(port["PrivatePort"]), str(port.get("Type") or "tcp"), str(port.get("IP") or ""), int(port["PublicPort"]))


def _unique(bindings: Iterable[Binding]) -> tuple[Binding, ...]:
    return tuple(sorted(set(bindings), key=lambda b: (b.target, b.protocol, b.host_ip, b.published)))


def _mount(mount: Reply) -> ObservedMount:
    kind = str(mount.get("Type") or "")
    return ObservedMount(
        type=kind,
        target=str(mount.get("Destination") or ""),
        name=str(mount.get("Name") or "") if kind == "volume" else "",
        source="" if kind == "volume" else str(mount.get("Source") or ""),
        read_only=not mount.get("RW", True),
    )


def inspected(item: Reply) -> Container:
    """One inspected container, with its detail."""
    state, config, settings = item["State"], item["Config"], item.get("NetworkSettings") or {}
    health = str((state.get("Health") or {}).get("Status") or "none")
    running = State(state["Status"])
    ended = running in (State.EXITED, State.DEAD, State.RESTARTING)
    networks = settings.get("Networks") or {}
    return Container(
        id=item["Id"],
        name=str(item["Name"]).lstrip("/"),
        image=config["Image"],
        image_id=item["Image"],
        state=running,
        health=_health(health),
        exit_code=int(state["ExitCode"]) if ended else None,
        status=running.value,
        created=moment(item.get("Created")),
        labels=_strings(config.get("Labels")),
        bindings=_unique(_published(settings.get("Ports") or {})),
        networks=_of_networks(networks, "IPAddress"),
        network_ids=_of_networks(networks, "NetworkID"),
        mounts=tuple(_mount(mount) for mount in item.get("Mounts") or ()),
        detail=_detail(item),
    )


def _published(ports: Mapping[str, Any]) -> Iterable[Binding]:
    for port, bindings in ports.items():
        target, _, protocol = port.partition("/")
        for binding in bindings or ():
            yield Binding(int(target), protocol or "tcp", str(binding.get("HostIp") or ""), int(binding["HostPort"]))


def _detail(item: Reply) -> Detail:
    state, config, host = item["State"], item["Config"], item.get("HostConfig") or {}
    restart = host.get("RestartPolicy") or {}
    tries = restart.get("MaximumRetryCount") or 0
    return Detail(
        exit_code=int(state.get("ExitCode") or 0),
        oom_killed=bool(state.get("OOMKilled")),
        restart_count=int(item.get("RestartCount") or 0),
        started_at=moment(state.get("StartedAt")),
        finished_at=moment(state.get("FinishedAt")),
        error=str(state.get("Error") or ""),
        environment=_environment(config.get("Env")),
        command=(*_words(config.get("Entrypoint")), *_words(config.get("Cmd"))),
        healthcheck=_words((config.get("Healthcheck") or {}).get("Test")),
        probes=tuple(_probe(entry) for entry in (state.get("Health") or {}).get("Log") or ()),
        restart_policy=str(restart.get("Name") or "no") + (f":{tries}" if tries else ""),
        grace=None if config.get("StopTimeout") is None else float(config["StopTimeout"]),
    )


def _probe(entry: Reply) -> Probe:
    return Probe(int(entry.get("ExitCode") or 0), str(entry.get("Output") or ""), moment(entry.get("End")))


def info(version: Reply, told: Reply, endpoint: Endpoint, api: tuple[int, int]) -> EngineInfo:
    """Who answers, from the replies to `/version` and `/info`."""
    podman = any("podman" in str(part.get("Name", "")).lower() for part in version.get("Components") or ())
    return EngineInfo(
        name="Podman" if podman else "Docker",
        version=str(version.get("Version", "")),
        api=api,
        endpoint=endpoint,
        os=str(version.get("Os") or "linux"),
        arch=str(version.get("Arch") or ""),
        rootless=any("rootless" in str(option) for option in told.get("SecurityOptions") or ()),
        root_dir=str(told.get("DockerRootDir") or ""),
    )


def network(item: Reply) -> ObservedNetwork:
    return ObservedNetwork(id=item["Id"], name=item["Name"], driver=item.get("Driver") or "", labels=_strings(item.get("Labels")))


def volume(item: Reply) -> ObservedVolume:
    """A volume of a list or of the disk usage report; the engine's size of -1 means that it does not know."""
    size = (item.get("UsageData") or {}).get("Size")
    return ObservedVolume(
        name=item["Name"],
        driver=item.get("Driver") or "",
        labels=_strings(item.get("Labels")),
        created=moment(item.get("CreatedAt")),
        size=int(size) if size is not None and int(size) >= 0 else None,
    )


def volumes(reply: Reply) -> list[ObservedVolume]:
    """Of a volume list, or of the volumes' part of the disk usage."""
    return [volume(item) for item in reply.get("Volumes") or ()]


def image(reference: str, item: Reply) -> ObservedImage:
    config = item.get("Config") or {}
    return ObservedImage(
        reference=reference,
        id=item["Id"],
        labels=_strings(config.get("Labels")),
        volumes=tuple(sorted(config.get("Volumes") or ())),
        environment=_environment(config.get("Env")),
        healthcheck=_words((config.get("Healthcheck") or {}).get("Test")),
        exposed=tuple(sorted(config.get("ExposedPorts") or ())),
        user=str(config.get("User") or ""),
        entrypoint=_words(config.get("Entrypoint")),
        command=_words(config.get("Cmd")),
        size=int(item.get("Size") or 0),
        created=moment(item.get("Created")),
        tagged=moment((item.get("Metadata") or {}).get("LastTagTime")),
        platform="/".join(str(item[key]) for key in ("Os", "Architecture", "Variant") if item.get(key)),
    )


def path_stat(item: Reply) -> PathStat:
    """The engine's stat of a path; the mode is Go's, whose highest bit says folder."""
    from devstack.engine.base import PathStat

    mode = int(item["mode"])
    return PathStat(
        name=str(item["name"]),
        is_folder=bool(mode & 1 << 31),
        size=int(item.get("size") or 0),
        mode=mode & 0o777,
        link=str(item.get("linkTarget") or ""),
    )


def processes(item: Reply) -> Processes:
    from devstack.engine.base import Processes

    return Processes(_words(item.get("Titles")), tuple(tuple(map(str, row)) for row in item.get("Processes") or ()))


def image_probe(item: Reply) -> Healthcheck | None:
    """The image's own probe, as far as its start can be sped up; None when there is no probe or it has a start cadence."""
    check = (item.get("Config") or {}).get("Healthcheck") or {}
    test = _words(check.get("Test"))
    if not test or test == ("NONE",) or check.get("StartInterval"):
        return None
    interval, period = check.get("Interval") or 0, check.get("StartPeriod") or 0
    return Healthcheck(test, interval=interval / 1e9 or None, start_period=period / 1e9 or None)


def exec_code(item: Reply) -> int | None:
    """The exit code of a command in a container; None while the engine does not know it."""
    code = item.get("ExitCode")
    return None if code is None or item.get("Running") else int(code)


def end_code(item: Reply) -> int | None:
    """The exit code of an inspected container; None while it runs."""
    return None if item["State"].get("Running") else int(item["State"]["ExitCode"])


def event(item: Reply) -> Event:
    """A container event. The action of a health event carries the verdict behind a colon."""
    from devstack.engine.base import Event

    action, _, verdict = str(item.get("Action") or item.get("status") or "").partition(": ")
    actor = item.get("Actor") or {}
    attributes = _strings(actor.get("Attributes"))
    code = attributes.get("exitCode", "")
    return Event(
        action=action,
        container=str(actor.get("ID") or item.get("id") or ""),
        service=attributes.get("com.docker.compose.service", ""),
        time=float(item.get("timeNano") or 0) / 1e9 or float(item.get("time") or 0),
        health=_health(verdict) if action == "health_status" else None,
        exit_code=int(code) if action == "die" and code.lstrip("-").isdigit() else None,
        name=attributes.get("name", ""),
        image=attributes.get("image", ""),
        signal=attributes.get("signal", ""),
    )


def _strings(pairs: Mapping[str, Any] | None) -> Strings:
    return {str(key): str(value) for key, value in (pairs or {}).items()}


def _environment(entries: Sequence[str] | None) -> Strings:
    return {key: value for key, _, value in (entry.partition("=") for entry in entries or ())}


def _words(words: Sequence[str] | str | None) -> tuple[str, ...]:
    return (words,) if isinstance(words, str) else tuple(words or ())

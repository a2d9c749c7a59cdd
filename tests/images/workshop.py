"""The cache of layers, and how those that are missing are made, side by side."""

from __future__ import annotations

import concurrent.futures as futures
import os
import shutil
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.images import recipes_base
from tests.images.catalogue import Fetch, Image, Layer
from tests.images.host import Host
from tests.images.rootfs import BuildError, LayerFile, Tree, cached_layer, snapshot, unpack, write_layer


@dataclass(frozen=True, slots=True)
class Workshop:
    """The cache folder, and how a layer is made in it."""

    cache: Path
    host: Host

    @property
    def lists(self) -> Path:
        return self.cache / "lists"

    def layer_path(self, layer: Layer) -> Path:
        return self.cache / "layers" / f"{layer.name}-{layer.digest(self.host)}.tar"

    def cached(self, layer: Layer) -> LayerFile | None:
        """The layer's file, unless what it was made on has been made anew since."""
        found = cached_layer(self.layer_path(layer))
        below = self.cached(layer.parent) if layer.parent else None
        return found if found and found.parent == (below.diff_id if below else "") else None

    def chain(self, layer: Layer) -> list[LayerFile]:
        found = [self.cached(part) for part in layer.chain()]
        return [part for part in found if part is not None]

    def tree(self, layer: Layer | None, name: str) -> Tree:
        """A work tree with a layer and all below it unpacked."""
        root = self.cache / "work" / name
        shutil.rmtree(root, ignore_errors=True)
        unpack(self.chain(layer) if layer else [], root)
        return Tree(root, self.lists, self.cache / "log" / f"{name}.log")

    def make(self, layer: Layer) -> None:
        target = self.layer_path(layer)
        fetch = Fetch(self.cache, self.host)
        (self.cache / "log" / f"{layer.name}.log").unlink(missing_ok=True)
        if layer.tool and layer.prepare:
            tool = self.tree(layer.tool, f"{layer.name}.tool")
            layer.prepare(tool, fetch)
            shutil.rmtree(tool.root)
        tree = self.tree(layer.parent, layer.name)
        before = snapshot(tree.root) if layer.parent else {}
        layer.make(tree, fetch)
        below = self.cached(layer.parent) if layer.parent else None
        write_layer(tree.root, before, target, below.diff_id if below else "")
        shutil.rmtree(tree.root)
        for old in target.parent.glob(f"{layer.name}-{'?' * 16}.*"):
            if old.stem != target.stem:
                old.unlink()

    def refresh_lists(self) -> None:
        """Package lists of all suites in use; each tree sees those its own sources name."""
        tree = self.tree(recipes_base.BASE, "lists")
        for suite in ("bookworm", "forky"):
            source = f"deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {self.host.mirror} {suite} main\n"
            tree.write(f"/etc/apt/sources.list.d/{suite}.list", source)
        # A mirror that is a snapshot, or a machine with a wrong clock, is no reason to fail; signatures are still checked.
        tree.sh("apt-get -o Acquire::Languages=none -o Acquire::Check-Valid-Until=false update")
        shutil.rmtree(tree.root)


def needed(images: Iterable[Image], shop: Workshop) -> list[Layer]:
    """The layers that are not in the cache, each after those it stands on."""
    order: list[Layer] = []

    def visit(layer: Layer) -> None:
        for below in (layer.parent, layer.tool if shop.cached(layer) is None else None):
            if below:
                visit(below)
        if layer not in order and (shop.cached(layer) is None or layer.parent in order):
            order.append(layer)

    for image in images:
        visit(image.layer)
    return order


def make_layers(layers: list[Layer], shop: Workshop) -> dict[Layer, str]:
    """Make layers side by side, as many at a time as there are processors. Returns what failed, and why."""
    failed: dict[Layer, str] = {}
    waiting, running = list(layers), dict[futures.Future[None], Layer]()
    if waiting and waiting[0] is recipes_base.BASE:
        _make_one(waiting.pop(0), shop, failed)
    if waiting and not failed:
        shop.refresh_lists()
    with futures.ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 2)) as pool:
        while waiting or running:
            for layer in list(waiting):
                unfinished = {*waiting, *running.values()}
                stands_on = {*layer.chain()[:-1], *(layer.tool.chain() if layer.tool else ())}
                if stands_on & set(failed):
                    failed[layer] = "what it stands on failed"
                    waiting.remove(layer)
                elif not stands_on & unfinished:
                    waiting.remove(layer)
                    running[pool.submit(_make_one, layer, shop, failed)] = layer
            if running:
                done, _ = futures.wait(running, return_when=futures.FIRST_COMPLETED)
                for future in done:
                    future.result()
                    del running[future]
    return failed


def _make_one(layer: Layer, shop: Workshop, failed: dict[Layer, str]) -> None:
    started = time.monotonic()
    try:
        shop.make(layer)
    except BuildError as error:
        failed[layer] = str(error)
        say(f"  {layer.name} failed: {error}")
    else:
        size = shop.layer_path(layer).stat().st_size / 1e6
        say(f"  made {layer.name:<16} {size:5.0f} MB  {time.monotonic() - started:5.1f} s")


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)

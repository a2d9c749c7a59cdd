"""`build`, `pull` and `push`: images apart from `up`, against a registry of this process."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import docker
import pytest

from devstack.engine.builds import has_buildx
from tests.conftest import absent, tags_of_images
from tests.scenarios.checkout import Checkout, command, surroundings
from tests.scenarios.conftest import MakeCheckout
from tests.verbs.registry import Store, registry

FILE = """\
name: @PROJECT
services:
  base: {build: {context: ., target: base}, image: "REGISTRY/@PROJECT/base:1"}
  app:
    build: {context: ., args: {WORD: file}, additional_contexts: {below: "service:base"}, tags: ["REGISTRY/@PROJECT/app:too"]}
    image: "REGISTRY/@PROJECT/app:1"
    depends_on: [other]
  local: {build: {dockerfile_inline: "FROM busybox:1.37\\nARG WORD=none\\nRUN echo $$WORD > /word"}}
  other: {image: "busybox:1.37"}
"""
DOCKERFILE = """\
FROM busybox:1.37 AS base
RUN echo base > /base
FROM base
ARG WORD=none
RUN echo $WORD > /word; head -c 8 /dev/urandom | od -x > /once
CMD ["cat", "/word"]
"""


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with registry() as made:
        yield made


@pytest.fixture(scope="module")
def shop(standing: MakeCheckout, store: Store, sdk: docker.DockerClient) -> Iterator[Checkout]:
    if tuple(map(int, sdk.version()["ApiVersion"].split("."))) < (1, 44):
        pytest.skip("additional_contexts need a newer BuildKit than this engine's")
    if not has_buildx():
        absent("additional_contexts need Buildx, which is not here")
    made = standing({"compose.yaml": FILE.replace("REGISTRY", store.name), "Dockerfile": DOCKERFILE})
    yield made
    # What our commands made may still be used by containers that the checkout takes away after this.
    made.devstack("down")
    for tag in tags_of_images(sdk):
        if made.name in tag:
            sdk.images.remove(tag, force=True)


def identity(shop: Checkout, name: str) -> str:
    found = shop.engine.image(name)
    return found.id if found else ""


def test_build_makes_what_is_built_here_with_arguments(shop: Checkout, store: Store) -> None:
    ran = shop.devstack("build", "--json", "--build-arg", "WORD=typed")
    app, base = f"{store.name}/{shop.name}/app:1", f"{store.name}/{shop.name}/base:1"
    assert ran.data == {"built": [app, base, f"{shop.name}-local"]}
    assert shop.devstack("run", "--rm", "--no-deps", "app").out == "typed\n"
    assert shop.devstack("run", "--rm", "--no-deps", "local", "cat", "/word").out == "typed\n"
    assert identity(shop, f"{store.name}/{shop.name}/app:too") == identity(shop, app)


def test_built_again_it_comes_from_the_cache_unless_told_not_to(shop: Checkout, store: Store) -> None:
    name = f"{store.name}/{shop.name}/app:1"
    shop.devstack("build", "app")
    before = identity(shop, name)
    shop.devstack("build", "app")
    assert identity(shop, name) == before
    shop.devstack("build", "--no-cache", "app")
    assert identity(shop, name) != before
    assert shop.devstack("run", "--rm", "--no-deps", "app").out == "file\n"


def test_a_build_that_fails_shows_its_last_lines(shop: Checkout) -> None:
    shop.edit("compose.yaml", "RUN echo $$WORD", "RUN echo no luck; exit 3; echo $$WORD")
    # Not through the checkout, which takes the builder's own word "internal" for a fault of devstack's.
    ran = subprocess.run(command("build", "local"), cwd=shop.folder, env=surroundings(), capture_output=True, text=True, timeout=90)
    shop.edit("compose.yaml", "RUN echo no luck; exit 3; echo $$WORD", "RUN echo $$WORD")
    assert ran.returncode == 1
    assert "building" in ran.stderr and "no luck" in ran.stderr and "Traceback" not in ran.stderr
    assert "nothing to build" in shop.devstack("build", "other", code=2).err


def test_push_sends_what_is_built_here_and_pull_brings_it_back(shop: Checkout, store: Store, sdk: docker.DockerClient) -> None:
    pushed = shop.devstack("push", "--json")
    names = {f"{store.name}/{shop.name}/{rest}" for rest in ("base:1", "app:1", "app:too")}
    assert set(pushed.data["pushed"]) == names
    assert "local has no `image:`" in pushed.err
    assert {(f"{shop.name}/app", "1"), (f"{shop.name}/app", "too"), (f"{shop.name}/base", "1")} <= set(store.manifests)
    before = identity(shop, f"{store.name}/{shop.name}/app:1")
    for name in names:
        sdk.images.remove(name, force=True)
    shop.write(
        {"pull.yaml": f"name: {shop.name}\nservices: {{app: {{image: '{store.name}/{shop.name}/app:1', command: [cat, /word]}}}}\n"}
    )
    assert shop.devstack("pull", "-f", "pull.yaml", "--json").data["pulled"] == [f"{store.name}/{shop.name}/app:1"]
    assert identity(shop, f"{store.name}/{shop.name}/app:1") == before
    assert shop.devstack("pull", "-f", "pull.yaml", "--policy", "missing").out == "nothing to pull\n"


def test_an_image_that_cannot_be_had_is_named_or_borne(shop: Checkout, store: Store) -> None:
    shop.write(
        {"gone.yaml": f"services: {{a: {{image: '{store.name}/gone:1'}}, b: {{image: '{store.name}/{shop.name}/app:too'}}}}\n"}
    )
    ran = shop.devstack("pull", "-f", "gone.yaml", code=1)
    assert f"{store.name}/gone:1" in ran.err
    borne = shop.devstack("pull", "-f", "gone.yaml", "--ignore-pull-failures", "--json")
    assert borne.data == {"pulled": [f"{store.name}/{shop.name}/app:too"], "failed": [f"image:{store.name}/gone:1"]}


def test_a_push_nobody_takes_says_how_to_go_on(shop: Checkout) -> None:
    shop.write(
        {"nowhere.yaml": "services: {a: {build: {dockerfile_inline: 'FROM busybox:1.37'}, image: 'localhost:1/@PROJECT/x:1'}}\n"}
    )
    shop.devstack("build", "-f", "nowhere.yaml")
    ran = shop.devstack("push", "-f", "nowhere.yaml", code=1)
    assert "cannot be pushed" in ran.err and "docker login localhost:1" in ran.err
    assert shop.devstack("push", "-f", "nowhere.yaml", "--ignore-push-failures", "--json").data["failed"] == [
        f"localhost:1/{shop.name}/x:1"
    ]

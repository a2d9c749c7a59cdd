"""What `up` does with a stack that stands: numbers, dependents, hooks, shared namespaces, addresses, nameless volumes, its options.

Where Compose is installed it has the last word: it finds nothing to change.
"""

from __future__ import annotations

import base64
import io
import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import docker
import pytest

from devstack.engine.base import Health, State
from tests.compose.cases import compose_is_there
from tests.scenarios.checkout import Checkout, wait_for
from tests.scenarios.conftest import MakeCheckout
from tests.verbs.beside import beside_compose, compose
from tests.verbs.registry import Store, registry

SMALL = 'image: "busybox:1.37", init: true, stop_grace_period: 0s, command: [sleep, "1000"]'


def agreed(stack: Checkout) -> None:
    """Neither devstack nor Compose finds anything to make again."""
    before = stack.ids()
    assert stack.devstack("up").out.startswith("nothing to do")
    if compose_is_there():
        compose(stack.folder, "up", "-d")
    assert stack.ids() == before


def inside(stack: Checkout, service: str, *words: str) -> str:
    return stack.devstack("exec", service, *words).out


def started(stack: Checkout, name: str) -> float:
    detail = stack.engine.inspect(stack.ids()[name]).detail
    assert detail is not None
    return detail.started_at


# Scale


def test_a_missing_number_is_given_again_and_the_outdated_go_first(checkout: MakeCheckout) -> None:
    stack = checkout({"compose.yaml": f"name: @PROJECT\nservices: {{w: {{{SMALL}, environment: {{A: '1'}}, scale: 3}}}}\n"})
    stack.devstack("up")
    before = stack.ids()
    stack.engine.remove(before["w-2"])
    stack.devstack("up")
    after = stack.ids()
    assert set(after) == set(before) and after["w-1"] == before["w-1"] and after["w-3"] == before["w-3"]
    agreed(stack)
    stack.edit("compose.yaml", "A: '1'", "A: '2'")
    stack.devstack("up", "--no-recreate", "--scale", "w=4")
    newest = stack.ids()["w-4"]
    assert {name: id_ for name, id_ in stack.ids().items() if name != "w-4"} == after
    stack.devstack("up", "--scale", "w=1")
    assert stack.ids() == {"w-4": newest}
    if compose_is_there():
        compose(stack.folder, "up", "-d", "--scale", "w=1")
        assert stack.ids() == {"w-4": newest}


# Dependencies


def test_a_dependent_that_asks_for_it_starts_anew_when_what_it_needs_is_made_again(checkout: MakeCheckout) -> None:
    stack = checkout(
        {
            "compose.yaml": f"""\
name: @PROJECT
services:
  db: {{{SMALL}, environment: {{A: '1'}}}}
  follows: {{{SMALL}, depends_on: {{db: {{condition: service_started, restart: true}}}}}}
  stays: {{{SMALL}, depends_on: [db]}}
"""
        }
    )
    stack.devstack("up")
    before, times = stack.ids(), {name: started(stack, name) for name in stack.ids()}
    stack.edit("compose.yaml", "A: '1'", "A: '2'")
    assert "environment.A changed" in stack.devstack("up", "--plan").out
    stack.devstack("up")
    after = stack.ids()
    assert after["db-1"] != before["db-1"]
    assert (after["follows-1"], after["stays-1"]) == (before["follows-1"], before["stays-1"])
    assert started(stack, "follows-1") > started(stack, "db-1") > times["follows-1"]
    assert started(stack, "stays-1") == times["stays-1"]
    agreed(stack)


def test_what_a_service_can_do_without_does_not_hold_it_up_and_is_told(checkout: MakeCheckout) -> None:
    stack = checkout(
        {
            "compose.yaml": f"""\
name: @PROJECT
services:
  ends: {{image: "busybox:1.37", command: [sh, -c, "echo not today; exit 3"], healthcheck: {{test: "true"}}}}
  cannot: {{image: "busybox:1.37", command: [no-such-program]}}
  off: {{{SMALL}, profiles: [off]}}
  app:
    image: busybox:1.37
    command: [sleep, "1000"]
    init: true
    depends_on:
      ends: {{condition: service_healthy, required: false}}
      cannot: {{condition: service_started, required: false}}
      off: {{condition: service_started, required: false}}
  strict: {{{SMALL}, depends_on: {{ends: {{condition: service_healthy}}}}}}
"""
        }
    )
    ran = stack.devstack("up", code=1)
    there = stack.containers()
    assert there["app-1"].running and "off-1" not in there
    assert "strict-1" not in there or not there["strict-1"].running
    assert "ends exited with code 3" in ran.err and "no-such-program" in ran.err


# Hooks

HOOKS = """\
name: @PROJECT
services:
  a:
    image: busybox:1.37
    init: true
    command: [sleep, "1000"]
    volumes: [data:/data]
    environment: {LEVEL: "1"}
    post_start:
      - {command: [sh, -c, "echo first $$WORD >> /data/log; chmod 666 /data/log"], environment: {WORD: one}}
      - {command: [sh, -c, "echo as $$(id -u) in $$PWD >> /data/log"], user: "5", working_dir: /tmp}
    pre_stop: [{command: [sh, -c, "echo bye $$WORD >> /data/log"], environment: [WORD=two]}]
  reader: {image: "busybox:1.37", init: true, stop_grace_period: 0s, command: [sleep, "1000"], volumes: [data:/data]}
volumes: {data: {}}
"""
ONCE = "first one\nas 5 in /tmp\n"


def test_hooks_run_after_each_start_and_before_each_stop_with_their_user_folder_and_variables(checkout: MakeCheckout) -> None:
    stack = checkout({"compose.yaml": HOOKS})
    log = lambda: inside(stack, "reader", "cat", "/data/log")  # noqa: E731
    stack.devstack("up")
    assert log() == ONCE
    agreed(stack)
    stack.devstack("restart", "a")
    assert log() == ONCE + "bye two\n" + ONCE
    stack.edit("compose.yaml", 'LEVEL: "1"', 'LEVEL: "2"')
    stack.devstack("up")
    assert log() == (ONCE + "bye two\n") * 2 + ONCE
    stack.devstack("stop", "a")
    assert log() == (ONCE + "bye two\n") * 3
    if compose_is_there():
        stack.devstack("up", "a")
        compose(stack.folder, "stop", "a")
        assert log() == (ONCE + "bye two\n") * 4


def test_a_failing_hook_fails_the_start_and_is_told_at_the_stop(checkout: MakeCheckout) -> None:
    stack = checkout({"compose.yaml": HOOKS})
    stack.edit("compose.yaml", "echo bye $$WORD >> /data/log", "echo nobody to tell; exit 4")
    stack.devstack("up")
    stopped = stack.devstack("stop", "a")
    assert "the pre_stop hook of a failed with code 4: nobody to tell" in stopped.err
    assert stack.containers()["a-1"].state is State.EXITED
    stack.edit("compose.yaml", "echo first $$WORD >> /data/log; chmod 666 /data/log", "echo no room; exit 6")
    ran = stack.devstack("up", code=1)
    assert "the post_start hook of a failed with code 6" in ran.err and "no room" in ran.err


# Namespaces, addresses, names


def test_what_shares_namespaces_is_made_again_with_the_one_it_shares_them_with(checkout: MakeCheckout) -> None:
    stack = checkout(
        {
            "compose.yaml": f"""\
name: @PROJECT
services:
  base: {{{SMALL}, hostname: the-base, ipc: shareable, environment: {{A: '1'}}}}
  net: {{{SMALL}, network_mode: "service:base"}}
  ipc: {{{SMALL}, ipc: "service:base"}}
  pid: {{{SMALL}, pid: "service:base"}}
"""
        }
    )
    stack.devstack("up")

    def same(kind: str, service: str) -> bool:
        link = f"/proc/1/ns/{kind}" if kind != "pid" else "/proc/self/ns/pid"
        return inside(stack, service, "readlink", link) == inside(stack, "base", "readlink", link)

    def shared() -> bool:
        return all(same(kind, kind) for kind in ("net", "ipc", "pid"))

    assert shared() and not same("net", "ipc")
    before = stack.ids()
    agreed(stack)
    stack.edit("compose.yaml", "A: '1'", "A: '2'")
    stack.devstack("up")
    assert not set(before.values()) & set(stack.ids().values())
    assert shared()
    agreed(stack)


def test_static_addresses_and_aliases_are_kept_through_a_replacement(checkout: MakeCheckout) -> None:
    stack = checkout(
        {
            "compose.yaml": f"""\
name: @PROJECT
services:
  db:
    {{{SMALL}, environment: {{A: '1'}}, networks: {{back: {{ipv4_address: 10.232.78.9, aliases: [database, other]}}, front: {{}}}}}}
  app: {{{SMALL}, networks: [back]}}
networks:
  back: {{ipam: {{config: [{{subnet: 10.232.78.0/24}}]}}}}
  front: {{}}
"""
        }
    )
    stack.devstack("up")
    ask = ["sh", "-c", "for n in db database other; do ping -c 1 -w 2 $n | head -n 1; done"]
    answer = "".join(f"PING {name} (10.232.78.9): 56 data bytes\n" for name in ("db", "database", "other"))
    assert inside(stack, "app", *ask) == answer
    stack.edit("compose.yaml", "A: '1'", "A: '2'")
    stack.devstack("up")
    assert inside(stack, "app", *ask) == answer
    agreed(stack)


# Nameless volumes

NAMELESS = """\
name: @PROJECT
services:
  a:
    build: {dockerfile_inline: "FROM busybox:1.37\\nVOLUME /of-image\\n"}
    init: true
    stop_grace_period: 0s
    command: [sleep, "1000"]
    environment: {A: "1"}
    volumes: [/of-file, named:/named]
volumes: {named: {}}
"""


def test_nameless_volumes_go_along_with_a_replacement_unless_new_ones_are_asked_for(
    checkout: MakeCheckout, sdk: docker.DockerClient
) -> None:
    stack, first = checkout({"compose.yaml": NAMELESS}), set[str]()
    try:
        stack.devstack("up")
        stack.devstack("exec", "a", "sh", "-c", "for d in of-file of-image named; do echo mine > /$d/it; done")
        first = nameless(stack)
        read = ("sh", "-c", "cat /*/it | wc -l")
        stack.edit("compose.yaml", 'A: "1"', 'A: "2"')
        stack.devstack("up")
        assert inside(stack, "a", *read) == "3\n" and nameless(stack) == first
        agreed(stack)
        stack.devstack("up", "--force-recreate", "-V")
        assert inside(stack, "a", *read) == "1\n"
        second = nameless(stack)
        assert not second & first
        agreed(stack)
        stack.devstack("up", "--force-recreate", "-V")
        assert not {volume.name for volume in sdk.volumes.list()} & second
    finally:
        stack.devstack("down")
        # The engine takes a volume that was handed on for a named one, and keeps it.
        for name in first:
            sdk.volumes.get(name).remove()
        sdk.images.remove(f"{stack.name}-a", force=True)


def nameless(stack: Checkout) -> set[str]:
    (container,) = stack.containers().values()
    return {mount.name for mount in container.mounts if mount.type == "volume" and not mount.name.startswith(stack.name)}


# The options of `up`


def test_options_say_what_is_made_again(checkout: MakeCheckout) -> None:
    stack = checkout(
        {
            "compose.yaml": f"""\
name: @PROJECT
services:
  db: {{{SMALL}, environment: {{A: '1'}}}}
  app: {{{SMALL}, environment: {{A: '1'}}, depends_on: [db]}}
  old: {{{SMALL}}}
"""
        }
    )
    stack.devstack("up", "--no-deps", "app")
    assert set(stack.ids()) == {"app-1"}
    stack.devstack("up")
    before = stack.ids()
    text = (stack.folder / "compose.yaml").read_text()
    stack.write({"compose.yaml": text.replace("A: '1'", "A: '2'").replace(f"  old: {{{SMALL}}}\n", "")})
    stack.devstack("up", "--no-recreate")
    assert stack.ids() == before
    stack.devstack("up", "--no-deps", "app")
    assert [name for name, id_ in stack.ids().items() if before[name] != id_] == ["app-1"]
    assert f"{stack.name}-old-1" in stack.devstack("up").err
    middle = stack.ids()
    assert middle["db-1"] != before["db-1"] and middle["old-1"] == before["old-1"]
    stack.devstack("up", "--force-recreate", "--no-deps", "db")
    assert [name for name, id_ in stack.ids().items() if middle[name] != id_] == ["db-1"]
    stack.devstack("up", "--remove-orphans")
    assert set(stack.ids()) == {"db-1", "app-1"}
    agreed(stack)
    stack.write({"compose.yaml": text.partition("  app:")[0]})
    stack.devstack("down", "--remove-orphans")
    assert stack.ids() == {}


def test_build_makes_the_image_and_only_what_runs_it_again(checkout: MakeCheckout, sdk: docker.DockerClient) -> None:
    body = f"name: @PROJECT\nservices: {{a: {{build: ., {SMALL.partition(', ')[2]}}}, b: {{{SMALL}}}}}\n"
    stack = checkout({"compose.yaml": body, "Dockerfile": "FROM busybox:1.37\nRUN echo 1 > /v\n"})
    try:
        stack.devstack("up")
        before = stack.ids()
        stack.write({"Dockerfile": "FROM busybox:1.37\nRUN echo 2 > /v\n"})
        assert stack.devstack("up").out.startswith("nothing to do")
        old = sdk.images.get(f"{stack.name}-a").id
        ran = stack.devstack("up", "--build")
        assert inside(stack, "a", "cat", "/v") == "2\n"
        assert "1 image removed that a build has replaced" in ran.err
        with pytest.raises(docker.errors.ImageNotFound):
            sdk.images.get(old)
        assert stack.ids()["b-1"] == before["b-1"]
        agreed(stack)
    finally:
        stack.devstack("down")
        sdk.images.remove(f"{stack.name}-a", force=True)


# Images


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with registry() as made:
        yield made


@pytest.fixture
def publish(store: Store, sdk: docker.DockerClient) -> Iterator[Callable[[str, str], str]]:
    """Puts an image into the registry, and away from the engine."""
    names: set[str] = set()

    def put(name: str, word: str) -> str:
        reference = f"{store.name}/{name}:1"
        names.add(reference)
        recipe = f'FROM busybox:1.37\nLABEL word={word}\nCMD ["sleep", "1000"]\n'
        image, _ = sdk.images.build(fileobj=io.BytesIO(recipe.encode()), tag=reference, rm=True, forcerm=True)
        names.add(str(image.id))
        sdk.images.push(reference)
        return reference

    yield put
    for name in sorted(names, reverse=True):
        # The last name of an image takes the image along.
        with suppress(docker.errors.ImageNotFound):
            sdk.images.remove(name, force=True)


def test_pull_policies(checkout: MakeCheckout, publish: Callable[[str, str], str], sdk: docker.DockerClient) -> None:
    stack = checkout({"x": ""})
    image = publish(f"{stack.name}/app", "one")
    old = sdk.images.get(image).id
    publish(f"{stack.name}/app", "two")
    new = sdk.images.get(image).id
    sdk.images.get(old).tag(image.rpartition(":")[0], "1")
    assert sdk.images.get(image).id == old

    def runs(policy: str, *options: str) -> str:
        body = f"image: '{image}', init: true, stop_grace_period: 0s, pull_policy: {policy}"
        stack.write({"compose.yaml": f"name: @PROJECT\nservices: {{a: {{{body}}}}}\n"})
        stack.devstack("up", *options)
        (container,) = stack.containers().values()
        return container.image_id

    assert runs("missing") == old
    assert runs("never") == old
    assert runs("daily") == old  # it got its name a moment ago
    time.sleep(1.1)
    assert runs("every_1s") == new
    sdk.images.get(old).tag(image.rpartition(":")[0], "1")
    assert runs("missing", "--pull") == new
    sdk.images.get(old).tag(image.rpartition(":")[0], "1")
    assert runs("always") == new
    agreed(stack)
    stack.devstack("down")
    sdk.images.remove(image, force=True)
    assert runs("if_not_present") == new
    stack.devstack("down")
    sdk.images.remove(image, force=True)
    stack.write({"compose.yaml": f"name: @PROJECT\nservices: {{a: {{image: '{image}', pull_policy: never}}}}\n"})
    ran = stack.devstack("up", code=1)
    assert image in ran.err and "pull_policy is never" in ran.err and stack.ids() == {}
    publish(f"{stack.name}/app", "two")


# Secrets and configs


FILES = """\
name: @PROJECT
services:
  a:
    image: busybox:1.37
    init: true
    stop_grace_period: 0s
    command: [sleep, "1000"]
    user: "7:8"
    secrets:
      - from_file
      - {source: from_environment, uid: "7", gid: "8", mode: 0400}
      - {source: from_environment, target: /etc/elsewhere}
    configs:
      - {source: from_content, target: /etc/content, uid: "7", gid: "9", mode: 0440}
      - {source: from_file, target: /etc/from-file}
      - {source: from_environment, target: /etc/from-environment, mode: 0444}
secrets: {from_file: {file: ./file}, from_environment: {environment: HUSH}}
configs: {from_file: {file: ./file}, from_environment: {environment: HUSH}, from_content: {content: "l ${LEVEL:-info} $$x\\n"}}
"""


def test_secrets_and_configs_of_every_source_have_their_content_owner_and_mode(checkout: MakeCheckout) -> None:
    stack = checkout({"compose.yaml": FILES, "file": "of a file\n", ".env": "HUSH=hush-hush\n"})
    (stack.folder / "file").chmod(0o644)
    stack.secrets.append("hush-hush")
    stack.devstack("up")
    wanted = {
        "/run/secrets/from_file": ("of a file\n", "0:0 644"),
        "/run/secrets/from_environment": ("hush-hush", "7:8 400"),
        "/etc/elsewhere": ("hush-hush", "0:0 444"),
        "/etc/content": ("l info $x\n", "7:9 440"),
        "/etc/from-file": ("of a file\n", "0:0 644"),
        "/etc/from-environment": ("hush-hush", "0:0 444"),
    }
    container = stack.ids()["a-1"]

    def seen() -> dict[str, tuple[str, str]]:
        """As the service's own user reads them."""
        ask = lambda *words: stack.engine.exec(container, words).stdout.decode()  # noqa: E731
        return {path: (ask("cat", path), ask("stat", "-c", "%u:%g %a", path).strip()) for path in wanted}

    assert seen() == wanted
    agreed(stack)
    stack.devstack("up", "--force-recreate", LEVEL="debug")
    container = stack.ids()["a-1"]
    assert seen() == {**wanted, "/etc/content": ("l debug $x\n", "7:9 440")}


# Old verdicts


def test_the_engines_socket_and_the_logins_are_handed_to_who_asks_for_them(checkout: MakeCheckout, tmp_path: Path) -> None:
    login = {"auths": {"registry.test": {"auth": base64.b64encode(b"me:hush-hush").decode()}}}
    (tmp_path / "config.json").write_text(json.dumps(login))
    own = "environment: {DOCKER_CONFIG: /own}, volumes: ['kept:/kept']"
    stack = checkout(
        {
            "compose.yaml": f"name: @PROJECT\nservices:\n  a: {{{SMALL}, use_api_socket: true}}\n"
            f"  b: {{{SMALL}, use_api_socket: true, {own}}}\n  c: {{{SMALL}}}\nvolumes: {{kept: {{}}}}\n"
        }
    )
    ran = stack.devstack("up", DOCKER_CONFIG=str(tmp_path))
    assert "services.a is handed the engine's socket and your registry logins" in ran.err and "services.c" not in ran.err
    assert json.loads(inside(stack, "a", "cat", "/run/secrets/docker/config.json")) == login
    assert inside(stack, "a", "sh", "-c", "echo $DOCKER_CONFIG").strip() == "/run/secrets/docker"
    assert inside(stack, "b", "sh", "-c", "echo $DOCKER_CONFIG").strip() == "/own"
    for name in "ab":
        assert inside(stack, name, "ls", "/var/run/docker.sock")
    assert stack.devstack("exec", "c", "ls", "/var/run/docker.sock", code=None).code
    assert "hush" not in ran.said and login["auths"]["registry.test"]["auth"] not in stack.devstack("config").out
    agreed(stack)


def test_an_old_unhealthy_is_not_held_against_a_container_that_starts_again(checkout: MakeCheckout) -> None:
    probe = "healthcheck: {test: [CMD, test, '!', -e, /data/bad], interval: 1s, retries: 1}"
    stack = checkout(
        {
            "compose.yaml": f"name: @PROJECT\nservices: {{a: {{{SMALL}, volumes: ['data:/data'], {probe}}}}}\nvolumes: {{data: {{}}}}\n"
        }
    )
    stack.devstack("up")
    inside(stack, "a", "touch", "/data/bad")
    wait_for(lambda: stack.containers()["a-1"].health is Health.UNHEALTHY)
    ran = stack.devstack("up", code=1)
    assert "a is unhealthy" in ran.err
    inside(stack, "a", "rm", "/data/bad")
    before = stack.ids()
    stack.engine.stop(before["a-1"], 0.0)
    stack.devstack("up")
    assert stack.ids() == before and stack.is_healthy()


@beside_compose
def test_up_after_compose_up_of_a_file_with_hooks_and_label_files_makes_nothing_again(checkout: MakeCheckout) -> None:
    stack = checkout({"compose.yaml": HOOKS, "labels": "from=file\n"})
    stack.edit("compose.yaml", "    volumes: [data:/data]\n    env", "    label_file: labels\n    volumes: [data:/data]\n    env")
    compose(stack.folder, "up", "-d")
    agreed(stack)


@beside_compose
def test_up_after_compose_up_does_not_wait_for_the_long_interval_of_a_probe(checkout: MakeCheckout) -> None:
    probe = "healthcheck: {test: [CMD, test, -e, /tmp/ready], interval: 5m}"
    command = "command: [sh, -c, 'sleep 1; touch /tmp/ready; exec sleep 1000']"
    words = f"image: 'busybox:1.37', init: true, stop_grace_period: 0s, {command}, {probe}"
    stack = checkout({"compose.yaml": f"name: @PROJECT\nservices: {{a: {{{words}}}}}\n"})
    compose(stack.folder, "up", "-d")
    before = stack.ids()
    ran = stack.devstack("up")
    assert ran.out.startswith("nothing to do") and stack.ids() == before
    assert ran.seconds < 60 and inside(stack, "a", "ls", "/tmp/ready") == "/tmp/ready\n"

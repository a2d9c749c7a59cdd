"""A stack that we bring up is the stack that `docker compose` brings up: same file, same inspect.

The corpus and the list of what differs are in tests/engine/parity; `python -m tests.engine.parity` prints the table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from devstack.engine.base import Engine
from tests.conftest import absent
from tests.engine.parity import keys
from tests.engine.parity.corpus import CORPUS, Compared, Example, comparison
from tests.engine.parity.differences import DIFFERENCES, Difference, differences
from tests.engine.stacks import IMAGE
from tests.verbs.beside import beside_compose

Compare = Callable[[Example], Compared]


@pytest.fixture(scope="module")
def compare(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compare]:
    if engine.info.api < (1, 44):
        pytest.skip("Compose 2.40 cannot bring this corpus up on an engine before API 1.44 (addresses, cadence, mounts of images)")
    if engine.image(IMAGE) is None:
        absent(f"the engine has no image {IMAGE} (build the stand-ins: python -m tests.images.build)")
    with comparison(engine, tmp_path_factory.mktemp("parity")) as compare:
        yield compare


def test_every_key_of_a_service_is_used_by_the_corpus_or_has_a_reason() -> None:
    assert keys.uncovered() == []
    assert len(keys.known()) > 250


def test_every_reason_is_for_a_key_that_there_is() -> None:
    assert {key for key in keys.CANNOT_BE_TRIED if tuple(key.split(".")) not in keys.known()} == set()


@beside_compose
@pytest.mark.engine
@pytest.mark.parametrize("example", CORPUS, ids=lambda example: example.name)
def test_every_setting_reaches_the_engine_as_compose_sends_it(compare: Compare, example: Example) -> None:
    compose, devstack = compare(example)
    assert devstack.things == compose.things
    assert len(compose.settings) > 300
    unlisted = [item for item in differences(compose, devstack) if not item.pattern]
    assert not unlisted, "\n".join(map(str, unlisted))


@beside_compose
@pytest.mark.engine
def test_whatever_is_listed_as_different_is(compare: Compare) -> None:
    found: list[Difference] = [item for example in CORPUS for item in differences(*compare(example))]
    assert set(DIFFERENCES) - {item.pattern for item in found} == set()

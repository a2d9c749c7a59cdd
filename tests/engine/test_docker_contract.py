"""The contract on a real engine."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.engine.contract import Contract
from tests.engine.stacks import IMAGE

pytestmark = pytest.mark.engine


@pytest.fixture(autouse=True)
def _image(require_image: Callable[[str], str]) -> None:
    require_image(IMAGE)


class TestDocker(Contract):
    pass

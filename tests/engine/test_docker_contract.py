"""The contract on a real engine."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator

import pytest

from tests.engine.contract import BuildContract, Contract
from tests.engine.stacks import IMAGE

pytestmark = pytest.mark.engine


@pytest.fixture(autouse=True)
def _image(require_image: Callable[[str], str]) -> None:
    require_image(IMAGE)


class TestDocker(Contract):
    pass


class TestDockerBuilds(BuildContract):
    @pytest.fixture(autouse=True)
    def _removed(self, project: str) -> Iterator[None]:
        yield
        subprocess.run(["docker", "rmi", "-f", f"{project}-api"], capture_output=True)

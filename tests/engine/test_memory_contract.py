"""The contract on the engine in memory: what makes it fit for tests of others."""

from __future__ import annotations

import secrets

import pytest

from devstack.engine.base import Engine
from tests.engine.contract import BuildContract, Contract
from tests.engine.stacks import IMAGE
from tests.fakes.memory_engine import MemoryEngine


@pytest.fixture
def engine() -> Engine:
    return MemoryEngine(images=[IMAGE])


@pytest.fixture
def project() -> str:
    return f"t-{secrets.token_hex(4)}"


class TestMemory(Contract):
    stops_take_time = False


class TestMemoryBuilds(BuildContract):
    pass

"""The native engine keeps every promise of the contract."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack.engine.native.engine import NativeEngine
from tests.engine.contract import Contract

KIND = """\
title: Shell
summary: Programs of this machine, for tests.
native: {images: [busybox]}
"""


@pytest.fixture
def project() -> str:
    return f"t-native-{secrets.token_hex(4)}"


@pytest.fixture
def engine(tmp_path: Path, project: str) -> Iterator[NativeEngine]:
    kind = tmp_path / "templates" / "services" / "shell"
    kind.mkdir(parents=True)
    (kind / "kind.yml").write_text(KIND)
    (kind / "service.yaml.j2").write_text("image: busybox\n")
    made = NativeEngine({**os.environ, "DEVSTACK_NATIVE_HOME": str(tmp_path / "home")}, root=tmp_path)
    yield made
    for container in made.containers():
        made.remove(container.id, anonymous_volumes=True)
    shutil.rmtree(tmp_path / "home")


class TestNative(Contract):
    pass

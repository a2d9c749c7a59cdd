"""Fixtures for a project's own tests: `devstack`, the running stack, and `devstack_db`, a database of one test's own.

pytest loads this module wherever devstack is installed: it imports nothing until a fixture is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from devstack.testing import Database, RunningStack, Template


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("devstack")
    group.addoption(
        "--devstack-verify", action="store_true", help="Run `devstack verify --live` before the first test that uses the stack."
    )
    parser.addini("devstack_dir", "The folder with devstack.yml or a Compose file, relative to the root of the tests.", default=".")
    parser.addini("devstack_db_service", "The PostgreSQL service that devstack_db copies, where there are several.", default="")


@pytest.fixture(scope="session")
def devstack(pytestconfig: pytest.Config) -> RunningStack:
    """The stack of this project, up and healthy; it is brought up where it is not, and stays up."""
    from devstack.errors import DevstackError
    from devstack.testing import bring_up, described

    folder = Path(pytestconfig.rootpath, str(pytestconfig.getini("devstack_dir")))
    try:
        return bring_up(folder, verify=bool(pytestconfig.getoption("--devstack-verify")))
    except DevstackError as error:
        pytest.fail(described(error), pytrace=False)


@pytest.fixture(scope="session")
def _devstack_template(devstack: RunningStack, pytestconfig: pytest.Config) -> Iterator[Template]:
    from devstack.errors import DevstackError
    from devstack.testing import described, template

    try:
        made = template(devstack, str(pytestconfig.getini("devstack_db_service")))
    except DevstackError as error:
        pytest.fail(described(error), pytrace=False)
    with made:
        yield made


@pytest.fixture
def devstack_db(_devstack_template: Template) -> Iterator[Database]:
    """A database for this test alone, as `devstack reset` would leave the real one; it is dropped afterwards."""
    with _devstack_template.database() as database:
        yield database

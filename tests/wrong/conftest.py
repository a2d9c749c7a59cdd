"""The scenarios' checkouts, for mistakes that only a running database can tell."""

from tests.scenarios.conftest import ground, sdk, standing  # noqa: F401

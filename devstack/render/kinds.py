"""The catalogue as rendering sees it; the declarations themselves belong to the spec, whose words they are."""

from __future__ import annotations

from devstack.spec.kinds import ConfigFile, EnvVariable, Kind, Provided, PublishedPort, load_kinds, templates_root
from devstack.spec.options import Option

__all__ = ["ConfigFile", "EnvVariable", "Kind", "Option", "Provided", "PublishedPort", "load_kinds", "templates_root"]

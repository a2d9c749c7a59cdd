"""This user's registry logins, for what acts on the engine in the user's place."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

import docker.auth

from devstack.engine.translate import translated


def logins() -> str:
    """A Docker config.json with the logins of ~/.docker/config.json and of its credential helpers, and nothing else."""
    with translated("reading the registry logins"):
        known: Mapping[str, Mapping[str, str]] = docker.auth.load_config().get_all_credentials()  # type: ignore[no-untyped-call]
        return json.dumps({"auths": {registry: _login(found) for registry, found in known.items() if found}})


def _login(found: Mapping[str, str]) -> dict[str, str]:
    token = found.get("IdentityToken") or found.get("identitytoken")
    if token:
        return {"identitytoken": token}
    name = found.get("Username") or found.get("username") or ""
    password = found.get("Password") or found.get("password") or ""
    return {"auth": base64.b64encode(f"{name}:{password}".encode()).decode()}

"""schema: every SQL file is applied, and applying again changes nothing."""

from __future__ import annotations

import time

from devstack.bring_up import postgres_of, schema_files
from devstack.errors import DevstackError
from devstack.spec.model import SchemaSpec
from devstack.verify.base import Ground, Result, failed, passed, skipped


def check(ground: Ground) -> list[Result]:
    """One result a database."""
    specs = ground.spec.schema if ground.spec else ()
    if not specs:
        return [skipped("schema", "schema applied", "devstack.yml names no schema")]
    return [_one(ground, spec) for spec in specs]


def _one(ground: Ground, spec: SchemaSpec) -> Result:
    from devstack.database import schema
    from devstack.database.reach import target_of

    begun = time.monotonic()
    assert ground.spec is not None
    files = schema_files(ground.spec, spec)
    role = postgres_of(ground.stack, spec.service)
    database = spec.database or role.database
    title = f"{len(files)} SQL files applied to {spec.service}/{database}"
    expected = f"{len(files)} applied, and a second run applies none"
    try:
        container = next(c for c in ground.look().of(spec.service))
        target = target_of(role, container, ground.engine.info.endpoint, database)
        wanted = schema.SchemaFiles(service=spec.service, database=database, files=files, root=ground.root)
        states = schema.status(target, wanted)
        again = schema.apply(target, wanted)
    except DevstackError as error:
        return failed("schema", title, expected=expected, saw=error.message, seconds=time.monotonic() - begun)
    other = [f"{state.path}: {state.state}" for state in states if state.state != "applied"]
    seconds = time.monotonic() - begun
    if other or again.applied:
        saw = f"{len(states) - len(other)} applied; a second run applied {len(again.applied)}"
        return failed("schema", title, expected=expected, saw=saw, evidence=tuple(other), seconds=seconds)
    return passed("schema", title, expected=expected, saw="as expected", seconds=seconds)

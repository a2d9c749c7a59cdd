"""`devstack spec`: check devstack.yml, or print its JSON Schema."""

from __future__ import annotations

from typing import Annotated

import typer

from devstack.cli import options as opt


def spec(
    ctx: typer.Context,
    file: opt.File = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of devstack.yml, for editors.")] = False,
    as_json: opt.AsJson = False,
) -> None:
    """Check devstack.yml: every problem at once, each with its place."""
    import json
    import os
    from pathlib import Path

    from devstack.cli.session import begin
    from devstack.errors import UsageError
    from devstack.project import locate

    session = begin(ctx, opt.selection(file, None, None, None), None, as_json)
    if schema:
        from devstack.spec.json_schema import json_schema

        session.console.raw(json.dumps(json_schema(), indent=2))
        return
    found, _ = locate(session.selection, Path.cwd(), os.environ)
    if found is None:
        raise UsageError("there is no devstack.yml here or above", hints=["devstack init"])
    session.prepare(write=False, offline=True)
    shown = ", ".join(session.relative(found.root, path) for path in found.files)
    session.console.answer(
        {"files": [str(path) for path in found.files], "services": list(found.services)}, f"{shown}: no problems"
    )

"""The checks, in the order they run. When the stack does not even start, only those that read files speak, and `start`."""

from __future__ import annotations

from devstack.verify.base import Check, Phase
from devstack.verify.checks import clean, credentials, data, health, logs, powers, reach, reload, rendered, schema, secrets, start

CHECKS: tuple[Check, ...] = (
    Check(
        name="files", part="rendered", title="rendered files are up to date", run=rendered.rendered, phase=Phase.STATIC, live=True
    ),
    Check(
        name="files", part="compose", title="docker compose accepts the files", run=rendered.compose, phase=Phase.STATIC, live=True
    ),
    Check(
        name="files", part="variables", title="every variable has a value", run=rendered.variables, phase=Phase.STATIC, live=True
    ),
    Check(name="files", part="env", title=".env is private and not committed", run=rendered.env, phase=Phase.STATIC, live=True),
    Check(name="files", part="dockerignore", title="builds leave out .env", run=powers.dockerignore, phase=Phase.STATIC, live=True),
    Check(name="files", part="secrets", title="no secret in committed files", run=secrets.secrets, phase=Phase.STATIC, live=True),
    Check(
        name="files",
        part="arguments",
        title="no secret in arguments or images",
        run=secrets.arguments,
        phase=Phase.STATIC,
        live=True,
    ),
    Check(name="files", part="ports", title="ports on this machine only", run=powers.ports, phase=Phase.STATIC, live=True),
    Check(name="files", part="images", title="images are pinned", run=powers.images, phase=Phase.STATIC, live=True),
    Check(name="files", part="powers", title="no power over this machine", run=powers.powers, phase=Phase.STATIC, live=True),
    Check(name="files", part="mounts", title="data mounted where it is kept", run=powers.mounts, phase=Phase.STATIC, live=True),
    Check(name="start", part="cold", title="cold start within its budget", run=start.cold, phase=Phase.START),
    Check(name="start", part="again", title="a second up changes nothing", run=start.again, phase=Phase.QUIET, live=True),
    Check(name="reach", title="every port and path answers", run=reach.check, phase=Phase.QUIET, live=True),
    Check(name="credentials", title="declared passwords open the data", run=credentials.check, phase=Phase.QUIET, live=True),
    Check(name="schema", part="applied", title="every schema file applied", run=schema.applied, phase=Phase.QUIET, live=True),
    Check(name="schema", part="indexes", title="no invalid index", run=schema.indexes, phase=Phase.QUIET, live=True),
    Check(name="schema", part="constraints", title="constraints in force", run=schema.constraints, phase=Phase.QUIET, live=True),
    Check(name="schema", part="catalog", title="the running database is a fresh one's like", run=schema.catalog, phase=Phase.QUIET),
    Check(name="schema", part="orm", title="models and database agree", run=schema.orm, phase=Phase.QUIET),
    Check(name="reload", title="edits are served", run=reload.check, phase=Phase.QUIET),
    Check(name="clean", part="named", title="every volume has a name", run=clean.named, phase=Phase.QUIET),
    Check(name="health", part="window", title="healthy, and stays so", run=health.window, phase=Phase.QUIET, live=True),
    Check(name="logs", title="no errors in the logs", run=logs.check, phase=Phase.QUIET, live=True),
    Check(name="health", part="recovery", title="comes back after a kill", run=health.recovery, phase=Phase.ROUGH),
    Check(name="data", part="persists", title="data survives down and up", run=data.persists, phase=Phase.ROUGH),
    Check(name="data", part="reset", title="reset is clean, undo brings back", run=data.reset, phase=Phase.ROUGH),
    Check(name="clean", part="down", title="down leaves nothing behind", run=clean.down, phase=Phase.LAST),
    Check(name="clean", part="images", title="no replaced image is left", run=clean.images, phase=Phase.LAST),
)
COVERS = {"data.undo": "data.reset"}
"""Parts whose results another part's run gives."""

"""The flow of `up`, shared by the commands that end with a running stack."""

from __future__ import annotations

from devstack import bring_up, identity
from devstack.cli import running
from devstack.cli.progress import progress
from devstack.cli.session import Session, no_such_service
from devstack.compose.model import EMPTY, Json, JsonObject
from devstack.compose.roles import Postgres, role_of
from devstack.engine.base import Observed
from devstack.errors import DevstackError, Refused, UsageError
from devstack.execute import Results
from devstack.plan.steps import Await, Plan
from devstack.plan.up import UpOptions, selected
from devstack.status import Row, rows
from devstack.words import counted


def show_plan(session: Session, wanted: UpOptions, ports: dict[str, int]) -> None:
    """`up --plan`: what would be done, and why; nothing is written and nothing is touched."""
    session.prepare(settings=port_settings(session, ports), write=False)
    _check_names(session, wanted)
    observed = session.observe()
    plan = bring_up.make_plan(session.engine, session.stack, session.project.spec, observed, wanted)
    count = len(plan.changes)
    total = f"{counted(count, 'step')}; nothing is destroyed" if count else "nothing to do"
    steps: list[Json] = [{"step": type(step).__name__, "key": step.key, "reason": step.reason} for step in plan.changes]
    session.console.answer(
        {"steps": steps, "keep": list(plan.kept), "notes": list(plan.notes)}, f"{plan}\n{total}" if str(plan) else total
    )


def bring(
    session: Session,
    wanted: UpOptions,
    ports: dict[str, int] | None = None,
    *,
    isolated: bool = False,
    build: bool = False,
    pull: bool = False,
    timeout: float = 600.0,
    extra: JsonObject = EMPTY,
) -> None:
    """`up`, from the files to the table at the end. The caller holds the folder; `extra` is added to the answer's data."""
    settings = port_settings(session, ports or {})
    session.prepare(settings=settings, isolated=isolated)
    if not isolated and _is_anothers(session) and session.may_move():
        # A copied checkout brings its `.env` along: the name in there is not its own.
        session.prepare(settings=settings, isolated=True)
    running.say_engine(session)
    running.say_rendered(session)
    _check_names(session, wanted)
    with session.locked():
        finish_pending(session)
        _fresh_images(session, wanted, build=build, pull=pull)
        observed = session.observe()
        plan = bring_up.make_plan(session.engine, session.stack, session.project.spec, observed, wanted)
        for note in plan.notes:
            session.console.label("note", note)
        if plan.steps:
            session.console.label("plan", summary(plan))
        results = running.carry_out(session, plan, observed, timeout=timeout) if plan.steps else Results()
    report(session, plan, observed, results, extra)


def _is_anothers(session: Session) -> bool:
    stack = session.stack
    try:
        identity.check_owner(stack.name, stack.directory, session.engine.containers(stack.name))
    except Refused as refusal:
        if refusal.code != "not-yours":
            raise
        return True
    return False


def _check_names(session: Session, wanted: UpOptions) -> None:
    for name in (*wanted.services, *wanted.scale):
        if name not in session.stack.services:
            raise no_such_service(name, session.stack.services)


def port_settings(session: Session, ports: dict[str, int]) -> dict[str, str]:
    """`--port db=5433` as the variable of `.env` that publishes db's port."""
    if not ports:
        return {}
    from devstack.render.render import render

    spec = session.prepare(write=False, offline=True).spec
    if spec is None:
        raise UsageError("--port needs a devstack.yml", hints=["devstack init   (adopts the Compose file)"])
    known = render(spec, project=spec.name).port_variables
    settings: dict[str, str] = {}
    for service, port in ports.items():
        variables = [variable for variable in known.values() if variable.service == service]
        if not variables and service in spec.services:
            raise UsageError(f"{service} publishes no port that can be moved", hints=[f"services.{service}.ports in devstack.yml"])
        if not variables:
            raise no_such_service(service, {variable.service for variable in known.values()})
        if not 0 < port < 65536:
            raise UsageError(f"--port {service}={port}: ports go from 1 to 65535")
        settings[variables[0].variable] = str(port)
    return settings


def finish_pending(session: Session) -> None:
    """A restore or reset that was cut off is brought to its end before anything else is done with the data."""
    from devstack.cli.data import finish

    finish(session)


def _fresh_images(session: Session, wanted: UpOptions, *, build: bool, pull: bool) -> None:
    """Images that are wanted anew although they are there, made before the plan looks at them."""
    names = selected(session.stack, wanted)
    steps = bring_up.image_steps(session.stack, names, build=build, pull=pull, engine=session.engine)
    with progress(session.console) as shown:
        bring_up.renew(session.engine, session.stack, steps, shown)


def summary(plan: Plan) -> str:
    """The plan in one line: "1 network, 2 volumes, 4 containers to create"."""
    nouns = {
        "CreateNetwork": "network to create",
        "CreateVolume": "volume to create",
        "Pull": "image to pull",
        "Build": "image to build",
        "Create": "container to create",
        "Stop": "container to stop",
        "ApplySchema": "schema to apply",
    }
    counts: dict[str, int] = {}
    for step in plan.steps:
        noun = nouns.get(type(step).__name__)
        if noun:
            counts[noun] = counts.get(noun, 0) + 1
    parts = [f"{count} {noun.replace(' ', 's ', 1) if count > 1 else noun}" for noun, count in counts.items()]
    return ", ".join(parts) or counted(len(plan.steps), "step")


def report(session: Session, plan: Plan, before: Observed, results: Results, extra: JsonObject = EMPTY) -> None:
    """The end of `up`: nothing to do, or the table, the time it took and what to type next."""
    console = session.console
    # Where nothing was to be done, what was seen a moment ago is what is there.
    observed = _settled(session, results) if plan.steps else before
    found = rows(session.stack, observed, running.ready_seconds(results))
    data: dict[str, Json] = {
        "project": session.stack.name,
        "engine": str(session.engine.info.endpoint),
        "changed": bool(plan.changes),
        "steps": [step.key for step in plan.changes],
        "services": running.services_json(found),
        "seconds": round(results.seconds, 3),
        "build_seconds": round(running.build_seconds(results), 3),
        **extra,
    }
    if console.as_json:
        console.answer(data)
        return
    for line in running.stand_ins(found):
        console.label("stand-in", line)
    if not plan.changes:
        schema = ", schema up to date" if session.project.spec and session.project.spec.schema else ""
        services = counted(len(found), "service")
        console.answer(data, f"nothing to do: {services} {_states(found)}{schema} ({_elapsed(session):.1f} s)")
        return
    console.say("")
    console.answer(data, running.table(found))
    console.say("")
    building = running.build_seconds(results)
    console.say(
        f"ready in {results.seconds - building:.1f} s" + (f" (build {building:.1f} s)" if building else "") + _next(session)
    )


def _settled(session: Session, results: Results) -> Observed:
    """One look at what is there now. Engine 20.10 tells of an end a moment before it lists the container as ended."""
    import time

    ended = {o.step.service.name for o in results.outcomes.values() if isinstance(o.step, Await) and o.text == "completed"}
    deadline = time.monotonic() + 2.0
    while True:
        observed = session.observe()
        if time.monotonic() > deadline or not any(c.running for name in ended for c in observed.of(name)):
            return observed
        time.sleep(0.05)


def _states(found: tuple[Row, ...]) -> str:
    states = {row.state for row in found}
    return states.pop() if len(states) == 1 else "up"


def _elapsed(session: Session) -> float:
    import time

    return time.monotonic() - session.console.begun


def _next(session: Session) -> str:
    has_database = any(isinstance(role_of(service), Postgres) for service in session.stack.services.values())
    shell = "devstack db-shell · " if has_database else ""
    return f"     next: {shell}devstack logs -f · devstack verify"


def resume(session: Session, wanted: UpOptions, *, timeout: float) -> None:
    """Start what is there, without rendering, building or making anything."""
    _check_names(session, wanted)
    with session.locked():
        finish_pending(session)
        observed = session.observe()
        absent = [name for name in selected(session.stack, wanted) if not observed.of(name)]
        if absent:
            raise DevstackError(f"{', '.join(absent)}: no container to start", hints=["devstack up"], code="not-running")
        plan = bring_up.make_plan(session.engine, session.stack, None, observed, wanted)
        results = running.carry_out(session, plan, observed, timeout=timeout) if plan.steps else Results()
    report(session, plan, observed, results)

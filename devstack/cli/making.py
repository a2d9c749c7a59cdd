"""The flows of `build`, `pull` and `push`: images apart from `up`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from devstack.cli.progress import progress
from devstack.cli.session import Session, no_such_service
from devstack.compose.model import Json, Service, Stack, Strings
from devstack.errors import DevstackError, UsageError
from devstack.execute import Executor
from devstack.execute.actions import Actions
from devstack.plan.order import closure
from devstack.plan.steps import Build, Plan, Pull

POLICIES = ("always", "missing")


def chosen(session: Session, names: Sequence[str], *, needed: bool = False) -> list[Service]:
    """The named services, with what they need when asked; all when none is named."""
    services = session.stack.services
    for name in names:
        if name not in services:
            raise no_such_service(name, services)
    return [services[name] for name in (closure(names, services) if needed else names or services)]


def build(
    session: Session, names: Sequence[str], *, arguments: Strings, no_cache: bool, pull: bool, needed: bool, timeout: float
) -> None:
    """Build the images, those that others are built from first."""
    _prepare(session)
    services = [service for service in chosen(session, names, needed=needed) if service.build is not None]
    if names and not services:
        raise UsageError(f"{', '.join(names)}: nothing to build", hints=["devstack pull"])
    steps = {step.key: step for step in (_build_step(session.stack, s, arguments, no_cache, pull) for s in services)}
    _carry_out(session, Plan(steps=tuple(steps.values())), timeout)
    images: list[Json] = [step.image for step in steps.values()]
    session.console.answer({"built": images}, "\n".join(map(str, images)) or "nothing to build")


def _build_step(stack: Stack, service: Service, arguments: Strings, no_cache: bool, pull: bool) -> Build:
    assert service.build is not None
    made = replace(
        service.build,
        args={**service.build.args, **arguments},
        no_cache=no_cache or service.build.no_cache,
        pull=pull or service.build.pull,
    )
    others = [at.removeprefix("service:") for at in made.additional_contexts.values() if at.startswith("service:")]
    known = {**stack.disabled, **stack.services}
    after = frozenset(f"image:{stack.image_of(known[name])}" for name in others if name in known)
    return Build(service=replace(service, build=made), image=stack.image_of(service), reason="asked for", after=after)


def pull(session: Session, names: Sequence[str], *, policy: str, ignore: bool, needed: bool, timeout: float) -> None:
    """Pull the images of services that are not built here."""
    if policy not in POLICIES:
        raise UsageError(f"--policy {policy}: one of {', '.join(POLICIES)}")
    _prepare(session)
    steps: dict[str, Pull] = {}
    for service in chosen(session, names, needed=needed):
        image = session.stack.image_of(service)
        if service.build is not None or service.pull_policy in ("never", "build"):
            continue
        if policy == "missing" and session.engine.image(image) is not None:
            continue
        step = Pull(reference=image, platform=service.platform, services=(service.name,), reason="asked for")
        steps.setdefault(step.key, step)
    failed = _carry_out(session, Plan(steps=tuple(steps.values())), timeout, ignore=ignore)
    images: list[Json] = [step.reference for step in steps.values() if step.key not in failed]
    session.console.answer({"pulled": images, "failed": list(failed)}, "\n".join(map(str, images)) or "nothing to pull")


def push(session: Session, names: Sequence[str], *, ignore: bool, needed: bool) -> None:
    """Send the images that are built here to the registries they are named after."""
    _prepare(session)
    images: dict[str, None] = {}
    for service in chosen(session, names, needed=needed):
        if service.build is not None and service.image:
            images.update(dict.fromkeys((service.image, *service.build.tags)))
        elif service.build is not None:
            session.console.label("note", f"{service.name} has no `image:`, so there is no registry to push it to")
    pushed: list[Json] = []
    failed: list[Json] = []
    for image in images:
        session.console.label("push", image)
        try:
            session.engine.push(image)
            pushed.append(image)
        except DevstackError as error:
            if not ignore:
                raise
            session.console.label("failed", error.message)
            failed.append(image)
    session.console.answer({"pushed": pushed, "failed": failed}, "\n".join(map(str, pushed)) or "nothing to push")


def _prepare(session: Session) -> None:
    """Names of images depend on the project's; nothing has to be written for that."""
    session.prepare(write=False)


def _carry_out(session: Session, plan: Plan, timeout: float, *, ignore: bool = False) -> tuple[str, ...]:
    """Side by side, in view; the keys of those that failed when that is to be borne."""
    if not plan.steps:
        return ()
    failed: list[str] = []
    # One failure ends a plan: where failures are to be borne, each image is a plan of its own.
    for part in [Plan(steps=(step,)) for step in plan.steps] if ignore else [plan]:
        with progress(session.console) as shown:
            results = Executor(
                session.engine, session.stack, Actions(session.engine, session.stack), observer=shown, timeout=timeout
            ).run(part)
        if not ignore:
            results.raise_first()
        for outcome in results.failures:
            failed.append(outcome.step.key)
            session.console.label("failed", str(outcome.error))
    return tuple(failed)

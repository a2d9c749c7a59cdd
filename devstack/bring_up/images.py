"""Images that are wanted anew although they are there."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from devstack.compose.model import Stack
from devstack.engine.base import Engine
from devstack.execute import Executor, Happened
from devstack.execute.actions import Actions
from devstack.plan.steps import Build, Plan, Pull

Observer = Callable[[Happened], None]


def image_steps(stack: Stack, names: Iterable[str], *, build: bool, pull: bool) -> tuple[Build | Pull, ...]:
    """Builds and pulls asked for by the command line or by `pull_policy`, whether or not the image is there."""
    steps: dict[str, Build | Pull] = {}
    for name in names:
        service = stack.services[name]
        image = stack.image_of(service)
        if service.build is not None and (build or service.pull_policy == "build"):
            steps.setdefault(image, Build(service=service, image=image, reason="asked for"))
        elif service.build is None and (pull or service.pull_policy == "always"):
            steps.setdefault(image, Pull(reference=image, platform=service.platform, services=(name,), reason="asked for"))
    return tuple(steps.values())


def renew(engine: Engine, stack: Stack, steps: tuple[Build | Pull, ...], observer: Observer) -> None:
    """Build and pull side by side; raises the first error."""
    if steps:
        Executor(engine, stack, Actions(engine, stack), observer=observer).run(Plan(steps=steps)).raise_first()

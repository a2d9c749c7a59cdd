"""Images that are wanted anew although they are there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from devstack.compose.model import Stack
from devstack.compose.units import nanoseconds
from devstack.engine.base import Engine
from devstack.execute import Executor, Happened
from devstack.execute.actions import Actions
from devstack.plan.steps import Build, Create, Plan, Pull

Observer = Callable[[Happened], None]
_PERIODS = {"daily": "1d", "weekly": "1w"}


def image_steps(
    stack: Stack, names: Iterable[str], *, build: bool, pull: bool, engine: Engine | None = None
) -> tuple[Build | Pull, ...]:
    """Builds and pulls asked for by the command line or by `pull_policy`, whether or not the image is there.

    `engine` tells the ages of images, which `pull_policy: daily`, `weekly` and `every_<time>` go by.
    """
    steps: dict[str, Build | Pull] = {}
    for name in names:
        service = stack.services[name]
        image = stack.image_of(service)
        if service.build is not None and (build or service.pull_policy == "build"):
            steps.setdefault(image, Build(service=service, image=image, reason="asked for"))
        elif service.build is None and (pull or service.pull_policy == "always"):
            steps.setdefault(image, Pull(reference=image, platform=service.platform, services=(name,), reason="asked for"))
        elif service.build is None and engine is not None and _is_stale(engine, image, service.pull_policy):
            reason = f"pull_policy {service.pull_policy}"
            steps.setdefault(image, Pull(reference=image, platform=service.platform, services=(name,), reason=reason))
    return tuple(steps.values())


def _is_stale(engine: Engine, image: str, policy: str) -> bool:
    """Whether an image that is there was pulled longer ago than its policy says. One of unknown age was."""
    period = _PERIODS.get(policy) or policy.removeprefix("every_")
    if period == policy:
        return False
    found = engine.image(image)
    return found is not None and time.time() - found.tagged > nanoseconds(period) / 1e9


def sweep(engine: Engine, stack: Stack, plan: Plan) -> int:
    """Remove the images that the containers replaced by the plan ran before theirs were built anew; how many they were."""
    if not any(isinstance(step, Create) and step.replaces and step.service.build is not None for step in plan.steps):
        return 0
    return sum(engine.remove_image(image) for image in engine.replaced(stack.name))


def renew(engine: Engine, stack: Stack, steps: tuple[Build | Pull, ...], observer: Observer) -> None:
    """Build and pull side by side; raises the first error."""
    if steps:
        Executor(engine, stack, Actions(engine, stack), observer=observer).run(Plan(steps=steps)).raise_first()

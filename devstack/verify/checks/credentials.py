"""credentials: the passwords that are declared open the data that exists.

A password is kept by the volume that was made with it. When `.env` got another one since, the stack that runs does not notice until it
is made again; so the running one is asked, not the twin, whose volumes are fresh.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from devstack.compose.model import Stack
from devstack.compose.roles import Postgres, Redis, role_of
from devstack.engine.base import Container
from devstack.errors import DevstackError
from devstack.verify.base import Ground, Topic
from devstack.verify.model import Result
from devstack.verify.speak import host_of, redis


def check(ground: Ground) -> Iterator[Result]:
    """One result a database or cache that runs, in the stack under test and in the running one."""
    found = list(_of_stack(ground, ground.stack, ground.containers(), ""))
    if ground.running is not None:
        there = [c for c in ground.running.containers if not c.oneoff]
        found += _of_stack(ground, ground.declared, there, "running")
    yield from found or [Topic(check="credentials", title="declared passwords").skipped("no service asks for one")]


def _of_stack(ground: Ground, stack: Stack, containers: Iterable[Container], which: str) -> Iterator[Result]:
    for container in containers:
        service = stack.services.get(container.service)
        role = role_of(service, stack.secrets) if service is not None else None
        if service is None or role is None or not container.running or container.number > 1:
            continue
        topic = Topic(
            check="credentials",
            of=f"{service.name}.{which}" if which else service.name,
            title=f"the declared password opens {service.name}" + (" as it runs now" if which else ""),
            service=service.name,
            expected="a login with what .env says",
        )
        yield _postgres(ground, topic, role, container) if isinstance(role, Postgres) else _redis(ground, topic, role, container)


def _postgres(ground: Ground, topic: Topic, role: Postgres, container: Container) -> Result:
    from devstack.database.connection import connect
    from devstack.database.outcome import WrongPassword
    from devstack.database.reach import target_of

    try:
        with connect(target_of(role, container, ground.engine.info.endpoint), application_name="devstack-verify") as connection:
            [(name,)] = connection.rows("SELECT current_user")
    except WrongPassword as error:
        volume = next((m.name for m in container.mounts if m.type == "volume"), "its volume")
        return topic.failed(
            f"{error.message}: {volume} was made with another password",
            evidence=[f"the password in {container.name} was set when {volume} was first made; changing .env does not change it"],
            fix=[
                f"devstack db fix-credentials -s {role.service}   gives the server the password of .env; the data stays",
                "or put the old password back into .env",
            ],
        )
    except DevstackError as error:
        return topic.error(error)
    return topic.passed(f"logged in as {name}")


def _redis(ground: Ground, topic: Topic, role: Redis, container: Container) -> Result:
    binding = next((b for b in container.bindings if b.target == role.port and b.published), None)
    if binding is None:
        return topic.skipped("its port is not published")
    heard = redis(role, host_of(ground, binding), binding.published)
    return (
        topic.failed(heard.saw, fix=["devstack up makes it anew with the password of .env"])
        if heard.wrong
        else topic.passed(heard.saw)
    )

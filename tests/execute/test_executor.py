"""What carrying out a plan promises, on an engine in memory."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import pytest

from devstack.compose.model import Condition, Dependency, Healthcheck, Stack
from devstack.engine.base import ExecResult
from devstack.errors import DeadlinePassed, EngineRefused, PortTaken, Unhealthy
from devstack.execute import Executor, Happened, Phase, Results, waiting
from devstack.execute.actions import Actions
from devstack.plan.up import UpOptions, plan_up
from tests.fakes.memory_engine import MemoryEngine
from tests.stacks import service, stack


def bring(engine: MemoryEngine, shop: Stack, *, timeout: float = 10.0, events: list[Happened] | None = None) -> Results:
    images = {shop.image_of(s) for s in shop.services.values()}
    seen = engine.observe(shop.name, images=images, networks=[n.name for n in shop.networks.values()])
    plan = plan_up(shop, seen, UpOptions())
    actions = Actions(engine, shop, ids={(c.service, c.number): c.id for c in seen.containers})
    observer = events.append if events is not None else None
    return Executor(engine, shop, actions, observer=observer, timeout=timeout).run(plan)


def engine_for(shop: Stack) -> MemoryEngine:
    return MemoryEngine(images=[shop.image_of(s) for s in shop.services.values()])


def chain() -> Stack:
    return stack(
        service("db"), service("api", needs=[("db", Condition.HEALTHY)]), service("web", needs=[("api", Condition.HEALTHY)])
    )


def test_each_service_starts_only_when_what_it_waits_for_is_healthy() -> None:
    shop = chain()
    engine = engine_for(shop)
    for name in shop.services:
        engine.behave(name, health=[False, False, True])
    results = bring(engine, shop)
    assert not results.failures
    outcomes = results.outcomes
    assert outcomes["start:api-1"].begun >= outcomes["await:db-1"].ended
    assert outcomes["start:web-1"].begun >= outcomes["await:api-1"].ended


def test_independent_services_start_side_by_side() -> None:
    shop = stack(*(service(f"s{n}") for n in range(6)))
    engine = engine_for(shop)
    for name in shop.services:
        engine.behave(name, health=[False] * 10 + [True])
    results = bring(engine, shop)
    waits = [outcome for key, outcome in results.outcomes.items() if key.startswith("await:")]
    assert max(w.begun for w in waits) < min(w.ended for w in waits)


def test_a_second_run_has_nothing_to_do() -> None:
    shop = chain()
    engine = engine_for(shop)
    for name in shop.services:
        engine.behave(name, health=[True])
    bring(engine, shop)
    assert bring(engine, shop).outcomes == {}


def test_a_program_that_exits_with_an_error_fails_at_once_with_its_last_lines() -> None:
    shop = chain()
    engine = engine_for(shop)
    engine.behave("db", health=[False], exit=(0.03, 3))
    begun = time.monotonic()
    results = bring(engine, shop)
    assert time.monotonic() - begun < 5
    error = results.failures[0].error
    assert isinstance(error, Unhealthy)
    assert "db exited with code 3" in error.message
    assert {"start:api-1", "await:api-1", "start:web-1"} <= set(results.skipped)


def test_a_one_shot_that_exits_with_zero_is_done() -> None:
    migrate = service("migrate", probe=False)
    shop = stack(migrate, service("api", needs=[("migrate", Condition.COMPLETED)]))
    engine = engine_for(shop)
    engine.behave("migrate", exit=(0.05, 0))
    engine.behave("api", health=[True])
    results = bring(engine, shop)
    assert not results.failures
    assert results.outcomes["await:migrate-1"].text == "completed"


def test_a_lone_one_shot_that_exits_with_zero_succeeds() -> None:
    shop = stack(service("migrate", probe=False))
    engine = engine_for(shop)
    engine.behave("migrate", exit=(0.05, 0))
    assert not bring(engine, shop).failures


def test_a_program_without_a_probe_must_stay_up_for_a_while() -> None:
    shop = stack(service("worker", probe=False))
    engine = engine_for(shop)
    engine.behave("worker", exit=(0.5, 1))
    results = bring(engine, shop)
    assert results.failures


def unasked() -> Stack:
    """A Postgres for which nobody declared a probe."""
    return stack(service("db", image="postgres:17", command=("sh", "-c", "sleep 300; postgres"), probe=False))


def test_a_server_without_a_probe_is_asked_until_it_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = unasked()
    engine = engine_for(shop)
    asked: list[Sequence[str]] = []

    def answers(container: str, command: Sequence[str]) -> ExecResult:
        asked.append(command)
        return ExecResult(exit_code=0 if len(asked) == 8 else 2, stdout=b"", stderr=b"")

    monkeypatch.setattr(engine, "exec", answers)
    results = bring(engine, shop)
    assert results.outcomes["await:db-1"].text == "answers"
    assert len(asked) == 8 and asked[0][0] == "pg_isready" and "127.0.0.1" in asked[0]


@pytest.mark.parametrize(
    ("probe", "asks"), [("pg_isready -U app", True), ("psql -U app -c 'select 1'", True), ("pg_isready -h 127.0.0.1 -U app", False)]
)
def test_a_probe_that_the_servers_of_init_scripts_pass_too_is_not_all(
    monkeypatch: pytest.MonkeyPatch, probe: str, asks: bool
) -> None:
    check = Healthcheck(test=("CMD-SHELL", probe), interval=5.0, retries=3, timeout=5.0)
    (db,) = unasked().services.values()
    shop = stack(replace(db, healthcheck=check), service("api", needs=[("db", Condition.HEALTHY)]))
    engine = engine_for(shop)
    engine.behave("db", health=[True])
    engine.behave("api", health=[True])
    asked: list[Sequence[str]] = []

    def answers(container: str, command: Sequence[str]) -> ExecResult:
        asked.append(command)
        return ExecResult(exit_code=0 if len(asked) == 5 else 2)

    monkeypatch.setattr(engine, "exec", answers)
    results = bring(engine, shop)
    assert results.outcomes["await:db-1"].text == "healthy" and len(asked) == (5 if asks else 0)
    waited = results.outcomes["await:db-1"].ended - results.outcomes["await:db-1"].begun
    assert (waited > 0.5) is asks
    assert results.outcomes["start:api-1"].begun >= results.outcomes["await:db-1"].ended


@pytest.mark.parametrize("told", ["by the exit code", "by an error"])
def test_where_the_image_cannot_be_asked_a_server_must_stay_up_for_a_while(monkeypatch: pytest.MonkeyPatch, told: str) -> None:
    shop = unasked()
    engine = engine_for(shop)  # which has no pg_isready: 127

    def refuse(container: str, command: Sequence[str]) -> ExecResult:
        raise EngineRefused('exec: "pg_isready": executable file not found in $PATH', status=400)

    if told == "by an error":
        monkeypatch.setattr(engine, "exec", refuse)
    outcome = bring(engine, shop).outcomes["await:db-1"]
    assert outcome.text == "running" and outcome.ended - outcome.begun < 5


def test_a_server_without_a_probe_that_never_answers_counts_as_running_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "MUTE", 2.5)
    shop = unasked()
    engine = engine_for(shop)
    monkeypatch.setattr(engine, "exec", lambda container, command: ExecResult(exit_code=2, stdout=b"", stderr=b""))
    outcome = bring(engine, shop).outcomes["await:db-1"]
    assert outcome.text == "running" and outcome.ended - outcome.begun >= 2.4


def test_a_server_without_a_probe_that_ends_is_not_asked_for_long() -> None:
    shop = unasked()
    engine = engine_for(shop)
    engine.behave("db", exit=(0.3, 1))
    begun = time.monotonic()
    assert bring(engine, shop).failures
    assert time.monotonic() - begun < 5


def test_a_probe_that_never_passes_fails_when_its_own_time_is_up() -> None:
    check = Healthcheck(test=("CMD", "false"), interval=0.2, timeout=0.1, retries=2)
    shop = stack(service("api", healthcheck=check))
    engine = engine_for(shop)
    engine.behave("api", health=[False])
    begun = time.monotonic()
    results = bring(engine, shop)
    assert time.monotonic() - begun < 4
    error = results.failures[0].error
    assert error is not None
    assert "unhealthy" in error.message


def test_a_wait_for_health_of_a_service_without_a_probe_says_so() -> None:
    db = service("db", probe=False)
    shop = stack(db, service("api", needs=[("db", Condition.HEALTHY)]))
    engine = engine_for(shop)
    results = bring(engine, shop)
    error = results.failures[0].error
    assert error is not None
    assert "no health check" in error.message


def test_the_deadline_ends_a_wait_with_its_own_error() -> None:
    shop = stack(service("api", healthcheck=Healthcheck(test=("CMD", "false"), interval=60.0, retries=1000)))
    engine = engine_for(shop)
    results = bring(engine, shop, timeout=0.5)
    assert isinstance(results.failures[0].error, DeadlinePassed)


def test_the_deadline_ends_all_waits_and_the_first_is_told() -> None:
    never = Healthcheck(test=("CMD", "false"), interval=60.0, retries=1000)
    shop = stack(*(service(name, healthcheck=never) for name in ("api", "web", "worker")))
    results = bring(engine_for(shop), shop, timeout=0.5)
    assert [type(outcome.error) for outcome in results.failures] == [DeadlinePassed]


def test_a_port_taken_between_check_and_start_is_told_as_such() -> None:
    shop = stack(service("api"))
    engine = engine_for(shop)
    engine.fail("start", EngineRefused("Bind for 127.0.0.1:80 failed: port is already allocated", status=500))
    results = bring(engine, shop)
    assert isinstance(results.failures[0].error, PortTaken)


def test_an_optional_dependency_that_fails_does_not_hold_up_its_dependent() -> None:
    api = replace(service("api"), depends_on=(Dependency("db", Condition.HEALTHY, required=False),))
    shop = stack(service("db"), api)
    engine = engine_for(shop)
    engine.behave("db", health=[True])
    engine.behave("api", health=[True])
    assert not bring(engine, shop).failures


def test_every_step_is_told_when_it_begins_and_when_it_ends() -> None:
    shop = chain()
    engine = engine_for(shop)
    for name in shop.services:
        engine.behave(name, health=[True])
    events: list[Happened] = []
    results = bring(engine, shop, events=events)
    begun = {e.step.key for e in events if e.phase is Phase.BEGUN}
    done = {e.step.key for e in events if e.phase is Phase.DONE}
    assert begun == done == set(results.outcomes)


def test_a_crash_of_our_own_reaches_the_caller() -> None:
    shop = stack(service("api"))
    engine = engine_for(shop)

    class Broken(Actions):
        def do(self, step: object, progress: object) -> str:
            raise ZeroDivisionError

    seen = engine.observe(shop.name, images=["api:1"])
    with pytest.raises(ZeroDivisionError):
        Executor(engine, shop, Broken(engine, shop)).run(plan_up(shop, seen))

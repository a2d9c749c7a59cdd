"""What `up` decides, by the plan's own text and steps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from devstack.compose.model import Condition, Dependency, Service
from devstack.engine.base import Container, Detail, Health, ObservedImage, ObservedMount, State
from devstack.errors import DevstackError, ImageUnavailable
from devstack.plan.steps import ApplySchema, Await, Create, Plan, Remove, Rename, Start, Step, Stop, Until
from devstack.plan.up import SchemaTask, UpOptions, plan_up
from tests.stacks import container, observed, service, stack, volume_mount

T = TypeVar("T", bound=Step)
DB = service("db", mounts=(volume_mount("data", "/data"),))
API = service("api", needs=[("db", Condition.HEALTHY)])
WEB = service("web", needs=[("api", Condition.HEALTHY)])
SHOP = stack(DB, API, WEB, volumes=["data"])


def kinds(plan: Plan) -> list[str]:
    return [f"{type(step).__name__} {step.key}" for step in plan.steps]


def find(plan: Plan, kind: type[T], word: str) -> T:
    return next(step for step in plan.steps if isinstance(step, kind) and word in step.key)


def test_an_empty_engine_gets_everything_and_starts_follow_health() -> None:
    plan = plan_up(SHOP, observed(SHOP, networks=False, volumes=False, images=False))
    assert [key for key in kinds(plan) if key.startswith(("Pull", "CreateN", "CreateV"))] == [
        "Pull image:db:1",
        "Pull image:api:1",
        "Pull image:web:1",
        "CreateNetwork network:default",
        "CreateVolume volume:data",
    ]
    assert find(plan, Create, "db").after == {"image:db:1", "network:default", "volume:data"}
    assert find(plan, Start, "api").after == {"create:api-1", "await:db-1"}
    assert find(plan, Await, "db").until is Until.HEALTHY
    assert find(plan, Await, "web").until is Until.READY


def test_all_running_and_healthy_is_an_empty_plan() -> None:
    plan = plan_up(SHOP, observed(SHOP, *(container(SHOP, s) for s in SHOP.services.values())))
    assert plan.steps == ()
    assert plan.kept == ("db", "api", "web")


@pytest.mark.parametrize(
    ("status", "waits"),
    [
        ("Up Less than a second", True),
        ("Up 1 second", True),
        ("Up 2 seconds", False),
        ("Up 11 seconds", False),
        ("Up 21 seconds", False),
        ("Up 1 minute", False),
        ("", False),
    ],
)
def test_only_what_has_just_started_has_to_stay_up_for_a_moment(status: str, waits: bool) -> None:
    young = [replace(container(SHOP, s, health=Health.NONE), status=status) for s in SHOP.services.values()]
    assert bool(plan_up(SHOP, observed(SHOP, *young)).steps) is waits


def test_a_changed_key_recreates_and_says_which_key() -> None:
    old = container(SHOP, API)
    changed = replace(API, canonical={**API.canonical, "environment": {"LEVEL": "debug"}})
    new = replace(SHOP, services={**SHOP.services, "api": changed})
    plan = plan_up(new, observed(new, container(SHOP, DB), old, container(SHOP, WEB)))
    assert find(plan, Create, "api").reason == "environment.LEVEL changed"
    assert find(plan, Create, "api").replaces == old.id
    assert [type(step).__name__ for step in plan.steps] == ["Create", "Stop", "Remove", "Rename", "Start", "Await"]
    assert find(plan, Remove, "api").anonymous is False
    assert plan.kept == ("db", "web")


def test_a_new_image_recreates() -> None:
    seen = observed(SHOP, *(container(SHOP, s) for s in SHOP.services.values()))
    newer = replace(seen, images={**seen.images, "api:1": ObservedImage(reference="api:1", id="sha256:other")})
    assert "newer" in find(plan_up(SHOP, newer), Create, "api").reason


def test_a_container_stopped_by_hand_is_started_and_not_recreated() -> None:
    stopped = container(SHOP, WEB, state=State.EXITED, exit_code=137)
    plan = plan_up(SHOP, observed(SHOP, container(SHOP, DB), container(SHOP, API), stopped))
    assert find(plan, Start, "web").reason == "it is stopped (exit 137)"
    assert not any(isinstance(step, Create) for step in plan.steps)


def test_a_paused_container_is_unpaused() -> None:
    paused = container(SHOP, WEB, state=State.PAUSED)
    assert find(plan_up(SHOP, observed(SHOP, container(SHOP, DB), container(SHOP, API), paused)), Start, "web").paused


def test_a_replacement_that_was_cut_off_keeps_the_container_that_fits() -> None:
    changed = replace(API, canonical={**API.canonical, "environment": {"LEVEL": "debug"}})
    new = replace(SHOP, services={**SHOP.services, "api": changed})
    old = container(SHOP, API)
    fresh = container(new, changed, id="f" * 64, name=f"{old.id[:12]}_shop-api-1", state=State.CREATED, health=Health.NONE)
    plan = plan_up(new, observed(new, container(SHOP, DB), container(SHOP, WEB), old, fresh))
    assert find(plan, Stop, "api").container == old.id
    assert find(plan, Remove, "api").container == old.id
    assert find(plan, Rename, "api").container == fresh.id
    assert find(plan, Start, "api").container == fresh.id
    assert not any(isinstance(step, Create) for step in plan.steps)


def test_a_rename_waits_for_the_name_to_be_free() -> None:
    changed = replace(API, canonical={**API.canonical, "environment": {"LEVEL": "debug"}})
    new = replace(SHOP, services={**SHOP.services, "api": changed})
    old = container(SHOP, API)
    fresh = container(new, changed, id="f" * 64, name=f"{old.id[:12]}_shop-api-1", state=State.CREATED, health=Health.NONE)
    plan = plan_up(new, observed(new, container(SHOP, DB), container(SHOP, WEB), old, fresh))
    assert find(plan, Remove, "api").key in find(plan, Rename, "api").after


MIGRATE = service("migrate", probe=False, restart="no")
APP = service("app", needs=[("migrate", Condition.COMPLETED)])


def test_a_one_shot_that_ended_well_stays_ended() -> None:
    both = stack(MIGRATE, APP)
    done = container(both, MIGRATE, state=State.EXITED, exit_code=0)
    assert plan_up(both, observed(both, done, container(both, APP))).steps == ()


def test_a_one_shot_runs_again_when_what_waits_for_it_starts_anew() -> None:
    both = stack(MIGRATE, APP)
    done = container(both, MIGRATE, state=State.EXITED, exit_code=0)
    plan = plan_up(both, observed(both, done))
    assert find(plan, Start, "migrate").container == done.id
    assert "await:migrate-1" in find(plan, Start, "app").after
    assert find(plan, Await, "migrate").until is Until.COMPLETED


def test_a_one_shot_named_on_the_command_line_runs_again() -> None:
    both = stack(MIGRATE, APP)
    done = container(both, MIGRATE, state=State.EXITED, exit_code=0)
    plan = plan_up(both, observed(both, done, container(both, APP)), UpOptions(services=("migrate",)))
    assert find(plan, Start, "migrate")


JOB = service("job", probe=False)


def lived(service: Service, started: float, finished: float = 0.0) -> Container:
    """A container with its times; one that ended ended well."""
    ended = {"state": State.EXITED, "exit_code": 0, "health": Health.NONE} if finished else {}
    return container(SHOP, service, detail=Detail(started_at=started, finished_at=finished), **ended)


@pytest.mark.parametrize(
    ("db", "job", "again"),
    [
        ((100, 0), (101, 103), False),  # the database went on
        ((100, 500), (101, 103), False),  # and was stopped later
        ((100, 505), (101, 500), True),  # both were stopped, the job first
        ((600, 0), (101, 500), True),  # and the database was started again meanwhile
        ((100, 499), (101, 500), True),
    ],
)
def test_what_ended_well_with_the_whole_stack_was_stopped(db: tuple[float, float], job: tuple[float, float], again: bool) -> None:
    two = stack(DB, JOB, volumes=["data"])
    steps = plan_up(two, observed(two, lived(DB, *db), lived(JOB, *job))).steps
    assert any(isinstance(step, Start) and step.service == JOB for step in steps) is again


@pytest.mark.parametrize("stopped", [True, False])
def test_what_the_engine_remembers_of_an_end_counts(stopped: bool) -> None:
    two = stack(DB, JOB, volumes=["data"])
    job = lived(JOB, 101, 103)
    assert job.detail is not None
    told = replace(job, detail=replace(job.detail, stopped=stopped))
    assert bool(plan_up(two, observed(two, lived(DB, 100), told)).steps) is stopped


def test_a_worker_that_is_all_of_a_stack_is_started_again() -> None:
    one = stack(JOB)
    assert find(plan_up(one, observed(one, lived(JOB, 100, 500))), Start, "job")


def test_a_server_that_was_stopped_starts_again_although_it_ended_well() -> None:
    stopped = container(SHOP, DB, state=State.EXITED, exit_code=0)
    assert find(plan_up(SHOP, observed(SHOP, stopped, container(SHOP, API), container(SHOP, WEB))), Start, "db")
    alone = stack(service("db", probe=False), service("api", needs=[("db", Condition.HEALTHY)]))
    stopped = container(alone, alone.services["db"], state=State.EXITED, exit_code=0)
    assert find(plan_up(alone, observed(alone, stopped, container(alone, alone.services["api"]))), Start, "db")


def test_scaling_down_takes_outdated_ones_first_then_the_highest_numbers() -> None:
    web = service("web", scale=2)
    three = stack(web)
    outdated = container(three, replace(web, canonical={**web.canonical, "hostname": "old"}), 1)
    plan = plan_up(three, observed(three, outdated, container(three, web, 2), container(three, web, 3)))
    assert [step.container for step in plan.steps if isinstance(step, Remove)] == [outdated.id]
    assert not any(isinstance(step, Create) for step in plan.steps)


def test_scaling_up_reuses_free_numbers() -> None:
    web = service("web", scale=3)
    three = stack(web)
    plan = plan_up(three, observed(three, container(three, web, 2)))
    assert [step.name for step in plan.steps if isinstance(step, Create)] == ["shop-web-1", "shop-web-3"]


def test_a_missing_network_recreates_what_is_attached_to_it() -> None:
    seen = observed(SHOP, *(container(SHOP, s) for s in SHOP.services.values()), networks=False)
    plan = plan_up(SHOP, seen)
    assert find(plan, Create, "db").reason == "network shop_default is gone"
    assert find(plan, Create, "db").after == {"network:default"}


def test_data_mounted_elsewhere_recreates_with_the_right_volume() -> None:
    elsewhere = container(SHOP, DB, mounts=(ObservedMount(type="volume", target="/data", name="other"),))
    plan = plan_up(SHOP, observed(SHOP, elsewhere, container(SHOP, API), container(SHOP, WEB)))
    assert find(plan, Create, "db").reason == "volume shop_data is not mounted at /data"


def test_nameless_volumes_are_taken_over_unless_asked_otherwise() -> None:
    old = container(SHOP, API, mounts=(ObservedMount(type="volume", target="/cache", name="a" * 64),))
    changed = replace(API, canonical={**API.canonical, "hostname": "x"})
    new = replace(SHOP, services={**SHOP.services, "api": changed})
    seen = observed(new, container(SHOP, DB), old, container(SHOP, WEB))
    assert find(plan_up(new, seen), Create, "api").inherit == {"/cache": "a" * 64}
    assert find(plan_up(new, seen, UpOptions(renew_anonymous=True)), Create, "api").inherit == {}


def test_only_the_named_services_and_what_they_need() -> None:
    plan = plan_up(SHOP, observed(SHOP), UpOptions(services=("api",)))
    assert {step.service.name for step in plan.steps if isinstance(step, Create)} == {"db", "api"}
    alone = plan_up(SHOP, observed(SHOP), UpOptions(services=("api",), no_deps=True))
    assert {step.service.name for step in alone.steps if isinstance(step, Create)} == {"api"}


def test_an_unknown_service_is_named() -> None:
    with pytest.raises(DevstackError, match="no such service: apo"):
        plan_up(SHOP, observed(SHOP), UpOptions(services=("apo",)))


def test_an_optional_dependency_only_has_to_have_ended() -> None:
    web = replace(WEB, depends_on=(Dependency("api", Condition.HEALTHY, required=False),))
    shop = replace(SHOP, services={**SHOP.services, "web": web})
    start = find(plan_up(shop, observed(shop)), Start, "web")
    assert start.settled == {"await:api-1"}
    assert start.after == {"create:web-1"}


def test_restart_true_starts_the_dependent_anew_when_its_dependency_is_recreated() -> None:
    api = replace(API, depends_on=(Dependency("db", Condition.HEALTHY, restart=True),))
    shop = stack(DB, api, volumes=["data"])
    changed = replace(DB, canonical={**DB.canonical, "hostname": "x"})
    new = replace(shop, services={**shop.services, "db": changed})
    plan = plan_up(new, observed(new, container(shop, DB), container(shop, api)))
    assert find(plan, Stop, "api").reason == "db is made again"
    assert {"stop:shop-api-1", "await:db-1"} <= find(plan, Start, "api").after


def test_the_schema_comes_before_what_depends_on_the_database() -> None:
    task = SchemaTask(service="db", database="shop", files=(Path("/project/db/001.sql"),), reason="1 of 1 to apply")
    plan = plan_up(SHOP, observed(SHOP), UpOptions(schema=(task,)))
    assert find(plan, ApplySchema, "db").after == {"await:db-1"}
    assert "schema:db/shop" in find(plan, Start, "api").after


def test_a_pending_schema_of_a_running_database_is_applied_at_once() -> None:
    task = SchemaTask(service="db", database="shop", files=(Path("/project/db/002.sql"),))
    plan = plan_up(SHOP, observed(SHOP, *(container(SHOP, s) for s in SHOP.services.values())), UpOptions(schema=(task,)))
    assert [type(step) for step in plan.steps] == [ApplySchema]
    assert plan.steps[0].after == frozenset()


def test_a_migration_tool_waits_for_the_image_it_runs_in_and_its_service_for_it() -> None:
    task = SchemaTask(service="db", database="shop", files=(), tool="alembic", run="api")
    plan = plan_up(SHOP, observed(SHOP, networks=False, volumes=False, images=False), UpOptions(schema=(task,)))
    apply = find(plan, ApplySchema, "db")
    assert {"await:db-1", "image:api:1", "network:default"} <= apply.after
    assert apply.key in find(plan, Start, "api").after and not any(key.startswith("start:api") for key in apply.after)


def test_a_migration_tools_image_is_made_even_when_its_service_is_not_asked_for() -> None:
    task = SchemaTask(service="db", database="shop", files=(), tool="alembic", run="api")
    plan = plan_up(SHOP, observed(SHOP, images=False), UpOptions(services=("db",), schema=(task,)))
    assert "image:api:1" in find(plan, ApplySchema, "db").after & {step.key for step in plan.steps}
    assert not any(isinstance(step, Create) and step.service.name == "api" for step in plan.steps)


def test_pull_policy_never_with_a_missing_image_is_refused_before_anything_is_made() -> None:
    shop = stack(service("api", pull_policy="never"))
    with pytest.raises(ImageUnavailable, match="api:1 is not on the engine"):
        plan_up(shop, observed(shop, images=False))


def test_orphans_are_named_and_removed_only_when_asked() -> None:
    stray = container(SHOP, service("old"))
    everything = [container(SHOP, s) for s in SHOP.services.values()]
    plan = plan_up(SHOP, observed(SHOP, *everything, stray))
    assert plan.steps == ()
    assert "shop-old-1" in plan.notes[0]
    asked = plan_up(SHOP, observed(SHOP, *everything, stray), UpOptions(remove_orphans=True))
    assert find(asked, Remove, "old").container == stray.id


def test_a_container_made_by_compose_is_kept_when_its_hash_fits() -> None:
    everything = [container(SHOP, s) for s in SHOP.services.values()]
    bare = [replace(c, labels={k: v for k, v in c.labels.items() if k != "io.devstack.fields"}) for c in everything]
    assert plan_up(SHOP, observed(SHOP, *bare)).steps == ()


def test_a_shared_network_namespace_is_made_after_its_owner_and_remade_with_it() -> None:
    vpn = service("vpn")
    app = service("app", network_mode="service:vpn", networks=())
    both = stack(vpn, app)
    plan = plan_up(both, observed(both))
    assert "create:vpn-1" in find(plan, Create, "app").after
    changed = replace(vpn, canonical={**vpn.canonical, "hostname": "x"})
    new = replace(both, services={"vpn": changed, "app": app})
    again = plan_up(new, observed(new, container(both, vpn), container(both, app)))
    assert find(again, Create, "app").reason == "it shares a namespace with vpn, which is made again"


def test_equal_arguments_give_an_equal_plan_in_the_same_order() -> None:
    seen = observed(SHOP, networks=False, volumes=False, images=False)
    assert plan_up(SHOP, seen) == plan_up(SHOP, seen)


def test_no_step_waits_for_a_later_one() -> None:
    plan = plan_up(SHOP, observed(SHOP, networks=False, volumes=False, images=False))
    seen: set[str] = set()
    for step in plan.steps:
        assert step.after & {s.key for s in plan.steps} <= seen, step
        seen.add(step.key)

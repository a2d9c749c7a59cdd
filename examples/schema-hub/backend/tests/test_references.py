"""Entities, modules and profiles name each other in JSONB arrays; no reference ends in nothing."""

import json
import threading
import uuid
from typing import Any

import httpx
import pytest
from conftest import Made, Scratch, problem_of


def test_an_entity_is_found_by_type_and_by_what_its_definition_contains(
    api: httpx.Client, made: Made
) -> None:
    made.entity(schema_definition={"parents": ["Agent"], "display": {"icon": "person"}})
    text = made.entity("property", schema_definition={"datatype": "Text"})
    made.entity("subobject", schema_definition={"datatype": "Number"})

    def found(**query: str) -> list[str]:
        page = api.get("/entities", params={"q": made.mark, **query}).json()
        return [one["id"] for one in page["items"]]

    assert found(entity_type="property") == [text["id"]]
    assert found(contains=json.dumps({"datatype": "Text"})) == [text["id"]]
    assert len(found(contains=json.dumps({"display": {"icon": "person"}}))) == 1
    assert found(contains=json.dumps({"datatype": "Date"})) == []
    problem_of(api.get("/entities", params={"entity_type": "thing"}), 422)


@pytest.mark.parametrize("wrong", ["{", "[]", "1"])
def test_a_containment_that_is_no_object_is_422(api: httpx.Client, wrong: str) -> None:
    problem = problem_of(api.get("/entities", params={"contains": wrong}), 422)
    assert problem["errors"][0]["where"] == "query.contains"


def test_a_name_is_taken_once_per_type_and_free_again_after_a_delete(
    api: httpx.Client, made: Made
) -> None:
    first = made.entity()
    name = first["entity_id"]
    body = {"entity_id": name, "entity_type": "category", "label": "Second"}
    taken = problem_of(api.post("/entities", json=body), 409)
    assert "entities_one_per_name" in taken["detail"]
    made.entity("property", entity_id=name)
    api.delete(f"/entities/{first['id']}")
    made.entity(entity_id=name)
    problem_of(api.post(f"/entities/{first['id']}/restore"), 409)


@pytest.mark.parametrize("name", ["", "1st", "has space", "x" * 101, "a/b", "Ümlaut"])
def test_a_name_that_is_no_machine_name_is_422(api: httpx.Client, name: str) -> None:
    body = {"entity_id": name, "entity_type": "category", "label": "x"}
    problem = problem_of(api.post("/entities", json=body), 422)
    assert [one["where"] for one in problem["errors"]] == ["body.entity_id"]


def test_the_type_of_an_entity_stays(api: httpx.Client, made: Made) -> None:
    entity = made.entity()
    answer = api.patch(f"/entities/{entity['id']}", json={"entity_type": "property"})
    assert problem_of(answer, 422)["errors"][0]["where"] == "body.entity_type"


def test_modules_are_found_by_category_and_by_dependency(api: httpx.Client, made: Made) -> None:
    category = made.entity()
    base = made.module(category_ids=[category["id"]])
    upper = made.module(dependencies=[base["id"]])

    def found(**query: str) -> list[str]:
        return [one["id"] for one in api.get("/modules", params=query).json()["items"]]

    assert found(category_id=category["id"]) == [base["id"]]
    assert found(depends_on=base["id"]) == [upper["id"]]
    assert found(category_id=str(uuid.uuid4())) == []


def test_a_module_names_only_categories_that_are_there(api: httpx.Client, made: Made) -> None:
    gone = made.entity()
    api.delete(f"/entities/{gone['id']}")
    for wrong in (made.entity("property")["id"], gone["id"], str(uuid.uuid4())):
        body = {"module_id": made.name(), "label": "x", "category_ids": [wrong]}
        problem = problem_of(api.post("/modules", json=body), 422)
        assert problem["errors"] == [
            {"where": "body.category_ids", "message": f"there is no category {wrong}"}
        ]


def test_the_same_id_twice_is_422(api: httpx.Client, made: Made) -> None:
    category = made.entity()["id"]
    body = {"module_id": made.name(), "label": "x", "category_ids": [category, category]}
    assert "twice" in problem_of(api.post("/modules", json=body), 422)["detail"]


@pytest.mark.parametrize("version", ["1", "1.0", "v1.0.0", ""])
def test_a_version_has_three_numbers(api: httpx.Client, made: Made, version: str) -> None:
    body = {"module_id": made.name(), "label": "x", "version": version}
    problem_of(api.post("/modules", json=body), 422)


def test_what_is_used_cannot_be_deleted_and_the_user_is_named(
    api: httpx.Client, made: Made
) -> None:
    category = made.entity()
    base = made.module(category_ids=[category["id"]])
    upper = made.module(dependencies=[base["id"]])
    profile = made.profile(module_ids=[upper["id"]])
    refused = problem_of(api.delete(f"/entities/{category['id']}"), 409)
    assert f"is used by module {base['module_id']}" in refused["detail"]
    refused = problem_of(api.delete(f"/modules/{base['id']}"), 409)
    assert f"is used by module {upper['module_id']}" in refused["detail"]
    refused = problem_of(api.delete(f"/modules/{upper['id']}"), 409)
    assert f"is used by profile {profile['profile_id']}" in refused["detail"]
    for path in (
        f"/profiles/{profile['id']}",
        f"/modules/{upper['id']}",
        f"/modules/{base['id']}",
        f"/entities/{category['id']}",
    ):
        assert api.delete(path).status_code == 204
    # And back only in the order in which they stand on each other.
    problem_of(api.post(f"/profiles/{profile['id']}/restore"), 409)
    problem_of(api.post(f"/modules/{base['id']}/restore"), 409)
    for path in (
        f"/entities/{category['id']}",
        f"/modules/{base['id']}",
        f"/modules/{upper['id']}",
        f"/profiles/{profile['id']}",
    ):
        assert api.post(f"{path}/restore").status_code == 200


def test_dependencies_never_close_a_circle(api: httpx.Client, made: Made) -> None:
    first = made.module()
    second = made.module(dependencies=[first["id"]])
    third = made.module(dependencies=[second["id"]])
    for other in (first, second, third):
        answer = api.patch(f"/modules/{first['id']}", json={"dependencies": [other["id"]]})
        assert "would depend on itself" in problem_of(answer, 422)["detail"]
    assert api.get(f"/modules/{first['id']}").json()["dependencies"] == []


def test_two_changes_at_once_never_close_a_circle(api: httpx.Client, made: Made) -> None:
    for _ in range(5):
        pair = [made.module(), made.module()]
        answers: list[int] = []

        def depend(one: int, pair: Any = pair, answers: Any = answers) -> None:
            body = {"dependencies": [pair[1 - one]["id"]]}
            answers.append(api.patch(f"/modules/{pair[one]['id']}", json=body).status_code)

        both = [threading.Thread(target=depend, args=(one,)) for one in (0, 1)]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join()
        assert sorted(answers) == [200, 422]
        now = [api.get(f"/modules/{one['id']}").json()["dependencies"] for one in pair]
        assert [] in now


def test_a_delete_and_a_reference_at_once_leave_no_loose_end(
    api: httpx.Client, made: Made, here: Scratch
) -> None:
    for _ in range(5):
        category, module = made.entity(), made.module()

        def refer(category: Any = category, module: Any = module) -> None:
            api.patch(f"/modules/{module['id']}", json={"category_ids": [category["id"]]})

        thread = threading.Thread(target=refer)
        thread.start()
        api.delete(f"/entities/{category['id']}")
        thread.join()
        loose = here.value(
            "SELECT count(*) FROM modules m, jsonb_array_elements_text(m.category_ids) AS c(id)"
            " JOIN entities e ON e.id = c.id::uuid WHERE m.id = $1 AND e.deleted_at IS NOT NULL",
            uuid.UUID(module["id"]),
        )
        assert loose == 0


def test_a_profile_gives_all_it_needs_in_the_order_to_install(
    api: httpx.Client, made: Made
) -> None:
    person, place = made.entity(), made.entity()
    base = made.module(category_ids=[person["id"]])
    middle = made.module(dependencies=[base["id"]], category_ids=[place["id"], person["id"]])
    top = made.module(dependencies=[middle["id"], base["id"]])
    made.module()
    profile = made.profile(module_ids=[top["id"]])
    contents = api.get(f"/profiles/{profile['id']}/contents").json()
    assert [one["id"] for one in contents["modules"]] == [base["id"], middle["id"], top["id"]]
    assert [one["id"] for one in contents["categories"]] == [person["id"], place["id"]]
    assert contents["profile_id"] == profile["profile_id"]
    found = api.get("/profiles", params={"module_id": top["id"]}).json()
    assert [one["id"] for one in found["items"]] == [profile["id"]]
    problem_of(api.get(f"/profiles/{uuid.uuid4()}/contents"), 404)


def test_a_profile_names_only_modules_that_are_there(api: httpx.Client, made: Made) -> None:
    missing = str(uuid.uuid4())
    body = {"profile_id": made.name(), "label": "x", "module_ids": [missing]}
    problem = problem_of(api.post("/profiles", json=body), 422)
    assert problem["errors"][0]["where"] == "body.module_ids"

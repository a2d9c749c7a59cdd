"""What holds for entities, modules, profiles and drafts alike."""

import uuid

import httpx
import pytest
from conftest import Json, Made, Scratch, bearer, problem_of

NOUNS = ["entities", "modules", "profiles", "drafts"]
NAMED = {"entities": "label", "modules": "label", "profiles": "label", "drafts": "title"}
pytestmark = pytest.mark.parametrize("noun", NOUNS)


def headers(row: Json) -> dict[str, str]:
    return bearer(row) if "capability_token" in row else {}


def without_token(row: Json) -> Json:
    return {key: value for key, value in row.items() if key != "capability_token"}


def test_what_is_created_reads_back_the_same(api: httpx.Client, made: Made, noun: str) -> None:
    row = made.of(noun)
    assert uuid.UUID(row["id"]).version == 4
    read = api.get(f"/{noun}/{row['id']}", headers=headers(row))
    assert read.status_code == 200
    assert read.json() == without_token(row)


def test_a_change_shows_and_moves_updated_at(api: httpx.Client, made: Made, noun: str) -> None:
    row = made.of(noun)
    path = f"/{noun}/{row['id']}"
    changed = api.patch(path, json={NAMED[noun]: "Another"}, headers=headers(row))
    assert changed.status_code == 200, changed.text
    assert changed.json()[NAMED[noun]] == "Another"
    assert changed.json()["created_at"] == row["created_at"]
    assert changed.json()["updated_at"] > row["updated_at"]
    assert api.get(path, headers=headers(row)).json() == changed.json()


def test_what_is_deleted_is_gone_and_stays_in_the_database(
    api: httpx.Client, made: Made, here: Scratch, noun: str
) -> None:
    row = made.of(noun)
    path = f"/{noun}/{row['id']}"
    assert api.delete(path, headers=headers(row)).status_code == 204
    gone = problem_of(api.get(path, headers=headers(row)), 410)
    assert "restore it first" in gone["detail"]
    for method in ("PATCH", "DELETE"):
        body = {NAMED[noun]: "x"} if method == "PATCH" else None
        problem_of(api.request(method, path, headers=headers(row), json=body), 410)
    kept = here.value(f"SELECT deleted_at FROM {noun} WHERE id = $1", uuid.UUID(row["id"]))
    assert kept is not None


def test_what_is_restored_is_as_it_was(api: httpx.Client, made: Made, noun: str) -> None:
    row = made.of(noun)
    path = f"/{noun}/{row['id']}"
    api.delete(path, headers=headers(row))
    restored = api.post(f"{path}/restore", headers=headers(row))
    assert restored.status_code == 200, restored.text
    ignored = {"updated_at": "", "capability_token": ""}
    assert restored.json() | ignored == row | ignored
    assert api.get(path, headers=headers(row)).status_code == 200


def test_what_is_not_deleted_cannot_be_restored(api: httpx.Client, made: Made, noun: str) -> None:
    row = made.of(noun)
    again = problem_of(api.post(f"/{noun}/{row['id']}/restore", headers=headers(row)), 409)
    assert again["detail"].endswith("is not deleted")


def test_pages_are_newest_first_and_do_not_overlap(
    api: httpx.Client, made: Made, noun: str
) -> None:
    rows = [made.of(noun) for _ in range(5)]
    first = api.get(f"/{noun}", params={"q": made.mark, "limit": 3}).json()
    second = api.get(f"/{noun}", params={"q": made.mark, "limit": 3, "offset": 3}).json()
    assert (first["total"], first["limit"], first["offset"]) == (5, 3, 0)
    listed = [one["id"] for one in first["items"] + second["items"]]
    assert listed == [one["id"] for one in reversed(rows)]


def test_lists_leave_out_the_deleted_unless_asked(api: httpx.Client, made: Made, noun: str) -> None:
    kept, gone = made.of(noun), made.of(noun)
    api.delete(f"/{noun}/{gone['id']}", headers=headers(gone))

    def listed(deleted: str | None) -> list[str]:
        wish = {"deleted": deleted} if deleted else {}
        page = api.get(f"/{noun}", params={"q": made.mark, **wish}).json()
        assert page["total"] == len(page["items"])
        return [one["id"] for one in page["items"]]

    assert listed(None) == listed("exclude") == [kept["id"]]
    assert listed("only") == [gone["id"]]
    assert listed("include") == [gone["id"], kept["id"]]


def test_a_filter_takes_wildcards_literally(api: httpx.Client, made: Made, noun: str) -> None:
    made.of(noun)
    assert api.get(f"/{noun}", params={"q": made.mark}).json()["total"] == 1
    assert api.get(f"/{noun}", params={"q": "%" + made.mark[1:]}).json()["total"] == 0


@pytest.mark.parametrize("action", ["GET", "PATCH", "DELETE", "restore"])
def test_an_unknown_id_is_404(api: httpx.Client, noun: str, action: str) -> None:
    missing = f"/{noun}/{uuid.uuid4()}"
    token = {"authorization": "Bearer x"}
    if action == "restore":
        answer = api.post(f"{missing}/restore", headers=token)
    elif action == "PATCH":
        answer = api.patch(missing, json={NAMED[noun]: "x"}, headers=token)
    else:
        answer = api.request(action, missing, headers=token)
    assert problem_of(answer, 404)["detail"].startswith("there is no ")


def test_a_wrong_field_is_422_and_named(api: httpx.Client, noun: str) -> None:
    def where(body: object) -> list[str]:
        errors = problem_of(api.post(f"/{noun}", json=body), 422)["errors"]
        return [one["where"] for one in errors]

    assert f"body.{NAMED[noun]}" in where({})
    assert f"body.{NAMED[noun]}" in where({NAMED[noun]: "   "})
    assert f"body.{NAMED[noun]}" in where({NAMED[noun]: "x" * 256})
    assert f"body.{NAMED[noun]}" in where({NAMED[noun]: None})
    assert "body.lable" in where({"lable": "x"})


def test_an_empty_change_is_422(api: httpx.Client, made: Made, noun: str) -> None:
    row = made.of(noun)
    answer = api.patch(f"/{noun}/{row['id']}", json={}, headers=headers(row))
    assert "nothing to change" in problem_of(answer, 422)["detail"]


def test_what_the_database_cannot_store_is_422(api: httpx.Client, made: Made, noun: str) -> None:
    row = made.of(noun)
    path = f"/{noun}/{row['id']}"
    answer = api.patch(path, json={NAMED[noun]: "a\0b"}, headers=headers(row))
    problem_of(answer, 422)


@pytest.mark.parametrize(
    "query", [{"limit": 0}, {"limit": 201}, {"offset": -1}, {"limit": "x"}, {"deleted": "maybe"}]
)
def test_a_page_out_of_bounds_is_422(api: httpx.Client, noun: str, query: Json) -> None:
    problem_of(api.get(f"/{noun}", params=query), 422)


def test_unknown_paths_and_methods_are_problems_too(api: httpx.Client, noun: str) -> None:
    problem_of(api.get(f"/{noun}s"), 404)
    problem_of(api.put(f"/{noun}", json={}), 405)

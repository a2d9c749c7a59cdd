"""Drafts: capability tokens, the steps of their status, and applying them."""

import hashlib
import inspect
import uuid

import httpx
import pytest
from conftest import Json, Made, Scratch, bearer, problem_of

from app import capability


def test_the_token_is_shown_once_and_only_its_hash_is_stored(
    api: httpx.Client, made: Made, here: Scratch
) -> None:
    draft = made.draft()
    token = draft["capability_token"]
    assert len(token) == 43
    assert token not in api.get(f"/drafts/{draft['id']}", headers=bearer(draft)).text
    assert token not in api.get("/drafts", params={"q": made.mark}).text
    row = here.value("SELECT drafts::text FROM drafts WHERE id = $1", uuid.UUID(draft["id"]))
    assert token not in row
    stored = here.value("SELECT capability_hash FROM drafts WHERE id = $1", uuid.UUID(draft["id"]))
    assert stored == hashlib.sha256(token.encode()).hexdigest()
    assert stored not in api.get(f"/drafts/{draft['id']}", headers=bearer(draft)).text


def test_hashes_are_compared_in_constant_time() -> None:
    source = inspect.getsource(capability.opens)
    assert "hmac.compare_digest(" in source
    assert "==" not in source
    token = capability.new_token()
    assert capability.opens(token, capability.hash_of(token))
    assert not capability.opens(token[:-1], capability.hash_of(token))
    assert not capability.opens("ü", capability.hash_of(token))


@pytest.mark.parametrize("action", ["GET", "PATCH", "DELETE", "apply", "restore"])
def test_without_the_right_token_a_draft_is_shut(
    api: httpx.Client, made: Made, action: str
) -> None:
    draft, other = made.draft(), made.draft()

    def act(**headers: str) -> httpx.Response:
        path = f"/drafts/{draft['id']}"
        if action in ("apply", "restore"):
            return api.post(f"{path}/{action}", headers=headers)
        body = {"title": "mine now"} if action == "PATCH" else None
        return api.request(action, path, headers=headers, json=body)

    nameless = act()
    problem_of(nameless, 401)
    assert nameless.headers["www-authenticate"] == "Bearer"
    problem_of(act(authorization=f"Basic {draft['capability_token']}"), 401)
    problem_of(act(**bearer(other)), 403)
    problem_of(act(authorization="Bearer wrong"), 403)
    assert api.get(f"/drafts/{draft['id']}", headers=bearer(draft)).json()["title"] != "mine now"


def test_an_expired_token_opens_nothing(api: httpx.Client, made: Made, here: Scratch) -> None:
    draft = made.draft()
    here.execute(
        "UPDATE drafts SET expires_at = now() - interval '1 s' WHERE id = $1",
        uuid.UUID(draft["id"]),
    )
    refused = problem_of(api.get(f"/drafts/{draft['id']}", headers=bearer(draft)), 403)
    assert "expired" in refused["detail"]


def test_lists_show_no_changes_and_filter_by_status(api: httpx.Client, made: Made) -> None:
    editing, submitted = made.draft(), made.draft()
    patch(api, submitted, status="submitted")
    page = api.get("/drafts", params={"q": made.mark, "status": "submitted"}).json()
    assert [one["id"] for one in page["items"]] == [submitted["id"]]
    assert "changes" not in page["items"][0]
    page = api.get("/drafts", params={"q": made.mark, "status": "editing"}).json()
    assert [one["id"] for one in page["items"]] == [editing["id"]]


def patch(api: httpx.Client, draft: Json, **body: object) -> httpx.Response:
    return api.patch(f"/drafts/{draft['id']}", json=body, headers=bearer(draft))


def test_a_status_only_goes_where_it_may(api: httpx.Client, made: Made) -> None:
    draft = made.draft()
    problem_of(patch(api, draft, status="applied"), 409)
    assert patch(api, draft, status="submitted").json()["status"] == "submitted"
    assert "only its status" in problem_of(patch(api, draft, title="late"), 409)["detail"]
    assert patch(api, draft, status="editing").json()["status"] == "editing"
    assert patch(api, draft, title="in time").json()["title"] == "in time"
    assert patch(api, draft, status="rejected").json()["status"] == "rejected"
    for status in ("editing", "submitted", "applied"):
        problem_of(patch(api, draft, status=status), 409)
    problem_of(patch(api, draft, status="lost"), 422)


def test_an_applied_draft_creates_and_changes_entities(api: httpx.Client, made: Made) -> None:
    there = made.entity(description="kept", schema_definition={"old": True})
    new = made.mark + "-new"
    changes = [
        {"entity_id": new, "entity_type": "property", "label": "New one"},
        {
            "entity_id": there["entity_id"],
            "entity_type": "category",
            "label": "Renamed",
            "schema_definition": {"new": True},
        },
    ]
    draft = made.draft(changes={"entities": changes})
    path = f"/drafts/{draft['id']}"
    assert (
        "submit it first"
        in problem_of(api.post(f"{path}/apply", headers=bearer(draft)), 409)["detail"]
    )
    assert api.get("/entities", params={"q": new}).json()["total"] == 0
    patch(api, draft, status="submitted")
    applied = api.post(f"{path}/apply", headers=bearer(draft))
    assert applied.status_code == 200, applied.text
    assert applied.json()["draft"]["status"] == "applied"
    assert [one["entity_id"] for one in applied.json()["created"]] == [new]
    assert [one["id"] for one in applied.json()["updated"]] == [there["id"]]
    now = api.get(f"/entities/{there['id']}").json()
    assert (now["label"], now["description"]) == ("Renamed", "kept")
    assert now["schema_definition"] == {"new": True}
    assert api.get("/entities", params={"q": new}).json()["total"] == 1
    problem_of(api.post(f"{path}/apply", headers=bearer(draft)), 409)


def test_a_draft_that_fails_half_way_changes_nothing(
    api: httpx.Client, made: Made, here: Scratch
) -> None:
    names = [f"{made.mark}-a", f"{made.mark}-b"]
    entities = [{"entity_id": n, "entity_type": "category", "label": "x"} for n in names]
    draft = made.draft(changes={"entities": entities})
    patch(api, draft, status="submitted")
    # What the API would have refused, as an older version of it may have stored it.
    here.execute(
        "UPDATE drafts SET changes = jsonb_set(changes, '{entities,1,label}', '\"a\\tb\"')"
        " WHERE id = $1",
        uuid.UUID(draft["id"]),
    )
    here.execute("ALTER TABLE entities ADD CONSTRAINT no_tabs CHECK (label !~ '\\t') NOT VALID")
    try:
        problem_of(api.post(f"/drafts/{draft['id']}/apply", headers=bearer(draft)), 409)
    finally:
        here.execute("ALTER TABLE entities DROP CONSTRAINT no_tabs")
    assert api.get("/entities", params={"q": made.mark}).json()["total"] == 0
    status = api.get(f"/drafts/{draft['id']}", headers=bearer(draft)).json()["status"]
    assert status == "submitted"


def test_changes_are_checked_when_they_are_written(api: httpx.Client, made: Made) -> None:
    draft = made.draft()
    wrong = patch(api, draft, changes={"entities": [{"entity_id": "X", "label": "no type"}]})
    assert "body.changes.entities.0.entity_type" in problem_of(wrong, 422)["detail"]
    one = {"entity_id": "Twice", "entity_type": "category", "label": "x"}
    twice = patch(api, draft, changes={"entities": [one, one]})
    assert "twice" in problem_of(twice, 422)["detail"]

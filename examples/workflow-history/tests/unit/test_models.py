"""How the models are written as JSON and read from it, and which words the enums take."""

import json
import uuid
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from server.db_models import Node, Run, RunNode, Status
from server.node_types import KINDS, NewNode, NodeType
from server.schemas import NodeOut, Paging, RunAnswer, RunOut, RunWithSteps, StepOut

NODE: TypeAdapter[Any] = TypeAdapter(NewNode)
ID, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)
NOON = datetime(2026, 11, 20, 12, 0, 0, 5000, tzinfo=UTC)


def run(**fields: Any) -> Run:
    usual = {"id": ID, "workflow_id": OTHER, "status": "succeeded", "started_at": NOON}
    return Run(**(usual | {"finished_at": NOON + timedelta(seconds=1)} | fields))


def test_a_run_is_written_with_all_its_fields() -> None:
    row = run(input={"a": [1, None]}, final_output="ü", request_id="r")
    assert json.loads(RunOut.model_validate(row).model_dump_json()) == {
        "id": str(ID),
        "workflow_id": str(OTHER),
        "status": "succeeded",
        "input": {"a": [1, None]},
        "final_output": "ü",
        "error": None,
        "request_id": "r",
        "started_at": "2026-11-20T12:00:00.005000Z",
        "finished_at": "2026-11-20T12:00:01.005000Z",
    }


def test_times_keep_their_moment_whatever_their_zone() -> None:
    there = NOON.astimezone(timezone(timedelta(hours=9)))
    written = json.loads(RunOut.model_validate(run(started_at=there)).model_dump_json())
    assert datetime.fromisoformat(written["started_at"]) == NOON


def test_the_steps_of_a_run_are_written_in_it() -> None:
    step = RunNode(id=OTHER, run_id=ID, order_index=0, node_type="fail", config={}, status="failed")
    step.error, step.started_at, step.finished_at = "no", NOON, NOON
    row = run(steps=[step])
    written = RunWithSteps.model_validate(row)
    assert [one.error for one in written.steps] == ["no"]
    assert written.steps[0].node_id is None


@pytest.mark.parametrize("value", [None, True, 0, -1.5, 10**30, "", "ü\n", [], {}, {"a": [{}]}])
def test_every_kind_of_json_comes_back_as_it_was(value: Any) -> None:
    answer = RunAnswer(run_id=ID, status=Status.SUCCEEDED, final_output=value)
    back = RunAnswer.model_validate_json(answer.model_dump_json())
    assert back.final_output == value
    assert type(back.final_output) is type(value)


def test_a_node_is_stored_as_its_type_in_text_and_its_config() -> None:
    node = NODE.validate_python({"node_type": "delay", "config": {"seconds": 1}})
    assert node.stored() == ("delay", {"seconds": 1.0})
    assert type(node.stored()[0]) is str
    out = NodeOut.model_validate(
        Node(id=ID, workflow_id=OTHER, order_index=0, node_type="delay", config={}, created_at=NOON)
    )
    assert out.node_type == "delay"


@pytest.mark.parametrize("kind", NodeType)
def test_every_node_type_has_a_kind_that_takes_its_name(kind: NodeType) -> None:
    field = KINDS[kind].model_fields["node_type"]
    assert field.annotation is not None
    assert field.annotation.__args__ == (kind,)


@pytest.mark.parametrize(
    "word", ["teleport", "", "Delay", "DELAY", " delay", "delay ", 1, None, True]
)
def test_a_node_type_is_one_of_the_enum_and_nothing_near_it(word: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        NODE.validate_python({"node_type": word, "config": {"seconds": 1}})
    assert refused.value.errors()[0]["type"] == "union_tag_invalid"


def test_the_refusal_of_a_node_type_lists_those_that_there_are() -> None:
    with pytest.raises(ValidationError) as refused:
        NODE.validate_python({"node_type": "teleport"})
    message = refused.value.errors()[0]["msg"]
    assert all(f"'{kind}'" in message for kind in NodeType)


@pytest.mark.parametrize("status", ["done", "", "Running", "SUCCEEDED", 1, None])
def test_a_status_is_one_of_the_enum(status: Any) -> None:
    for model in (RunOut, StepOut):
        with pytest.raises(ValidationError) as refused:
            model.model_validate({"status": status})
        assert "status" in [error["loc"][0] for error in refused.value.errors()]
        assert "enum" in [error["type"] for error in refused.value.errors()]


def test_a_run_that_goes_on_is_no_answer() -> None:
    with pytest.raises(ValidationError, match="the answer to a run is its end"):
        RunAnswer(run_id=ID, status=Status.RUNNING)


@pytest.mark.parametrize(("word", "status"), [("failed", Status.FAILED), (None, None)])
def test_a_filter_takes_a_status_or_none(word: str | None, status: Status | None) -> None:
    assert Paging(status=word).status is status

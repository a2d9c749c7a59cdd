"""What all kinds of nodes have in common."""

import abc
import enum
import time
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class NodeType(enum.StrEnum):
    TEXT_TEMPLATE = "text_template"
    REGEX_EXTRACT = "regex_extract"
    JSON_PATH = "json_path"
    HTTP_CALL = "http_call"
    DELAY = "delay"
    FAIL = "fail"


class NodeFailed(Exception):
    """The node could not do its work; the message goes into the history."""


@dataclass(frozen=True)
class Context:
    """What a node may know of the run that it is a step of."""

    run_id: str
    request_id: str | None
    given: Any
    #: On the clock of time.monotonic(); no node may work longer.
    deadline: float
    allowed_hosts: frozenset[str] = frozenset()
    #: The outputs of the steps so far, in order.
    outputs: list[Any] = field(default_factory=list)

    def seconds_left(self) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise NodeFailed("the run has used up its time (RUN_TIMEOUT_SECONDS)")
        return left

    def names(self, value: Any) -> dict[str, Any]:
        """What templates and URLs can refer to."""
        return {
            "input": value,
            "run": {"id": self.run_id, "input": self.given},
            "steps": [{"output": output} for output in self.outputs],
        }


class Config(BaseModel):
    # A misspelt option is an error, not a silently ignored wish.
    model_config = ConfigDict(extra="forbid")


class NodeKind(BaseModel, abc.ABC):
    """A node as it is sent: its type, its config, and its place; without one it comes last."""

    model_config = ConfigDict(extra="forbid")

    order_index: int | None = Field(default=None, ge=0, le=10_000)

    @abc.abstractmethod
    def run(self, value: Any, context: Context) -> Any:
        """From the input to the output, both JSON. Raises NodeFailed."""

    def stored(self) -> tuple[str, dict[str, Any]]:
        """node_type and config, as the database has them."""
        fields = self.model_dump(mode="json")
        return fields["node_type"], fields["config"]

"""Nodes that only happen: delay and fail."""

import time
from typing import Any, Literal

from pydantic import Field

from server.node_types.base import Config, Context, NodeFailed, NodeKind, NodeType
from server.values import Storable


class DelayConfig(Config):
    seconds: float = Field(ge=0, le=30)


class Delay(NodeKind):
    """Waits, and passes its input on."""

    node_type: Literal[NodeType.DELAY]
    config: DelayConfig

    def run(self, value: Any, context: Context) -> Any:
        left = context.seconds_left()
        if self.config.seconds > left:
            raise NodeFailed(
                f"a delay of {self.config.seconds:g} s, and the run has {left:.1f} s left"
            )
        time.sleep(self.config.seconds)
        return value


class FailConfig(Config):
    message: Storable = Field(default="failed on purpose", min_length=1, max_length=1000)


class Fail(NodeKind):
    """Fails: to try what becomes of a run that does."""

    node_type: Literal[NodeType.FAIL]
    config: FailConfig = FailConfig()

    def run(self, value: Any, context: Context) -> Any:
        raise NodeFailed(self.config.message)

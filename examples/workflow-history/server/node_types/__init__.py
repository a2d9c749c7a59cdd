"""The kinds of nodes: what each wants in its config, and what it does.

A new kind is a class in one of these modules and a line in `New`; the database has its name as
TEXT and needs no migration.
"""

from typing import Annotated

from pydantic import Field

from server.node_types.base import Context, NodeFailed, NodeKind, NodeType
from server.node_types.control import Delay, Fail
from server.node_types.http_call import HttpCall
from server.node_types.texts import JsonPath, RegexExtract, TextTemplate

__all__ = ["KINDS", "Context", "NewNode", "NodeFailed", "NodeKind", "NodeType"]

New = TextTemplate | RegexExtract | JsonPath | HttpCall | Delay | Fail
NewNode = Annotated[New, Field(discriminator="node_type")]

KINDS: dict[str, type[NodeKind]] = {
    NodeType.TEXT_TEMPLATE: TextTemplate,
    NodeType.REGEX_EXTRACT: RegexExtract,
    NodeType.JSON_PATH: JsonPath,
    NodeType.HTTP_CALL: HttpCall,
    NodeType.DELAY: Delay,
    NodeType.FAIL: Fail,
}

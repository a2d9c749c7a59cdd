"""The road of `up`: observe, check ports, plan, execute. Used by `up`, `reset`, `undo`, `restart` and by verify's twin."""

from devstack.bring_up.ends import with_ends
from devstack.bring_up.images import image_steps, renew, sweep
from devstack.bring_up.ports import check_ports
from devstack.bring_up.road import Brought, carry_out, make_plan
from devstack.bring_up.schema import in_words, lock_path, postgres_of, schema_files, schema_tasks, wanted_of
from devstack.bring_up.tool import Tool
from devstack.engine.look import look

__all__ = [
    "Brought",
    "Tool",
    "carry_out",
    "check_ports",
    "image_steps",
    "in_words",
    "lock_path",
    "look",
    "make_plan",
    "postgres_of",
    "renew",
    "schema_files",
    "schema_tasks",
    "sweep",
    "wanted_of",
    "with_ends",
]

"""No value of an option can change what a service is: hostile text lands in the same places as harmless text, as it was."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devstack.compose.load import Sources, load
from devstack.document import dump
from devstack.render.render import write
from tests.render.shop import compose_of, rendered

# (kind, option, other keys it needs)
PLACES = [
    ("worker", "workdir", {"command": ["a"]}),
    ("worker", "command", {}),
    ("cron", "command", {"schedule": "0 3 * * *"}),
    ("cron", "timezone", {"schedule": "0 3 * * *", "command": ["a"]}),
    ("fastapi", "app", {"build": "app"}),
    ("node", "entry", {}),
    ("redis", "maxmemory", {}),
    ("minio", "user", {}),
    ("grafana", "user", {}),
    ("pgadmin", "email", {}),
    ("postgres", "settings", {}),
]
HOSTILE = st.one_of(
    st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\x00\ue000\ue001"), min_size=1, max_size=30),
    st.sampled_from(
        ["a\nprivileged: true", "a\n  - b", "'", '"', "\\", "#x", "- x", "{{ x }}", "{% x %}", "!!python/object", "&a"]
    ),
    st.sampled_from(["*a", "$X ${Y}", "a: b", "\x85a: b", "\u2028b: c", "<<: *a", "? a", "%TAG", "---", "..."]),
)


def spec_of(kind: str, option: str, more: dict[str, Any], value: str) -> str:
    # In the spec itself a dollar sign is doubled to stand for itself.
    given: Any = value.replace("$", "$$")
    if option == "command":
        given = [given]
    if option == "settings":
        given = {"a.b": given}
    services = {"one": {"kind": kind, option: given, **more}, "other": {"kind": "node", "source": "app", "port": 3999}}
    return dump({"name": "shop", "services": services})


def shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    return [shape(item) for item in value] if isinstance(value, list) else type(value).__name__


def texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in texts(item)]
    if isinstance(value, (list, tuple)):
        return [text for item in value for text in texts(item)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize(("kind", "option", "more"), PLACES, ids=[f"{kind}.{option}" for kind, option, _ in PLACES])
@settings(max_examples=25, deadline=None)
@given(value=HOSTILE)
def test_hostile_text_stays_text(kind: str, option: str, more: dict[str, Any], value: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        harmless = compose_of(rendered(folder, spec_of(kind, option, more, "harmless")))
        result = rendered(folder, spec_of(kind, option, more, value))
        assert shape(compose_of(result)) == shape(harmless)
        write(result)
        one = load(Sources(files=result.compose_files, directory=folder, environment={})).services["one"]
        if option in ("maxmemory", "workdir", "app", "command", "user", "email", "settings"):
            seen = texts([dict(one.environment), one.command, one.working_dir])
            assert any(text == value or text == f"a.b={value}" for text in seen), seen

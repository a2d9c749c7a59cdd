"""Whatever stands in devstack.yml, the answer is files or problems with places, never a traceback."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devstack.document import dump
from devstack.errors import DevstackError, SpecError
from devstack.render.render import render
from devstack.spec.kinds import load_kinds
from devstack.spec.load import load_spec

KINDS = load_kinds(Path("/nonexistent"))
SCALAR: Any = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 70000), st.floats(allow_nan=False, allow_infinity=False, width=16),
    st.sampled_from(["", " ", "db", "app", "8025:8025", "${X}", "${X:-1}", "${", "$$", "a: b", "17", "10s", "* * * * *"]),
    st.sampled_from(["x:/y", "../..", "/", "./app", "\ue000DB\ue001", "true", "\u0085", "\u2028"]),
    st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=6),
)  # fmt: skip
INNER_KEYS = st.sampled_from(["a", "db", "context", "target", "test"])
VALUE: Any = st.recursive(
    SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(INNER_KEYS, inner, max_size=3), max_leaves=5
)
COMPOSE_KEYS = [
    "image", "build", "ports", "volumes", "environment", "depends_on", "healthcheck", "command", "env_file", "profiles", "configs",
    "extends", "develop", "x-a",
]  # fmt: skip


@st.composite
def service(draw: Any) -> Any:
    kind = draw(st.sampled_from([*KINDS, "", "nope"]))
    options = list(KINDS[kind].options) if kind in KINDS else []
    body = draw(st.dictionaries(st.sampled_from([*COMPOSE_KEYS, *options, "wrong"]), VALUE, max_size=4))
    if kind:
        body["kind"] = kind
    if kind == "fastapi" and draw(st.booleans()):
        body.setdefault("image", "api")
    if kind in ("worker", "cron"):
        body.setdefault("command", "python -c 1")
        body.setdefault("schedule", "0 3 * * *")
    return draw(st.one_of(st.just(body), st.just(body), st.just(body), VALUE))


NAMES = st.sampled_from(["db", "api", "web-1", "1x"])
OTHERS = ("name", "compose", "schema", "verify", "render", "profiles", "volumes", "networks", "configs", "secrets", "x-y", "wrong")
SERVICES: Any = st.dictionaries(NAMES, service(), min_size=1, max_size=3)
DOCUMENT: Any = st.one_of(
    st.fixed_dictionaries({"services": SERVICES}),
    st.fixed_dictionaries({"services": st.one_of(SERVICES, VALUE)}, optional=dict.fromkeys(OTHERS, VALUE)),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(DOCUMENT)
def test_any_document_is_rendered_or_told(document: Any) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "app").mkdir()
        path = folder / "devstack.yml"
        path.write_text(dump(document), encoding="utf-8")
        try:
            render(load_spec(path, {}), project="shop")
        except SpecError as error:
            assert all(problem.where.line for problem in error.problems), error.problems
        except DevstackError:
            pass


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_told(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "devstack.yml"
        path.write_bytes(content)
        try:
            load_spec(path, {})
        except SpecError as error:
            assert error.problems

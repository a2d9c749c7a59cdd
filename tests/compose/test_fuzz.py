"""Whatever is done to a right file, loading gives a stack or a SpecError with a place, never anything else."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devstack.compose.load import Sources, load
from devstack.compose.model import Json
from devstack.document import dump, plain
from devstack.document import load as load_document
from devstack.errors import SpecError
from tests.compose.cases import CORPUS, documents

TEXTS = [text for path in sorted(CORPUS.glob("*.yaml")) for _, text in documents(path.read_text())]
JUNK = ["", ":", "- ", "[", "]", "{", "}", "'", '"', "&a", "*a", "!x", "!reset ", "!override ", "${", "${A:?}", "$", "\t", "null", "~", "0",
        "-1", "1e9", "true", "2020-01-01", "\u202e", "%", "|", ">", "<<: ", "---\n", "\n", "  ", "#", "@", ",", "999999999999", "é"]  # fmt: skip

ODD = ["null", "[]", "{}", "''", "0", "-1", "1.5", "true", "[null]", "[[]]", "{a: null}", "[{}]", "{a: []}", "2020-01-01"]


def spoiled(text: str, seed: int) -> str:
    """A document with a few of its words cut, doubled, swapped or replaced."""
    chance = random.Random(seed)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(text) + 1)
        to = min(len(text), at + chance.choice([0, 0, 1, 2, 5, 20]))
        middle = chance.choice([*JUNK, text[at:to] * 2, text[chance.randrange(len(text) or 1) :][:15]])
        text = text[:at] + middle + text[to:]
        if not text:
            break
    return text


@given(text=st.sampled_from(TEXTS), seed=st.integers(0, 2**32))
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_spoiled_file_never_gives_a_traceback(text: str, seed: int, tmp_path: Path) -> None:
    path = tmp_path / "compose.yaml"
    path.write_text(spoiled(text, seed))
    try:
        load(Sources(files=(path,), directory=tmp_path, environment={}))
    except SpecError as error:
        assert error.problems
        assert all(problem.where.file for problem in error.problems)


def odd(node: Json, chance: random.Random) -> Json:
    """A document in which one value, anywhere, is another one."""
    if isinstance(node, dict) and node and chance.random() < 0.9:
        key = chance.choice(sorted(node))
        return {**node, key: odd(node[key], chance)}
    if isinstance(node, list) and node and chance.random() < 0.9:
        at = chance.randrange(len(node))
        return [*node[:at], odd(node[at], chance), *node[at + 1 :]]
    return chance.choice(VALUES)


VALUES: list[Json] = [
    *(None, True, 0, -1, 1.5, 2**63, "", " ", "x", "service:", "service:a", ":", "::", "/", "1-", "-", "=", "a=", "$", "${A:?}"),
    *("1h", "1g", "all", "~", "é", "a:b:c:d:e", "0x", "[", "[::1", "-5s"),
    [],
    [""],
    [None],
    [[]],
    {},
    {"": ""},
    {"a": None},
    ["x", "x"],
]


@given(text=st.sampled_from(TEXTS), seed=st.integers(0, 2**32))
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_document_with_an_odd_value_never_gives_a_traceback(text: str, seed: int, tmp_path: Path) -> None:
    path = tmp_path / "compose.yaml"
    try:
        node = load_document(text, "corpus")
    except SpecError:
        return
    assert node is not None
    path.write_text(dump(odd(plain(node), random.Random(seed))))
    try:
        load(Sources(files=(path,), directory=tmp_path, environment={}))
    except SpecError as error:
        assert error.problems


@pytest.mark.parametrize("value", ODD)
def test_no_key_of_a_service_fails_on_an_odd_value(value: str, tmp_path: Path) -> None:
    from devstack.compose.schema import TOP
    from devstack.compose.schema_service import SERVICE_KEYS

    path = tmp_path / "compose.yaml"
    texts = [f"services: {{a: {{image: x, {key}: {value}}}}}\n" for key in SERVICE_KEYS if key != "image"]
    texts += [f"services: {{a: {{image: x}}}}\n{key}: {value}\n" for key in TOP if key != "services"]
    texts += [
        f"services: {{a: {{image: x, {kind}: [n]}}}}\n{kind}: {{n: {value}}}\n" for kind in ("networks", "secrets", "configs")
    ]
    for text in texts:
        path.write_text(text)
        try:
            load(Sources(files=(path,), directory=tmp_path, environment={}))
        except SpecError as error:
            assert error.problems[0].where.line, text

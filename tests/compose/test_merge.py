"""Documents and service bodies are merged field by field, with `!reset` and `!override`, and keep the places of their files."""

from __future__ import annotations

from typing import Any

import pytest

from devstack.compose.merge import has_tags, merge, merge_service, without_tags
from devstack.document import MappingNode, load, plain
from devstack.errors import SpecError


def document(text: str, file: str = "f.yml") -> MappingNode:
    node = load(text, file)
    assert isinstance(node, MappingNode)
    return node


def merged(base: str, over: str) -> Any:
    return plain(merge_service(document(base), document(over)))


@pytest.mark.parametrize(
    ("base", "over", "result"),
    [
        ("{command: [a, b]}", "{command: c}", {"command": "c"}),
        ("{ports: [a]}", "{ports: [b]}", {"ports": ["a", "b"]}),
        ("{ports: [a]}", "{ports: !override [b]}", {"ports": ["b"]}),
        ("{ports: [a], tty: true}", "{ports: !reset []}", {"tty": True}),
        ("{environment: [A=1, B]}", "{environment: {A: 2}}", {"environment": {"A": 2, "B": None}}),
        ("{environment: {A: 1}}", "{environment: {A: !reset null, C: 3}}", {"environment": {"C": 3}}),
        ("{build: .}", "{build: {target: t}}", {"build": {"context": ".", "target": "t"}}),
        ("{networks: [n]}", "{networks: {n: {aliases: [x]}}}", {"networks": {"n": {"aliases": ["x"]}}}),
        ("{dns: a}", "{dns: [b]}", {"dns": ["a", "b"]}),
        ("{healthcheck: {test: [a], retries: 1}}", "{healthcheck: {test: b}}", {"healthcheck": {"test": "b", "retries": 1}}),
        ("{labels: {a: 1}}", "{labels: null}", {"labels": {"a": 1}}),
        ("{x-a: 1}", "{x-a: {b: 2}}", {"x-a": {"b": 2}}),
    ],
)
def test_each_field_is_merged_by_its_own_rule(base: str, over: str, result: object) -> None:
    assert merged(base, over) == result


def test_a_mapping_cannot_become_a_list_and_both_places_are_named() -> None:
    with pytest.raises(SpecError) as caught:
        merge(document("services: {a: {deploy: {replicas: 1}}}", "one.yml"), document("services: {a: {deploy: [x]}}", "two.yml"))
    assert str(caught.value.problems[0].where) == "two.yml:1:24"
    assert "one.yml:1:24" in caught.value.problems[0].message


def test_merged_values_keep_their_own_places() -> None:
    result = merge(document("services: {a: {image: x}}", "one.yml"), document("services: {a: {tty: true}}", "two.yml"))
    body = result.get("services").get("a")  # type: ignore[union-attr]
    assert isinstance(body, MappingNode)
    assert [entry.where.file for entry in body] == ["one.yml", "two.yml"]


def test_tags_of_a_single_document_take_effect() -> None:
    node = document("{a: !reset [1], b: !override {c: 1}, d: [!reset x, y]}")
    assert has_tags(node)
    assert plain(without_tags(node)) == {"b": {"c": 1}, "d": ["y"]}
    assert not has_tags(without_tags(node))
